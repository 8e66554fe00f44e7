"""Any event through any envelope, in any container, split anywhere across runs, comes out exactly once."""

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.run import aggregate
from tests.batch.scene import PACKERS
from tests.envelopes import wrapped
from tests.envelopes.wrapped import LABELS, WRAPPERS
from tests.recount import recount
from tests.recount_measures import CATALOGUE
from tests.scale import scaled
from tests.test_recount import stored

from .hostile import events
from .target import CONFIG, NOW, by

TEXTS = ("view", "route", "template", "exception", "service", "name", "alias", "prefix", "feed_id", "task")
"""Fields that may hold any text."""


def event(rng: random.Random, text: str, number: int) -> str:
    """A recorded event, in the name of a process of its own, with any text where text may stand."""
    fields = json.loads(rng.choice(events())) | {"proc": f"p{number % 7}", "seq": number}
    changed = {name: text for name in TEXTS if name in fields and rng.random() < 0.5}
    return json.dumps(fields | changed, ensure_ascii=rng.random() < 0.5, separators=(",", ":"))


class Log:
    """Of one envelope, in one container; it is there in as many steps as there are runs, in one file or in several."""

    def __init__(self, folder: Path, wrap: Callable[[str], bytes], texts: list[str], rng: random.Random) -> None:
        self._pack = PACKERS.get(kind := rng.choice(["log", *PACKERS]), bytes)
        self._paths = [folder / f"{wrap.__name__}{part}.{kind}" for part in rng.choice(["aaa", "abc"])]
        self._in_members = rng.random() < 0.5
        lines = [line for text in texts for line in (self._foreign(wrap, rng), wrap(text)) if line is not None]
        end = rng.choice([b"", b"\n"]) if wrap is wrapped.cloudwatch_subscription else b"\n"
        cuts = sorted(rng.randrange(len(lines) + 1) for _ in range(2))
        places = zip([0, *cuts], [*cuts, len(lines)], strict=True)
        self._parts = [b"".join(line + end for line in lines[start:stop]) for start, stop in places]

    def _foreign(self, wrap: Callable[[str], bytes], rng: random.Random) -> bytes | None:
        return wrap("Booting worker") if rng.random() < 0.2 else None

    def grow(self, run: int) -> None:
        path = self._paths[run]
        parts = [part for place, part in zip(self._paths[: run + 1], self._parts, strict=False) if place == path]
        path.write_bytes(b"".join(map(self._pack, parts)) if self._in_members else self._pack(b"".join(parts)))


@settings(deadline=None, max_examples=scaled(2, 5, 150), suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, 2**32),
    LABELS.filter(bool),
    st.sets(st.sampled_from(list(WRAPPERS)), min_size=12),
    st.sampled_from(["reference", "machine"]),
    st.sampled_from([1000, 70_000, 1 << 22]),
)
def test_any_event_in_any_envelope_and_container_comes_out_once_however_it_was_split(
    seed: int, text: str, envelopes: set[Callable[[str], bytes]], way: str, block: int
) -> None:
    rng = random.Random(seed)
    texts = [event(rng, text, number) for number in range(rng.choice([1, 3, 8]) * len(envelopes))]
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name), Path(name) / "out"
        ordered = [wrap for wrap in WRAPPERS if wrap in envelopes]
        logs = [Log(folder, wrap, texts[number :: len(ordered)], rng) for number, wrap in enumerate(ordered)]
        reports = []
        for run in range(3):
            for log in logs:
                log.grow(run)
            with by(way, block, NOW):
                reports.append(aggregate([str(folder / "*.*")], out, CONFIG))
        (folder / "bare").write_text("".join(line + "\n" for line in texts))
        assert sum(report.events for report in reports) == len(texts)
        assert [(r.rejected, r.duplicates, r.conflicts, r.unfinished, r.gaps) for r in reports] == [(0,) * 5] * 3
        wanted = recount([folder / "bare"])
        for summary in CATALOGUE["summary"]:
            assert stored(out, summary["name"]) == wanted.rows[summary["name"]]
