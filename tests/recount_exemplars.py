"""The exemplars of a log, from its lines and the text of the catalogue alone: a plain loop over decimals."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.recount_measures import UNITS, count_of

Sample = tuple[str, frozenset[tuple[str, str]]]


def recounted(lines: Iterable[bytes], catalogue: Mapping[str, Any], threshold: str) -> dict[Sample, dict[str, Any]]:
    """What stands beside each sample, of numbered lines with whole timestamps; `catalogue` as parsed TOML."""
    newest: dict[Sample, tuple[str, str, Decimal, str]] = {}
    seen = set()
    for line in lines:
        event = json.loads(line, parse_float=Decimal)
        identity = event["proc"], event["seq"], event["timestamp"]
        id_ = next(((name, event[name]) for name in ("request_id", "task_id") if is_id(event.get(name))), None)
        if identity in seen or id_ is None or count_of(event) != 1:
            continue
        seen.add(identity)
        for metric, summary in histograms(catalogue, event["event"]):
            duration = event.get(metric["measure"])
            values = {name: str(event.get(name, "")) for name in summary["dimensions"]}
            if duration is None or duration < Decimal(threshold) or not chosen(values, summary, metric):
                continue
            bounds = metric["buckets"]
            bounds = bounds if isinstance(bounds, list) else catalogue["buckets"][bounds]
            le = next((str(float(bound)) for bound in bounds if duration <= Decimal(str(bound))), "+Inf")
            labels = {"service": event["service"], "le": le, **labels_of(metric, values)}
            sample = f"{metric['name']}_bucket", frozenset(labels.items())
            found = event["timestamp"], id_[1], Decimal(duration), id_[0]
            newest[sample] = max(found, newest.get(sample, found))
    return {sample: entry(*found) for sample, found in newest.items()}


def is_id(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 100


def histograms(catalogue: Mapping[str, Any], event: str) -> list[tuple[Any, Any]]:
    """(metric, summary) of those in seconds."""
    summaries = {summary["name"]: summary for summary in catalogue["summary"]}
    found = [(metric, summaries[metric["summary"]]) for metric in catalogue["metric"] if metric["type"] == "histogram"]
    return [each for each in found if each[1]["event"] == event and unit_of(each[1], each[0]["measure"]) == "seconds"]


def unit_of(summary: Mapping[str, Any], measure: str) -> str:
    own = (each for each in summary["measures"] if isinstance(each, dict) and each["name"] == measure)
    return str(next(own, {}).get("unit") or UNITS[summary["event"], measure])


def chosen(values: Mapping[str, str], *tables: Mapping[str, Any]) -> bool:
    """Whether all of them, with their `where` and `unless`, let these values pass."""
    return all(
        all(values[name] in listed(wanted) for name, wanted in table.get("where", {}).items())
        and not any(values[name] in listed(refused) for name, refused in table.get("unless", {}).items())
        for table in tables
    )


def listed(values: Any) -> list[str]:
    return values if isinstance(values, list) else [values]


def labels_of(metric: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    labels = metric.get("labels", [])
    named = labels if isinstance(labels, dict) else {label: label for label in labels}
    return {label: shown(column, values) for label, column in named.items()}


def shown(column: Any, values: Mapping[str, str]) -> str:
    if isinstance(column, str):
        return values[column]
    value = values[column["dimension"]]
    fitting = (text for pattern, text in column["values"].items() if fnmatchcase(value, pattern))
    return str(next(fitting, column.get("default", value)))


def entry(timestamp: str, id_: str, duration: Decimal, name: str) -> dict[str, Any]:
    moment = Decimal(round(datetime.fromisoformat(timestamp[:19] + "Z").timestamp())) + Decimal(timestamp[19:-1])
    return {name: id_, "value": float(duration), "timestamp": float(moment)}


def parsed(sample: str) -> Sample:
    """A sample as it is written, without its value."""
    (family,) = text_string_to_metric_families(f"{sample} 1\n")
    (found,) = family.samples
    return found.name, frozenset(found.labels.items())
