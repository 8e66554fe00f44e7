"""Every sample log, and one made here, through the real command: each output equals the recount to the last bit."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from prometheus_client.parser import text_string_to_metric_families

from logemit.vocabulary import BY_NAME, Field
from tests import quick
from tests.conftest import ROOT, tool
from tests.instrument_lines import INSTRUMENTS, Instruments
from tests.recount import Recount, recount
from tests.recount_instruments import Sample
from tests.recount_measures import BINARY, CATALOGUE, INFINITY, SECONDS, Measure, measures_of

SAMPLES = ROOT / "sample_logs"
GENERATED = "generated"
UNDECLARED = {instrument.name for instrument in INSTRUMENTS if not instrument.declared}
CASES = [*sorted(path.parent.name for path in SAMPLES.glob("*/expected.prom")), GENERATED]
SUMMARIES = {summary["name"]: summary for summary in CATALOGUE["summary"]}
TOTALS = """
    requests ajax_requests streamed_responses broken_off_responses request_bytes whole_response_bytes
""".split()
OWN = re.compile(r"(# (HELP|TYPE) )?logemit_")

EMITTING = """
import logemit
sent = logemit.Counter("sent_bytes_total", "Bytes.", ["to"])
logemit.Counter("never", "Never used.")
depth = logemit.Gauge("depth", "Now.", ["of"], multiprocess_mode="livesum")
seen = logemit.Gauge("seen", "At last.", multiprocess_mode="mostrecent")
waits = logemit.Histogram("waited_seconds", "On the grid.", ["for_what"])
sizes = logemit.Histogram("sized", "Off the grid.", buckets=[0.3333, 1.7, 1e6])
took = logemit.Summary("took_seconds", "Took.")
release, door = logemit.Info("release", "What runs."), logemit.Enum("door", "Is it open?", states=["open", "shut"])
for number in range(40):
    logemit.emit("http_request", outcome="ok", method="GET", view=f"view {number % 3}", status=200, streaming=False,
                 ajax=number % 2 == 0, duration_seconds=number / 7e3, request_bytes=number, response_bytes=number ** 4)
    with logemit.feed_poll(feed_id=number % 4) as poll:
        poll.set(items_discovered=number, items_new=1)
    with logemit.bookmark_import(user_id=number % 2, format="opml") as job:
        job.set(items_total=number, items_processed=number, items_failed=0)
    logemit.emit("alert_created", product="app", severity=3)
    sent.labels(to=f"to {number % 2}").inc(number / 7)
    depth.labels("a").inc(number / 3)
    depth.labels("b").set(-number)
    seen.set(number / 9)
    for value in (number / 11, -number / 13, 2.5e-9 * number):
        waits.labels("x").observe(value)
        sizes.observe(value)
        took.observe(value)
    release.info({"version": str(number), "service": "mine"})
    door.state(("open", "shut")[number % 2])
"""

FOREIGN = [
    b"",
    b"Traceback (most recent call last):",
    b'  File "views.py", line 7, in get',
    b'{"event": "user logged in", "level": "info", "logemit": 1}',
    b'{"msg": "logemit took over"}',
    b"{",
    b"\xff\xfe no UTF-8 \x00",
    "日本 \u2028 \x0b \x1c \x85 no end of a line".encode(),
    b"x" * 100_000,
]

SERVICES = ["shop", "back\\office"]
MADE = {"http_request", "db_query", "feed_poll", "bookmark_import", "bookmark_change", "instrument", "measurement"}
"""Events with a method of their own below."""
TEXTS = [
    "home",
    "a b",
    'quote " in it',
    "back\\slash",
    "two\nlines",
    "日本\u2028",
    "{x}",
    "",
    "NaN",
    "true",
    "<unnamed view>",
]


CHOICES: dict[str, list[Any]] = {
    "cache_operation.operation": ["get", "get_many", "get_or_set", "set"],
    "cache_operation.error": [None, "", "TimeoutError"],
    "db_connection.error": [None, "OperationalError"],
    "model_change.operation": ["insert", "update", "delete"],
    "task.state": ["success", "failure", "retry"],
    "command.status": ["ok", "error"],
}
NAMED_BY_OTHERS = {"django_migrations_applied_total", "django_migrations_unapplied_total", "active_feeds_count"}
"""Gauges whose names promtool finds to be those of counters and histograms; dashboards know them."""
NAMED_BY_THE_APP = {"app:boots_total", *UNDECLARED, *(f"{name}_total" for name in UNDECLARED)}
"""Names that promtool would not have chosen, and families without help."""


class Generator:
    """Lines with every event of the catalogue, values on and beside the bounds, and foreign text between."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.processes = {(service, f"{seed}-{service}-{n}"): count() for service in SERVICES for n in range(9)}
        instruments = Instruments(self.random, TEXTS)
        self.kinds: dict[str, Callable[[], dict[str, Any]]] = {
            "instrument": instruments.declaration,
            "measurement": instruments.measurement,
            "http_request": self.request,
            "db_query": self.fold,
            "feed_poll": self.poll,
            "bookmark_import": self.job,
            "bookmark_change": self.change,
            **{name: partial(self.any_of, name) for name in sorted({s["event"] for s in SUMMARIES.values()} - MADE)},
            "an.event of the app's": lambda: {"labels": {"any": "thing"}, "count": 3, "duration_seconds": "unknown"},
        }

    def line(self) -> bytes:
        what = self.random.random()
        if what < 0.1:
            return self.random.choice(FOREIGN)
        return b"text that lost its newline" + self.event() if what < 0.15 else self.event()

    def event(self) -> bytes:
        pick = self.random.choice
        (service, proc), numbers = pick([*self.processes.items()])
        moment = self.moment(int(proc[-1]))
        name = pick([*self.kinds, *["measurement"] * 10, "instrument"])
        if name in {"instrument", "measurement"}:  # of these one must be the last
            moment = moment.replace(microsecond=self.random.randrange(10**6))
        head = {"logemit": 1, "event": name, "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}", "service": service}
        event = {**head, "proc": proc, "seq": next(numbers), "unit": "none", **self.kinds[name]()}
        return json.dumps(event, ensure_ascii=pick([True, False]), separators=pick([(",", ":"), (", ", ": ")])).encode()

    def moment(self, process: int) -> datetime:
        """Some processes live throughout, some at the edge of being heard, the others for an hour of some day."""
        pick = self.random.choice
        whole = pick([19, 20]), pick([0, 9, 23]), pick([0, 1, 58, 59])
        day, hour, minute = {3: (20, 23, 44), 4: (20, 23, pick([44, 59]))}.get(process, whole)
        if process > 4:
            day, hour = 19 + process % 2, [0, 9, 23][process % 3]
        start = datetime(2026, 11, day, hour, minute, tzinfo=UTC)
        return start.replace(second=self.random.randrange(60), microsecond=pick([0, 1, 500_000, 999_999]))

    def microseconds(self) -> int:
        """Also beyond the grid."""
        pick = self.random.choice
        near = int(pick(SECONDS).scaleb(6)) + pick([-1, 0, 0, 1])
        return max(0, pick([near, near, self.random.randrange(3_000_000), pick([near, near + 2 * 10**12])]))

    def seconds(self, *names: str) -> dict[str, Any]:
        return {name: self.microseconds() / 10**6 for name in names}

    def amounts(self, *names: str) -> dict[str, Any]:
        pick = self.random.choice
        return {name: max(0, int(pick(BINARY[:1100])) + pick([-1, 0, 0, 1])) for name in names}

    def some(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Some fields are left out, some are null."""
        kept = {name: value for name, value in fields.items() if self.random.random() < 0.85}
        return {name: None if self.random.random() < 0.05 else value for name, value in kept.items()}

    def request(self) -> dict[str, Any]:
        pick = self.random.choice
        text = {"outcome": pick(["ok", "error"]), "method": pick(["GET", "POST"]), "view": pick(TEXTS)}
        more = {
            "charset": pick(["utf-8", ""]),
            "template": pick(["", "a.html"]),
            "exception": pick([None, "ValueError"]),
        }
        other = {"status": pick([200, 404, 500]), "ajax": pick([True, False]), "streaming": pick([True, False])}
        seconds = self.seconds("duration_seconds", "view_seconds", "db_seconds")
        amounts = self.amounts("request_bytes", "response_bytes", "db_queries", "cache_gets", "cache_hits")
        return self.some({**text, **more, **other, **seconds, **amounts, "not_in_the_vocabulary": [1, {"a": 2}]})

    def fold(self) -> dict[str, Any]:
        """Queries as the emitter folds them; a single one has neither extremes nor bins."""
        pick = self.random.choice
        each = [self.microseconds() for _ in range(pick([1, 1, 2, 7, 40]))]
        text = {"alias": pick(["default", "replica"]), "operation": pick(["SELECT", "INSERT"]), "vendor": "sqlite"}
        more = {"many": pick([True, False]), "error": pick([None, "IntegrityError"]), **self.amounts("rows_affected")}
        fold = {"statements": len(each) + 3, "count": len(each), "duration_seconds": sum(each) / 10**6}
        if len(each) == 1:
            return self.some({**text, **more}) | fold
        ends = {"duration_min_seconds": min(each) / 10**6, "duration_max_seconds": max(each) / 10**6}
        bounds = Counter(map(Measure("db_query", "duration_seconds").bound, each))
        texts = {float(bound): pick([f"{bound.normalize():f}", f"{bound:.9f}", f"{bound:E}"]) for bound in SECONDS}
        texts[INFINITY] = "+Inf"
        bins = (f"{texts[le]}:{number}" for le, number in sorted(bounds.items()))
        return self.some({**text, **more}) | fold | ends | {"bins": ",".join(bins)}

    def poll(self) -> dict[str, Any]:
        text = {"feed_id": self.random.choice([1, "1", "two"]), "status": self.random.choice(["success", "error"])}
        amounts = self.amounts("items_discovered", "items_new")
        return self.some({**text, **self.seconds("duration_seconds"), **amounts})

    def job(self) -> dict[str, Any]:
        text = {"user_id": self.random.randrange(3), "format": "opml", "status": "partial"}
        amounts = self.amounts("items_total", "items_processed", "items_failed")
        return self.some({**text, **self.seconds("duration_seconds"), **amounts})

    def change(self) -> dict[str, Any]:
        counted = {"count": self.random.randrange(1, 9)} if self.random.random() < 0.5 else {}
        return self.some({"operation": "created", "source": "web", "user_id": 7}) | counted

    def any_of(self, event: str) -> dict[str, Any]:
        """As the vocabulary has it; of an event that it does not know, as the catalogue wants it."""
        if event not in BY_NAME:
            return self.some(self.own(event))
        fields = {field.name: self.value(event, field) for field in BY_NAME[event].fields}
        counted = {"count": fields.pop("count")} if "count" in fields and self.random.random() < 0.8 else {}
        return self.some({name: value for name, value in fields.items() if name != "count"}) | counted

    def own(self, event: str) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for summary in (each for each in SUMMARIES.values() if each["event"] == event):
            names = set(summary.get("dimensions", [])) - {"proc"}
            fields |= {name: self.random.choice(["a", "b", "", 200, True]) for name in sorted(names)}
            fields |= {name: self.random.choice([0, -1.5, 17, 1e9]) for name in summary.get("gauges", [])}
            fields |= {name: self.microseconds() / 10**6 for name in measures_of(summary)}
        return fields

    def value(self, event: str, field: Field) -> Any:
        pick = self.random.choice
        if f"{event}.{field.name}" in CHOICES:
            return pick(CHOICES[f"{event}.{field.name}"])
        if field.type == "boolean":
            return pick([True, False])
        if field.unit == "seconds":
            return self.microseconds() / 10**6
        if field.unit in ("percent", "timestamp"):
            return pick([0, -0.0, 17, round(self.random.uniform(0, 100), 3), 1_795_176_000.25])
        if field.unit:
            return self.amounts(field.name)[field.name]
        if field.type == "number":
            return pick([0, -0.0, 0.97, 1])
        return self.random.randrange(3) if field.type == "integer" else pick(["a", "b", ""])


def generated(seed: int, lines: int) -> bytes:
    generator = Generator(seed)
    return b"".join(generator.line() + b"\n" for _ in range(lines))


def emitted() -> bytes:
    """What the emitter itself writes."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LOGEMIT_SERVICE": "emitting", "LOGEMIT_OUTPUT": "stdout"}
    return subprocess.run([sys.executable, "-c", EMITTING], env=env, check=True, capture_output=True).stdout


def log_of(case: str, scratch: Path) -> Path:
    """The log file of a case."""
    if case == GENERATED:
        path = scratch / "generated.log.gz"
        path.write_bytes(gzip.compress(generated(seed=7, lines=3000) + emitted()))
        return path
    (path,) = (path for path in (SAMPLES / case).iterdir() if path.name.endswith((".log", ".log.gz")))
    return path


@dataclass(frozen=True, slots=True)
class Case:
    log: Path
    out: Path
    wanted: Recount

    @property
    def text(self) -> str:
        return (self.out / "metrics.prom").read_text()


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    scratch = tmp_path_factory.mktemp(request.param)
    log, out = log_of(request.param, scratch), scratch / "out"
    subprocess.run([quick.command().path, "aggregate", log, "--out", out], check=True, capture_output=True)
    return Case(log, out, recount([log]))


def exact(value: Any) -> Any:
    """Floats bit for bit, and no float for an integer."""
    return value.hex() if isinstance(value, float) else value


def stored(out: Path, name: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows of all files of a summary or its bins, each from the file where it belongs."""
    summary = SUMMARIES[name.removesuffix("_bins")]
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for path in sorted(path for path in (out / name).rglob("*") if path.is_file()):
        for row in pq.ParquetFile(path).read(use_threads=False).to_pylist():
            window = row["window_start"]
            assert window.utcoffset() == timedelta(0)
            file = "part" if summary["partition"] == "day" else f"{window:%H}"
            assert path == out / name / f"date={window:%Y-%m-%d}" / f"{file}.parquet"
            key = (window, row["service"], *(row[dimension] for dimension in summary.get("dimensions", [])))
            assert key not in rows
            rows[key] = row
    return rows


@pytest.mark.parametrize("name", SUMMARIES)
def test_rows(case: Case, name: str) -> None:
    def exactly(rows: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
        return {key: {column: exact(value) for column, value in row.items()} for key, row in rows.items()}

    assert exactly(stored(case.out, name)) == exactly(case.wanted.rows[name])


@pytest.mark.parametrize("name", [name for name in SUMMARIES if "bins" in SUMMARIES[name]])
def test_bins(case: Case, name: str) -> None:
    measures = SUMMARIES[name]["bins"]
    found: dict[tuple[Any, str], dict[float, int]] = {}
    for key, row in stored(case.out, f"{name}_bins").items():
        columns = {"window_start", "window_seconds", "service", *SUMMARIES[name]["dimensions"]}
        assert set(row) == columns | {f"{measure}_{part}" for measure in measures for part in ("le", "n")}
        assert row["window_seconds"] == 60
        for measure in measures:
            bounds, numbers = row[f"{measure}_le"], row[f"{measure}_n"]
            assert bounds == sorted(set(bounds))
            assert all(type(number) is int and number > 0 for number in numbers)
            found[key, measure] = dict(zip(bounds, numbers, strict=True))
    assert found == case.wanted.bins[name]


def test_folder_holds_nothing_else(case: Case) -> None:
    """A stray file in a partition would be counted by whoever reads the folder."""
    partitions = {"hour": "date={:%Y-%m-%d}/{:%H}.parquet", "day": "date={:%Y-%m-%d}/part.parquet"}
    wanted = {case.out / "metrics.prom"}
    for name, summary in SUMMARIES.items():
        files = {partitions[summary["partition"]].format(key[0], key[0]) for key in case.wanted.rows[name]}
        wanted |= {
            case.out / folder / file for folder in (name, f"{name}_bins")[: 1 + ("bins" in summary)] for file in files
        }
    found = {path for path in case.out.rglob("*") if path.is_file()}
    assert {path for path in found if "_logemit" not in path.relative_to(case.out).parts} == wanted


def samples(text: str) -> Iterator[tuple[Sample, float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sample.labels | ({"le": str(float(sample.labels["le"]))} if "le" in sample.labels else {})
            yield (sample.name, frozenset(labels.items())), sample.value


def test_samples(case: Case) -> None:
    found = {sample: value for sample, value in samples(case.text) if not OWN.match(sample[0])}
    assert found == case.wanted.samples


def test_families_are_declared_as_the_catalogue_or_the_app_says(case: Case) -> None:
    wanted = {metric["name"]: (metric["type"], metric["help"]) for metric in CATALOGUE["metric"]}
    wanted |= {family.name: (family.type, family.help) for family in case.wanted.instruments}
    types, helps = (dict(re.findall(rf"^# {word} (\S+) (.*)$", case.text, re.MULTILINE)) for word in ("TYPE", "HELP"))
    assert types.keys() == helps.keys()
    plain = {name: re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), helps[name]) for name in helps}
    found = {name: (types[name], plain[name]) for name in types if not OWN.match(name)}
    assert found == {name: wanted[name] for name in found}
    assert {family.name for family in case.wanted.instruments if family.samples} <= found.keys()


def test_accounts_for_every_record(case: Case) -> None:
    found = dict(samples(case.text))
    own = {(name, *dict(labels).values()): value for (name, labels), value in found.items() if OWN.match(name)}
    assert own["logemit_records_read_total",] == case.wanted.read
    assert own["logemit_records_foreign_total",] == case.wanted.foreign
    lines_of = {key[1]: value for key, value in own.items() if key[0] == "logemit_events_total"}
    assert lines_of == case.wanted.lines_of
    troubles = ("events_missing", "events_lost_total", "events_duplicate_total", "records_rejected_total")
    names = {f"logemit_{trouble}" for trouble in troubles}
    assert case.wanted.missing == 0
    assert [(key, value) for key, value in own.items() if key[0] in names and value] == []


def test_promtool_finds_nothing(case: Case) -> None:
    promtool = tool("promtool", "prometheus")
    done = subprocess.run([promtool, "check", "metrics"], input=case.text, capture_output=True, text=True, check=False)
    found = (done.stdout + done.stderr).splitlines()
    assert {line.split()[0] for line in found} <= NAMED_BY_OTHERS | NAMED_BY_THE_APP, found
    assert done.returncode == (3 if found else 0)


def test_exposition_keeps_the_rules(case: Case) -> None:
    """What promtool does not look at."""
    assert case.text.endswith("\n")
    lines = case.text[:-1].split("\n")
    for kind in ("HELP", "TYPE"):
        declared = [line.split()[2] for line in lines if line.startswith(f"# {kind} ")]
        assert len(declared) == len(set(declared))
    parsed = [*samples(case.text)]
    assert len(parsed) == len({sample for sample, _ in parsed}) == sum(not line.startswith("#") for line in lines)
    assert not [name for (name, _), _ in parsed if name.endswith("_created")]
    for family in text_string_to_metric_families(case.text):
        assert family.documentation or family.name.removesuffix("_total") in UNDECLARED
        assert all(sample.timestamp is None and sample.exemplar is None for sample in family.samples)
        sums = {f"{each.name}_sum" for each in case.wanted.instruments}  # of what may be negative
        assert family.type == "gauge" or all(s.value >= 0 for s in family.samples if s.name not in sums)
        if not OWN.match(family.name):
            assert all(sample.labels["service"] for sample in family.samples)
        if family.type == "histogram":
            _check_histograms(family.name, dict(entry for entry in parsed if entry[0][0].startswith(family.name)))


def _check_histograms(name: str, found: dict[Sample, float]) -> None:
    series: dict[frozenset[tuple[str, str]], dict[float, float]] = {}
    for (sample, labels), value in found.items():
        if sample == f"{name}_bucket":
            bound = float(dict(labels)["le"])
            series.setdefault(frozenset(item for item in labels if item[0] != "le"), {})[bound] = value
    negative = any(bound < 0 for buckets in series.values() for bound in buckets)
    assert series.keys() == {labels for sample, labels in found if sample == f"{name}_count"}
    sums = {labels for sample, labels in found if sample == f"{name}_sum"}
    assert sums == (set() if negative else series.keys())
    for labels, buckets in series.items():
        assert [*buckets] == sorted(buckets)
        assert all(lower <= upper for lower, upper in pairwise(buckets.values()))
        assert buckets[INFINITY] == found[f"{name}_count", labels]


@pytest.mark.parametrize(
    "case", [name for name in CASES if (SAMPLES / name / "expected.prom").is_file()], indirect=True
)
def test_metrics_are_the_recorded_ones(case: Case) -> None:
    lines = (line for line in case.text.split("\n") if not OWN.match(line))
    assert "\n".join(lines) == (case.log.parent / "expected.prom").read_text()


@pytest.mark.parametrize("name", [name for name in CASES if (SAMPLES / name / "client.json").is_file()])
def test_client_counted_the_same(name: str, tmp_path: Path) -> None:
    client = json.loads((SAMPLES / name / "client.json").read_text())
    rows = {summary: [*found.values()] for summary, found in recount([log_of(name, tmp_path)]).rows.items()}

    def counted(summary: str, *columns: str) -> Counter[tuple[str, ...]]:
        found: Counter[tuple[str, ...]] = Counter()
        for row in rows[summary]:
            found[tuple(row[column] for column in columns)] += row["events"]
        return found

    def said(key: str, *columns: str) -> Counter[tuple[str, ...]]:
        entries = client.get(key, [])
        return Counter({tuple(str(entry[column]) for column in columns): entry["count"] for entry in entries})

    def summed(summary: str, column: str, keep: Callable[[Any], bool] = lambda row: True) -> int:
        return sum(row[column] for row in rows[summary] if keep(row))

    def reads(hit: str) -> int:
        return summed("cache_operations", "events", lambda row: "get" in row["operation"] and row["hit"] == hit)

    requests = Counter[tuple[str, ...]]()
    for (method, view, status), number in said("by_method_view_status", "method", "view", "status").items():
        requests["<invalid method>" if method == "BREW" else method, view, status] += number
    assert counted("http_requests", "method", "view", "status") == requests
    assert counted("feed_polls", "feed_id", "status") == said("polls", "feed_id", "status")
    assert counted("bookmark_imports", "format", "status") == said("imports", "format", "status")
    assert counted("bookmark_changes", "operation", "source") == said("changes", "operation", "source")
    assert counted("model_changes", "model", "operation") == said("rows", "model", "operation")
    assert counted("tasks", "name", "state") == said("tasks", "name", "state")
    assert Counter({"hit": reads(hit="true"), "miss": reads(hit="false")}) == Counter(client.get("cache", {}))
    ended = counted("commands", "status")
    assert ended.total() == client.get("commands", 0)
    assert ended["error",] == client.get("failed_commands", 0)
    for part, number in client.get("poll_items", {}).items():
        assert summed("feed_polls", f"items_{part}_sum") == number
    for part, number in client.get("import_items", {}).items():
        assert summed("bookmark_imports", f"items_{part}_sum") == number

    def broken_off(row: dict[str, Any]) -> bool:
        return bool(row["streaming"] == "true" and row["outcome"] != "ok")

    assert {
        "requests": summed("http_requests", "events"),
        "ajax_requests": summed("http_requests", "events", lambda row: row["ajax"] == "true"),
        "streamed_responses": summed("http_requests", "events", lambda row: row["streaming"] == "true"),
        "broken_off_responses": summed("http_requests", "events", broken_off),
        "request_bytes": summed("http_requests", "request_bytes_sum"),
        "whole_response_bytes": summed("http_requests", "response_bytes_sum", lambda row: not broken_off(row)),
    } == {total: client.get(total, 0) for total in TOTALS}


def test_recount_agrees_with_sql(case: Case, tmp_path: Path) -> None:
    """A third way to a few totals, so that the recount is not its own only witness."""
    duckdb = pytest.importorskip("duckdb")
    data = case.log.read_bytes()
    text = gzip.decompress(data) if case.log.suffix == ".gz" else data
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(found + b"\n" for found in re.findall(rb'\{"logemit":.*', text)))
    types = {"event": "VARCHAR", "service": "VARCHAR", "timestamp": "VARCHAR", "count": "BIGINT"}
    lines = duckdb.read_json(str(file), format="newline_delimited", columns=types | {"duration_seconds": "VARCHAR"})
    totals = """
        SELECT event, service, timestamp[:16], sum(coalesce(count, 1)),
            sum(coalesce(round(1000000 * TRY_CAST(duration_seconds AS DECIMAL(30, 20))), 0))
        FROM lines GROUP BY ALL
    """
    found = {tuple(key): (int(number), int(micros)) for *key, number, micros in lines.query("lines", totals).fetchall()}
    wanted: dict[tuple[str, ...], tuple[int, int]] = {}
    for name, summary in SUMMARIES.items():
        for (window, service, *_), row in case.wanted.rows[name].items():
            key = (summary["event"], service, f"{window:%Y-%m-%dT%H:%M}")
            number, micros = wanted.get(key, (0, 0))
            micros += round(row.get("duration_seconds_sum", 0) * 10**6)
            wanted[key] = number + row["events"], micros
    taken_in = {summary["event"] for summary in SUMMARIES.values()}
    assert {key: total for key, total in found.items() if key[0] in taken_in} == wanted
