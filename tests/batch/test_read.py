"""The DataFrames of aggregator.read against figures made from the raw events."""

import json
import math
import random
import shutil
from collections import defaultdict
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import aggregator
from aggregator import config
from aggregator.bins import bounds
from aggregator.errors import InputError, ReadWriteError, StateError, UsageError
from aggregator.quantiles import quantiles
from aggregator.rollup import bins_of

STEP = 7


@pytest.fixture(scope="module")
def polls() -> list[dict[str, Any]]:
    rng = random.Random(3)
    start = pd.Timestamp("2026-11-20T11:50:00Z")
    return [
        {
            "logemit": 1,
            "event": "feed_poll",
            "timestamp": (start + pd.Timedelta(seconds=i * STEP)).isoformat(),
            "service": "s",
            "feed_id": str(i % 3),
            "status": "error" if rng.random() < 0.2 else "success",
            **({"duration_seconds": round(rng.lognormvariate(-2, 1.5), 6)} if i % 10 else {}),
        }
        for i in range(500)
    ]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, polls: list[dict[str, Any]]) -> Path:
    folder = tmp_path_factory.mktemp("read")
    log = folder / "app.log"
    log.write_text("".join(json.dumps(poll, separators=(",", ":")) + "\n" for poll in polls))
    aggregator.aggregate([str(log)], folder / "out", config.load(None))
    return folder / "out"


def test_pandas_reads_a_summary_tidy_and_typed(out: Path) -> None:
    frame = pd.read_parquet(out / "feed_polls")
    assert isinstance(frame["window_start"].dtype, pd.DatetimeTZDtype)
    assert str(frame["window_start"].dt.tz) == "UTC"
    assert {str(frame[name].dtype) for name in ("service", "feed_id", "status")} == {"category"}
    assert frame["events"].dtype == np.int64
    assert frame["events"].sum() == 500
    assert not frame[["service", "feed_id", "status"]].isna().any().any()


def test_categoricals_of_several_files_are_one(out: Path) -> None:
    bins = pd.read_parquet(out / "feed_polls_bins")
    assert sum(map(sum, bins["duration_seconds_n"])) == 450


def expected(polls: list[dict[str, Any]], key: Any) -> dict[Any, dict[str, float]]:
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for poll in polls:
        groups[key(poll)].append(poll)
    answer = {}
    for name, members in groups.items():
        durations = sorted(p["duration_seconds"] for p in members if "duration_seconds" in p)
        answer[name] = {
            "count": len(members),
            "error_share": sum(p["status"] == "error" for p in members) / len(members),
            "mean": sum(durations) / len(durations),
            **{
                f"p{q}": durations[max(1, math.ceil(q / 100 * len(durations))) - 1] for q in (50, 95, 99)
            },
        }  # fmt: skip
    return answer


def compare(frame: pd.DataFrame, wanted: dict[Any, dict[str, float]]) -> None:
    assert set(frame.index) == set(wanted)
    for key, row in wanted.items():
        for name, value in row.items():
            tolerance = 0.016 if name.startswith("p") else 1e-9
            assert frame.loc[key, name] == pytest.approx(value, rel=tolerance), (key, name)


def test_by_dimension(out: Path, polls: list[dict[str, Any]]) -> None:
    frame = aggregator.read(out, "feed_polls", by=["feed_id"])
    compare(frame, expected(polls, lambda poll: poll["feed_id"]))
    span = 60 * math.ceil(500 * STEP / 60)
    assert frame["rate"].sum() == pytest.approx(500 / span, rel=0.02)


def test_by_time_and_dimension(out: Path, polls: list[dict[str, Any]]) -> None:
    frame = aggregator.read(out, "feed_polls", by=["feed_id"], freq="5min")
    compare(frame, expected(polls, lambda poll: (pd.Timestamp(poll["timestamp"]).floor("5min"), poll["feed_id"])))
    assert list(frame.index.names) == ["window_start", "feed_id"]
    assert (frame["rate"] * 300).round().astype(int).tolist() == frame["count"].tolist()


def test_in_one_row_and_where(out: Path, polls: list[dict[str, Any]]) -> None:
    frame = aggregator.read(out, "feed_polls", where={"status": "success", "feed_id": ["0", "1"]})
    chosen = [poll for poll in polls if poll["status"] == "success" and poll["feed_id"] in "01"]
    compare(frame, expected(chosen, lambda _: 0))


LEVELS = {0.0: "p0", 0.05: "p5", 0.07: "p7", 0.5: "p50", 0.999: "p99_9", 1: "p100"}


def test_quantiles_at_any_level(out: Path, polls: list[dict[str, Any]]) -> None:
    frame = aggregator.read(out, "feed_polls", by=["status"], quantiles=list(LEVELS))
    assert list(frame.columns) == ["count", "rate", "error_share", "mean", *LEVELS.values()]
    for status in ("error", "success"):
        held = (poll for poll in polls if poll["status"] == status)
        durations = sorted(poll["duration_seconds"] for poll in held if "duration_seconds" in poll)
        for q, name in LEVELS.items():
            rank = max(1, math.ceil(Fraction(str(q)) * len(durations)))
            assert frame.loc[status, name] == pytest.approx(durations[rank - 1], rel=0.016)


@pytest.mark.parametrize("total", [100, 500, 1300])
def test_the_rank_of_a_quantile_is_that_of_its_decimals(total: int) -> None:
    """0.07 * 100 is 7.000000000000001."""
    les = np.array(bounds("count")[:1400][-total:])
    found = [
        quantile(les, np.ones(total, dtype=np.int64), percent / 100, "count", 0, 1e99) for percent in range(1, 101)
    ]
    ranks = [math.ceil(Fraction(percent, 100) * total) for percent in range(1, 101)]
    assert np.all(np.array(found) <= les[np.array(ranks) - 1])
    assert np.all(np.array(found)[1:] > les[np.array(ranks)[1:] - 2])


MOMENTS = [
    (None, "2026-11-20T12:00"),
    ("2026-11-20T12:00:00Z", None),
    ("2026-11-20T13:05:00+01:00", "2026-11-20T12:10:00Z"),
    (datetime(2026, 11, 20, 12, 0, 30), datetime(2026, 11, 20, 12, 20, tzinfo=UTC)),
    (pd.Timestamp("2026-11-20 12:00"), "2026-11-21"),
    ("2026-11-21", None),
]


@pytest.mark.parametrize(("since", "until"), MOMENTS)
def test_since_and_until_choose_windows_by_their_begin(
    out: Path, polls: list[dict[str, Any]], since: Any, until: Any
) -> None:
    first, last = (pd.Timestamp(each or other) for each, other in ((since, "2000"), (until, "2100")))
    first, last = (each if each.tzinfo else each.tz_localize("UTC") for each in (first, last))
    chosen = [poll for poll in polls if first <= pd.Timestamp(poll["timestamp"]).floor("1min") < last]
    frame = aggregator.read(out, "feed_polls", by=["feed_id"], since=since, until=until)
    compare(frame, expected(chosen, lambda poll: poll["feed_id"]))


def test_files_of_other_dates_are_not_opened(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out")
    for day in ("2026-11-19", "2026-11-21"):
        for name in ("feed_polls", "feed_polls_bins"):
            (tmp_path / "out" / name / f"date={day}").mkdir()
            (tmp_path / "out" / name / f"date={day}/part.parquet").write_text("no Parquet")
    frame = aggregator.read(tmp_path / "out", "feed_polls", since="2026-11-20", until="2026-11-21T00:00:00Z")
    assert frame["count"].tolist() == [500]
    with pytest.raises(StateError, match=r"out/feed_polls: not readable as Parquet: .*; see logemit repair"):
        aggregator.read(tmp_path / "out", "feed_polls", since="2026-11-20", until="2026-11-21T00:00:01Z")


def test_what_lies_beside_the_files_is_no_part_of_them(out: Path, tmp_path: Path) -> None:
    """A run that was killed leaves a file that is torn, or whole and counted by what reads folders."""
    shutil.copytree(out, tmp_path / "out")
    partition = tmp_path / "out/feed_polls/date=2026-11-20"
    shutil.copy(partition / "part.parquet", partition / "part.parquet.tmp")
    (partition / "torn.tmp").write_bytes(b"PAR1")
    assert aggregator.read(tmp_path / "out", "feed_polls")["count"].tolist() == [500]


def test_bins_that_came_a_moment_later_are_passed_over(out: Path, tmp_path: Path) -> None:
    """Between two partitions a reader may see one run in one and the next in the other."""
    shutil.copytree(out, tmp_path / "out")
    of_day = tmp_path / "out/feed_polls/date=2026-11-20/part.parquet"
    cells = pq.ParquetFile(of_day).read()
    pq.write_table(cells.filter(pc.not_equal(cells["feed_id"].cast(pa.string()), "1")), of_day)
    frame, whole = (aggregator.read(each, "feed_polls", by=["feed_id"]) for each in (tmp_path / "out", out))
    assert list(frame.index) == ["0", "2"]
    for name in ("mean", "p50", "p99"):
        assert frame[name].to_dict() == whole.loc[["0", "2"], name].to_dict()


def test_columns_that_a_summary_gained_are_in_the_answer(out: Path, tmp_path: Path) -> None:
    """Whichever file is read first: of older ones a dimension is "", a measure missing."""
    shutil.copytree(out, tmp_path / "out")
    for name, gained in (("feed_polls", ["status", "duration_seconds_sum"]), ("feed_polls_bins", ["status"])):
        of_day = tmp_path / "out" / name / "date=2026-11-20/part.parquet"
        older = tmp_path / "out" / name / "date=2026-11-19/part.parquet"
        older.parent.mkdir()
        pq.write_table(pq.ParquetFile(of_day).read().drop_columns(gained), older)
    frame = aggregator.read(tmp_path / "out", "feed_polls", by=["status"])
    before = aggregator.read(out, "feed_polls", by=["status"])
    assert frame["count"].to_dict() == {"": 500, **before["count"]}
    assert frame.loc[["error", "success"], "mean"].tolist() == before["mean"].tolist()
    assert frame.loc["", "p50"] == aggregator.read(out, "feed_polls")["p50"].item()


def test_another_measure_without_bins_has_no_quantiles(out: Path) -> None:
    frame = aggregator.read(out, "feed_polls", measure="items_new")
    assert list(frame.columns) == ["count", "rate", "error_share", "mean"]


def test_a_dimension_twice_is_once(out: Path) -> None:
    twice = aggregator.error_budget(out, "feed_polls", by=["feed_id", "feed_id"], freq="1h")
    pd.testing.assert_frame_equal(twice, aggregator.error_budget(out, "feed_polls", by=["feed_id"], freq="1h"))


@pytest.mark.parametrize("freq", ["0s", "-1h", "W", "ME", "", "often"])
def test_no_span_of_time(out: Path, freq: str) -> None:
    with pytest.raises(UsageError, match="expected a fixed span such as 5min, 1h, 1D"):
        aggregator.read(out, "feed_polls", freq=freq)


def test_the_first_and_the_last_date_there_are(out: Path) -> None:
    assert aggregator.read(out, "feed_polls", until="0001-01-01").empty
    assert aggregator.read(out, "feed_polls", since="0001-01-01", until="9999-12-31")["count"].item() == 500


def test_what_may_not_be_read_is_no_absence(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(ReadWriteError, match="feed_polls: cannot be read: Permission denied; check its permissions"):
        aggregator.read(out, "feed_polls")


def test_nothing_left_is_an_empty_frame(out: Path) -> None:
    assert aggregator.read(out, "feed_polls", by=["feed_id"], where={"status": "none"}).empty


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    told = [("p", "00:00", 100, 4), ("p", "01:10", 150, None), ("q", "01:10", 50, 2), ("p", "00:20", 120, 5)]
    stats = {"logemit": 1, "event": "process_stats", "service": "s"}
    lines = [
        {**stats, "timestamp": f"2026-11-20T12:{at}Z", "proc": proc, "seq": seq, "rss_bytes": rss, "threads": threads}
        for seq, (proc, at, rss, threads) in enumerate(told)
    ]
    (tmp_path / "app.log").write_text("".join(json.dumps(each, separators=(",", ":")) + "\n" for each in lines))
    aggregator.aggregate([str(tmp_path / "app.log")], tmp_path / "out", config.load(None))
    return tmp_path / "out"


def test_of_gauges_the_newest_value_is_shown(processes: Path) -> None:
    frame = aggregator.read(processes, "processes", by=["proc"])
    assert frame[["count", "rss_bytes_last", "threads_last"]].to_dict("index") == {
        "p": {"count": 3, "rss_bytes_last": 150, "threads_last": 5},
        "q": {"count": 1, "rss_bytes_last": 50, "threads_last": 2},
    }
    minutes = aggregator.read(processes, "processes", by=["proc"], freq="1min", where={"proc": "p"})
    assert minutes["rss_bytes_last"].tolist() == [120, 150]
    assert minutes["threads_last"].fillna(-1).tolist() == [5, -1]
    assert aggregator.read(processes, "processes")["rss_bytes_last"].tolist() == [150]
    assert aggregator.read(processes, "processes")["max_fds_last"].isna().all()


def test_pandas_reads_gauges_typed(processes: Path) -> None:
    frame = pd.read_parquet(processes / "processes")
    assert frame["rss_bytes_last"].dtype == np.float64
    for name in ("rss_bytes_last_at", "last_at"):
        assert str(frame[name].dt.tz) == "UTC"
    assert frame["max_fds_last"].isna().all()
    assert frame["max_fds_last_at"].isna().all()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    rows: list[dict[str, Any]] = [
        *({"kind": "counter", "labels": {"shop": "a", "size": str(n % 2)}, "value": n / 4} for n in range(6)),
        {"kind": "counter", "labels": {"shop": "b"}, "value": 2**49 + 0.25},
        {"kind": "gauge", "labels": {"shop": "a"}, "mode": "mostrecent", "value": -3.5, "step": -3.5},
        {"kind": "histogram", "labels": {"shop": "a"}, "value": -2, "value_min": -3, "value_max": 1, "count": 2}
        | {"bins": "-3:1,1:1"},
    ]
    head = {"logemit": 1, "event": "measurement", "timestamp": "2026-11-20T10:00:00Z", "service": "s"}
    lines = [json.dumps({**head, "name": f"{row['kind']}s", **row}, separators=(",", ":")) for row in rows]
    (folder / "app.log").write_text("".join(f"{line}\n" for line in lines))
    aggregator.aggregate([str(folder / "app.log")], folder / "out", config.load(None))
    return folder / "out"


def test_labels_of_instruments_are_as_dimensions(measured: Path) -> None:
    by_shop = aggregator.read(measured, "measurements", by=["shop"], where={"kind": "counter"})
    assert by_shop["sum"].to_dict() == {"a": (0 + 1 + 2 + 3 + 4 + 5) / 4, "b": 2**49 + 0.25}
    even = aggregator.read(measured, "measurements", by=["size"], where={"name": "counters", "shop": "a", "size": "0"})
    assert even[["count", "sum"]].to_numpy().tolist() == [[3, (0 + 2 + 4) / 4]]
    levels = aggregator.read(measured, "gauges", by=["name", "shop"])
    assert levels["value_last"].to_dict() == {("gauges", "a"): -3.5}


@pytest.mark.parametrize("label", ["events", "n", "le", "window_start", "window_end", "value_sum"])
def test_a_label_of_the_name_of_a_column_is_refused(measured: Path, label: str) -> None:
    with pytest.raises(UsageError, match=f"label '{label}' has the name of a column of measurements; use 'labels'"):
        aggregator.read(measured, "measurements", by=[label])


def test_values_may_be_negative(measured: Path) -> None:
    seen = aggregator.read(measured, "measurements", where={"kind": "histogram"}).iloc[0]
    assert (seen["count"], seen["sum"], seen["mean"]) == (2, -2, -1)
    assert seen["p50"] == pytest.approx(-3, rel=0.016)
    assert -3 <= seen["p50"] <= seen["p99"] <= 1


def test_a_share_of_nothing_is_missing(tmp_path: Path) -> None:
    """A fold may count nothing."""
    event = {"logemit": 1, "event": "cache_operation", "timestamp": "2026-11-20T12:00:00Z", "count": 0, "keys": 3}
    (tmp_path / "app.log").write_text(json.dumps(event, separators=(",", ":")) + "\n")
    aggregator.aggregate([str(tmp_path / "app.log")], tmp_path / "out", config.load(None))
    assert aggregator.read(tmp_path / "out", "cache_operations")[["error_share", "mean"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"summary": "nothing"}, "no summary 'nothing'; there are http_requests"),
        ({"summary": "feed_polls", "by": ["nothing"]}, "no dimension 'nothing'; it has service, feed_id, status"),
        ({"summary": "feed_polls", "where": {"x": "y"}}, "no dimension 'x'"),
        ({"summary": "feed_polls", "measure": "x"}, "no measure 'x'"),
        ({"summary": "feed_polls", "freq": "1month"}, "freq is '1month'"),
        ({"summary": "feed_polls", "since": "yesterday"}, "since is 'yesterday', expected a date or a time"),
        ({"summary": "feed_polls", "since": date(2026, 11, 20)}, "since is datetime.date"),
        ({"summary": "feed_polls", "until": "2026-13-01"}, "until is '2026-13-01'"),
        ({"summary": "feed_polls", "quantiles": [99]}, "a quantile is 99, expected a number from 0 to 1"),
        ({"summary": "feed_polls", "quantiles": [math.nan]}, "a quantile is nan"),
        ({"summary": "feed_polls", "freq": "MS"}, "freq is 'MS'"),
    ],
)
def test_names_that_do_not_exist(out: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        aggregator.read(out, **arguments)


def test_a_folder_without_the_summary(out: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no http_requests here"):
        aggregator.read(out, "http_requests")
    with pytest.raises(InputError, match="no feed_polls here"):
        aggregator.read(tmp_path / "nowhere", "feed_polls")


def quantile(les: Any, counts: Any, q: float, unit: str, low: float, high: float) -> float:
    """Of one group."""
    of = np.zeros(len(les), dtype=np.int64)
    return float(quantiles(of, les, counts, q, unit, np.array([low]), np.array([high])).item())


def test_a_quantile_is_within_less_than_two_percent_and_never_beyond_what_was_seen() -> None:
    rng = np.random.default_rng(5)
    for unit, values in (
        ("seconds", (rng.lognormal(-3, 2, 2000) * 1e6).astype(np.int64) + 1),
        ("bytes", rng.lognormal(8, 3, 2000).astype(np.int64)),
    ):
        les, counts = np.unique(bounds(unit)[bins_of(values, unit)], return_counts=True)
        scale = 1e6 if unit == "seconds" else 1
        for q in (0.0, 0.01, 0.5, 0.9, 0.99, 1.0):
            true = np.sort(values)[max(1, math.ceil(q * len(values))) - 1] / scale
            found = quantile(les, counts, q, unit, values.min() / scale, values.max() / scale)
            assert found == pytest.approx(true, rel=0.016)
            assert values.min() / scale <= found <= values.max() / scale


def test_quantiles_of_groups_whose_bins_stand_in_any_order() -> None:
    """The files of two dates may have the texts of a dimension in another order."""
    rng = np.random.default_rng(6)
    values = {group: np.sort(rng.integers(0, 1000, 60 * group)) for group in range(4)}
    rows = [(group, le, n) for group, held in values.items() for le, n in zip(*found_in(held), strict=True)]
    rng.shuffle(rows)
    groups, les, counts = (np.array(column) for column in zip(*rows, strict=True))
    low, high = (np.array([end(values[g], initial=0) for g in range(4)], dtype=float) for end in (np.min, np.max))
    for q in (0.25, 0.99):
        found = quantiles(groups.astype(int), les, counts.astype(int), q, "count", low, high)
        wanted = [held[math.ceil(q * len(held)) - 1] if len(held) else math.nan for held in values.values()]
        assert found == pytest.approx(wanted, rel=0.016, nan_ok=True)


def found_in(values: Any) -> Any:
    """(upper bounds, counts) of the bins of whole numbers."""
    return np.unique(bounds("count")[bins_of(values, "count")], return_counts=True)
