"""Any question of aggregator.read and its like, against a recount of the raw events in plain Python."""

import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aggregator
from aggregator import config
from aggregator.errors import InputError, UsageError

from ..scale import scaled

Event = dict[str, Any]
Key = tuple[Any, ...]

START = datetime(2026, 11, 19, 22, 40, tzinfo=UTC)
DIMENSIONS = {"service": ["a", "b"], "view": ["list", "detail", ""], "status": ["200", "404", "500"]}
FREQUENCIES = {"30s": 30, "1min": 60, "90s": 90, "7min": 420, "h": 3600, "1D": 86400}
LIMITS = [0.01, 0.1, 0.5, 2]


def requests() -> Iterator[Event]:
    """Over two midnights, with gaps; some without a time or queries."""
    rng = random.Random(9)
    for n in range(900):
        moment = START + timedelta(seconds=rng.choice([0, 7200, 92000]) + rng.random() * 1500)
        status = rng.choices([200, 404, 500], [8, 1, 1])[0]
        yield {
            "logemit": 1,
            "event": "http_request",
            "timestamp": moment.isoformat().replace("+00:00", "Z"),
            "service": rng.choice("ab"),
            "proc": "p",
            "seq": n,
            "outcome": "error" if status == 500 else "ok",
            **({"view": view} if (view := rng.choice(DIMENSIONS["view"])) else {}),
            "status": status,
            **({"duration_seconds": round(rng.lognormvariate(-3, 1.5), 6)} if n % 9 else {}),
            **({"db_queries": rng.randrange(9)} if n % 7 else {}),
        }


def jobs() -> Iterator[Event]:
    """Queries of a service without requests, and of one with them at other times."""
    for n in range(40):
        moment = START + timedelta(seconds=n * 900)
        event = {"logemit": 1, "event": "db_query", "timestamp": moment.isoformat(), "service": "bc"[n % 2]}
        yield event | ({"duration_seconds": n / 1000} if n % 3 else {"count": n % 5})


EVENTS = [*requests(), *jobs()]
REQUESTS = [event for event in EVENTS if event["event"] == "http_request"]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regrouping")
    lines = [json.dumps(event, separators=(",", ":")) for event in EVENTS]
    (folder / "app.log").write_text("".join(f"{line}\n" for line in lines))
    assert aggregator.aggregate([str(folder / "app.log")], folder / "out", config.load(None)).events == len(EVENTS)
    return folder / "out"


class Question(NamedTuple):
    by: list[str]
    freq: str | None
    where: dict[str, list[str]]
    since: datetime | None
    until: datetime | None

    def groups(self, events: list[Event]) -> dict[Key, list[Event]]:
        found = defaultdict(list)
        for event in events:
            if self._takes(event):
                seconds = FREQUENCIES[self.freq] if self.freq else 1
                at = datetime.fromtimestamp(window(event).timestamp() // seconds * seconds, UTC)
                found[(*([at] if self.freq else []), *(dimension(event, name) for name in self.by))].append(event)
        return found

    def _takes(self, event: Event) -> bool:
        wanted = all(dimension(event, name) in values for name, values in self.where.items())
        return wanted and (self.since or START) <= window(event) < (self.until or datetime.max.replace(tzinfo=UTC))


def window(event: Event) -> datetime:
    return datetime.fromisoformat(event["timestamp"]).replace(second=0, microsecond=0)


def dimension(event: Event, name: str) -> str:
    return str(event.get(name, ""))


def questions(names: Sequence[str] = tuple(DIMENSIONS)) -> st.SearchStrategy[Question]:
    moments = st.none() | st.integers(0, 1700).map(lambda minutes: START + timedelta(minutes=minutes))
    values = {name: st.lists(st.sampled_from([*DIMENSIONS[name], "never"]), min_size=1) for name in names}
    by = st.lists(st.sampled_from(list(names)), unique=True)
    freq = st.none() | st.sampled_from(list(FREQUENCIES))
    return st.builds(Question, by, freq, st.fixed_dictionaries({}, optional=values), moments, moments)


def rows(frame: pd.DataFrame, question: Question, *more: str) -> dict[Key, dict[str, Any]]:
    keys = [*(["window_start"] if question.freq else []), *question.by, *more]
    if keys:
        assert list(frame.index.names) == keys
        frame = frame.reset_index()
    told = frame.to_dict("records")
    return {tuple(row.pop(key) for key in keys): row for row in told}  # type: ignore[misc]


def near(value: float, share: float = 1e-9) -> Any:
    return pytest.approx(value, rel=share, abs=1e-12, nan_ok=True)


def durations(events: list[Event]) -> list[float]:
    return sorted(event["duration_seconds"] for event in events if "duration_seconds" in event)


def share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def is_error(event: Event) -> bool:
    return event.get("outcome") == "error"


@settings(max_examples=scaled(15, 30, 1000))
@given(question=questions(), levels=st.lists(st.integers(0, 1000), unique=True, max_size=4))
def test_read(out: Path, question: Question, levels: list[int]) -> None:
    frame = aggregator.read(out, "http_requests", **question._asdict(), quantiles=[level / 1000 for level in levels])
    wanted = question.groups(REQUESTS)
    windows = [window(event) for events in wanted.values() for event in events]
    span = (max(windows) - min(windows)).total_seconds() + 60 if windows else math.nan
    seconds = max(60, FREQUENCIES[question.freq]) if question.freq else span
    found = rows(frame, question)
    assert set(found) == set(wanted)
    for key, events in wanted.items():
        row, held = found[key], durations(events)
        assert row["count"] == len(events)
        assert row["rate"] == near(len(events) / seconds)
        assert row["error_share"] == near(sum(map(is_error, events)) / len(events))
        assert row["mean"] == near(share(math.fsum(held), len(held)))
        for level in levels:
            name = f"p{level / 10:g}".replace(".", "_")
            rank = max(1, math.ceil(Fraction(level, 1000) * len(held)))
            assert row[name] == near(held[rank - 1] if held else math.nan, 0.016)


@settings(max_examples=scaled(15, 30, 1000))
@given(question=questions(), bounds=st.none() | st.lists(st.sampled_from(LIMITS), min_size=1))
def test_histogram(out: Path, question: Question, bounds: list[float] | None) -> None:
    found = rows(aggregator.histogram(out, "http_requests", **question._asdict(), bounds=bounds), question, "le")
    counts: dict[Key, list[tuple[float, int]]] = defaultdict(list)
    for (*of, le), row in found.items():
        counts[tuple(of)].append((le, row["count"]))
    wanted = {key: held for key, events in question.groups(REQUESTS).items() if (held := durations(events))}
    assert set(counts) == set(wanted)
    for key, held in wanted.items():
        for limit in [*(LIMITS if bounds is None else bounds), math.inf]:
            assert sum(n for le, n in counts[key] if le <= limit) == sum(value <= limit for value in held)
    assert bounds is None or {le for *_, le in found} <= {*bounds, math.inf}
    assert all(row["count"] > 0 for row in found.values())


@settings(max_examples=scaled(15, 30, 1000))
@given(question=questions(), objective=st.sampled_from([0.9, 0.99, 0.999]), limit=st.none() | st.sampled_from(LIMITS))
def test_error_budget(out: Path, question: Question, objective: float, limit: float | None) -> None:
    asked = question._asdict()
    found = rows(aggregator.error_budget(out, objective=objective, slower_than=limit, **asked), question)
    wanted = question.groups(REQUESTS)
    assert set(found) == set(wanted)
    allowed = 1 - Fraction(str(objective))
    events: dict[Key, int] = defaultdict(int)
    errors: dict[Key, int] = defaultdict(int)
    for key, members in wanted.items():
        events[key[bool(question.freq) :]] += len(members)
    for key, members in sorted(wanted.items()):
        group, row = key[bool(question.freq) :], found[key]
        bad = sum(is_error(each) or (limit or math.inf) < each.get("duration_seconds", 0) for each in members)
        errors[group] += bad
        assert (row["events"], row["errors"]) == (len(members), bad)
        assert row["burn_rate"] == near(float(bad / allowed / len(members)))
        assert row["allowed"] == near(float(allowed * events[group]))
        assert row["spent"] == near(float(errors[group] / allowed / events[group]))


def count(events: list[Event]) -> int:
    return sum(event.get("count", 1) for event in events)


def added(name: str) -> Callable[[list[Event]], float]:
    return lambda events: math.fsum(event.get(name, 0) for event in events)


TERMS: dict[str, tuple[str, Callable[[list[Event]], float]]] = {
    "http_requests": ("http_request", count),
    "http_requests.db_queries": ("http_request", added("db_queries")),
    "http_requests.duration_seconds": ("http_request", added("duration_seconds")),
    "db_queries": ("db_query", count),
    "db_queries.duration_seconds": ("db_query", added("duration_seconds")),
}


@settings(max_examples=scaled(15, 30, 1000))
@given(data=st.data(), above=st.sampled_from(list(TERMS)), below=st.sampled_from(list(TERMS)))
def test_ratio(out: Path, data: st.DataObject, above: str, below: str) -> None:
    of_queries = "db_query" in (TERMS[above][0], TERMS[below][0])
    question = data.draw(questions(["service"] if of_queries else list(DIMENSIONS)))
    found = rows(aggregator.ratio(out, above, below, **question._asdict()), question)
    terms = []
    for name in (above, below):
        event, total = TERMS[name]
        groups = question.groups([each for each in EVENTS if each["event"] == event])
        terms.append({key: total(events) for key, events in groups.items()})
    assert set(found) == {*terms[0], *terms[1]}
    for key, row in found.items():
        first, second = (term.get(key, 0) for term in terms)
        assert (row["numerator"], row["denominator"]) == (near(first), near(second))
        assert row["ratio"] == near(share(first, second))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda out: aggregator.ratio(out, "db_queries", "http_requests", by=["view"]),
            "db_queries has no dimension 'v",
        ),
        (lambda out: aggregator.ratio(out, "http_requests.x", "http_requests"), "http_requests has no measure 'x'"),
        (lambda out: aggregator.ratio(out, "x", "http_requests"), "no summary 'x'"),
        (lambda out: aggregator.error_budget(out, objective=99.9), "objective is 99.9, expected a share between 0 and"),
        (
            lambda out: aggregator.error_budget(out, slower_than=0.333),
            "0.333 is no bound .* nearest are 0.33 and 0.335",
        ),
        (lambda out: aggregator.error_budget(out, "model_changes"), "model_changes does not say what an error is"),
        (
            lambda out: aggregator.histogram(out, "http_requests", measure="db_queries"),
            "no bins of db_queries; .* them",
        ),
        (
            lambda out: aggregator.histogram(out, "model_changes"),
            "no bins of anything; of its measures, none have them",
        ),
        (lambda out: aggregator.histogram(out, "http_requests", bounds=[math.nan]), "nan is no bound"),
        (lambda out: aggregator.histogram(out, "http_requests", bounds=[-1]), "-1 is no bound"),
        (lambda out: aggregator.histogram(out, "http_requests", bounds=[3e9]), "3000000000.0 is no bound"),
    ],
)
def test_what_cannot_be_asked(out: Path, call: Callable[[Path], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call(out)


def test_one_name_is_a_list_of_one(out: Path) -> None:
    for several, one in (
        (aggregator.read(out, "http_requests", by=["view"]), aggregator.read(out, "http_requests", by="view")),
        (
            aggregator.histogram(out, "http_requests", by=["view"]),
            aggregator.histogram(out, "http_requests", by="view"),
        ),
        (
            aggregator.error_budget(out, objective=0.9, by=["view"], freq="1h"),
            aggregator.error_budget(out, objective=0.9, by="view", freq="1h"),
        ),
        (
            aggregator.ratio(out, "http_requests.db_queries", "http_requests", by=["view"]),
            aggregator.ratio(out, "http_requests.db_queries", "http_requests", by="view"),
        ),
    ):
        assert "view" in several.index.names
        pd.testing.assert_frame_equal(several, one)


def test_what_is_not_there(out: Path) -> None:
    for call in (aggregator.histogram, aggregator.error_budget):
        with pytest.raises(InputError, match="no tasks"):
            call(out, "tasks")
    with pytest.raises(InputError, match="no cache_operations here"):
        aggregator.ratio(out, "http_requests", "cache_operations")
