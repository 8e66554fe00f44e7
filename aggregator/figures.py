"""What the runs tell of themselves, as families."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from .store import State


def families(state: State) -> Iterator[Family]:
    counters: tuple[tuple[str, str, int], ...] = (
        ("runs", "Runs of the aggregator.", state.runs),
        ("records_read", "Records read from logs: lines, after partial ones were joined.", state.read),
        ("records_released", "Records that were held for the future and came due.", state.released),
        ("records_foreign", "Records that are no events.", state.foreign),
        ("events_duplicate", "Events that were delivered before and dropped.", state.duplicates),
        (
            "events_conflicting",
            "Events whose number another event of their process has, counted both.",
            state.conflicts,
        ),
        ("events_unchecked", "Events that could not be checked for duplicates.", state.unchecked),
        ("events_lost", "Events that were written and never arrived.", state.lost),
        ("events_recovered", "Events that arrived after they were counted as lost.", state.recovered),
        ("events_late", "Events that came after their limit, and are in no summary.", state.late),
        ("source_gaps", "Logs that went away before they were read to their end.", state.gaps),
        ("source_gap_bytes", "Bytes known to have stood unread in logs that went away.", state.gap_bytes),
        (
            "fields_invalid",
            "Fields left out of an event: not a number, negative or beyond the grid.",
            state.fields_invalid,
        ),
        (
            "history_amended_events",
            "Events that came for windows after a backfill had exported these, as far as backfills have noticed.",
            state.history_amended,
        ),
        ("texts_cut", "Values of labels that were too long and were cut.", state.texts_cut),
    )
    for name, help_text, value in counters:
        yield CounterMetricFamily(f"logemit_{name}", help_text, value=value)
    yield _labelled("logemit_events", "Events taken in, by name.", "event", state.events)
    yield _labelled("logemit_records_rejected", "Records that begin as events and are none.", "reason", state.rejected)
    yield _labelled(
        "logemit_events_folded",
        "Events that count as __other__ in a partition or in the totals, as these are full.",
        "summary",
        state.folded,
    )
    yield from _capped(state.capped)
    gauges: tuple[tuple[str, str, float], ...] = (
        ("events_missing", "Events that were written and have not arrived yet.", state.missing),
        ("events_held", "Events dated in the future, held until their time comes.", state.held),
        ("last_run_timestamp_seconds", "When the last run ended.", state.finished / 1e6),
        ("last_run_duration_seconds", "How long the last run took.", state.seconds),
        ("newest_event_timestamp_seconds", "Time of the newest event.", state.newest_event / 1e6),
        ("duplicates_known_dates", "Dates of events for which duplicates are known.", len(state.seen_dates)),
        (
            "duplicates_known_from_timestamp_seconds",
            "Events of before this time are not checked for duplicates; 0 where all are.",
            _timestamp_of(state.checked_from),
        ),
        ("lag_seconds", "From the newest event to the end of the last run.", _lag(state)),
    )
    for name, help_text, level in gauges:
        yield GaugeMetricFamily(f"logemit_{name}", help_text, value=level)


def _capped(capped: Mapping[str, Mapping[str, int]]) -> Iterator[Family]:
    values = GaugeMetricFamily(
        "logemit_label_values_capped",
        "Values of a label that are shown as __other__, as the label has more than max_label_values.",
        labels=["metric", "label"],
    )
    series = GaugeMetricFamily(
        "logemit_series_capped",
        "Series that are shown as __other__, as the metric has more than max_series.",
        labels=["metric"],
    )
    for metric, of_labels in sorted(capped.items()):
        for label, number in sorted(of_labels.items()):
            if label:
                values.add_metric([metric, label], number)
            else:
                series.add_metric([metric], number)
    yield values
    yield series


def _timestamp_of(date: str) -> float:
    """Seconds since 1970; 0 for no date."""
    return datetime.fromisoformat(f"{date}T00:00:00+00:00").timestamp() if date else 0.0


def _lag(state: State) -> float:
    return (state.finished - state.newest_event) / 1e6 if state.newest_event else 0.0


def _labelled(name: str, help_text: str, label: str, values: Mapping[str, int]) -> Family:
    counter = CounterMetricFamily(name, help_text, labels=[label])
    for value, count in sorted(values.items()):
        counter.add_metric([value], count)
    return counter
