"""Records of older formats of the state as this one has them."""

from typing import Any

from ..errors import StateError
from . import documents

_NEW_IN_2 = {
    "late": 0,
    "gaps": 0,
    "gap_bytes": 0,
    "folded_before": "",
    "dropped_before": "",
    "unmarked_before": "",
    "partitions_lost": 1,  # nothing told which there were: some may be gone
}
_NEW_IN_3: dict[str, Any] = {"capped": {}, "texts_cut": 0, "folded": {}}
_NEW_IN_4: dict[str, Any] = {"history_until": 0, "history_amended": 0}
SELF_CONTAINED = 2
"""From this format on there are digests of all files, and marks of numbers seen."""

_CHECKPOINT_OF_1 = ("head_bytes", "head", "offset", "tail", "lines")


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """The body of a commit as this format has it. Raises StateError for what is no body of a known format."""
    try:
        if document["format"] == 1:
            document = _from_1(document)
        if document["format"] == 2:
            document = {**document, "format": 3, "state": {**document["state"], **_NEW_IN_3}}
        if document["format"] == 3:
            document = {**document, "format": 4, "state": {**document["state"], **_NEW_IN_4}}
        if document["format"] != documents.FORMAT:
            raise StateError(f"state of format {document['format']!r:.20}, which no logemit wrote; see logemit repair")
    except (KeyError, TypeError, AttributeError) as exc:
        raise StateError(f"the last commit lacks or mangles {exc}; see logemit repair") from None
    return document


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    state = dict(document["state"])
    run = state.pop("run")
    checkpoints = [
        {**{name: each[name] for name in _CHECKPOINT_OF_1}, "met_at": state["finished"]}
        for each in state["checkpoints"]
    ]
    state = {**state, **_NEW_IN_2, "commit": run, "runs": run, "checkpoints": checkpoints}
    return {**document, "format": 2, "state": state, "removed": []}
