"""What is known to go wrong between OpenMetrics and a TSDB: each trap by name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed

from aggregator.errors import LogemitError
from aggregator.history.openmetrics import Document, Head, Run, Track
from aggregator.run import aggregate
from tests.history.logs import CONFIG, event, export

COUNTER = Head("said", "counter", 'What was "said".')
NOW = 1_000.0


def written(times: list[int], *tracks: Track, head: Head = COUNTER, first: int = 0) -> str:
    document = Document(times, NOW)
    return b"".join(document.family(head, iter(tracks), {}, first)).decode()


def track(*runs: Run, to: str = "a") -> Track:
    return Track([("_total", {"to": to})], runs)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The only file of a recorded log with all kinds of families."""
    folder = tmp_path_factory.mktemp("traps")
    log = (Path(__file__).parents[2] / "sample_logs/bot/stdout.log").read_bytes()
    (folder / "app.log").write_bytes(log + event("the_end", "2026-11-22T01:00:00Z", 0))
    aggregate([str(folder / "app.log")], folder / "out", CONFIG)
    (file,) = export(folder / "out", folder / "files", split=0, end=1_795_176_000 + 36 * 3600).files
    return Path(file.path).read_text()


def test_it_ends_with_eof_and_has_no_blank_line(text: str) -> None:
    assert text.endswith("\n# EOF\n")
    assert text.count("# EOF") == 1
    assert "\n\n" not in text


def test_there_is_a_timestamp_on_every_sample(text: str) -> None:
    for line in text.splitlines():
        assert line.startswith("#") or line.rsplit(" ", 1)[1].isdigit(), line


def test_each_instant_is_strict_openmetrics(text: str) -> None:
    """One instant at a time: the client's parser drops the second point of a histogram, and then misses its +Inf."""
    lines = text.splitlines(keepends=True)
    instants = sorted({line.rsplit(" ", 1)[1] for line in lines if not line.startswith("#")})
    for instant in (instants[0], instants[len(instants) // 2], instants[-1]):
        kept = (line for line in lines if line.startswith("#") or line.endswith(f" {instant}"))
        families = [*parsed("".join(kept))]  # type: ignore[no-untyped-call]
        assert any(family.samples for family in families)


def test_families_and_label_sets_stand_together_and_times_ascend(text: str) -> None:
    """Restated or out of order, promtool would drop samples and end with 0."""
    times: dict[str, int] = {}
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    for line in text.splitlines():
        if not line.startswith("#"):
            series, _, time = line.rsplit(" ", 2)
            assert int(time) > times.get(series, 0), line
            times[series] = int(time)


def test_there_are_no_created_families_and_none_about_runs(text: str) -> None:
    assert "_created" not in text
    assert "logemit_" not in text


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: written([990, 1001], track((0, [1]))), "in the future"),
        (lambda: written([990, 980], track((0, [1]))), "out of order"),
        (lambda: written([980, 980], track((0, [1]))), "out of order"),
        (lambda: written([980], track((0, [1])), track((0, [2]))), "a series twice"),
        (lambda: written([980], track((0, [-1]))), "from 0 to -1"),
        (lambda: written([980, 990], track((0, [5]), (1, [4]))), "from 5 to 4"),
        (lambda: written([980], track((0, [float("nan")]))), "to nan"),
        (lambda: written([980], track((0, [float("inf")]))), "to inf"),
    ],
    ids=["future", "out of order", "duplicate time", "duplicate series", "negative", "falling", "nan", "infinite"],
)
def test_what_prometheus_would_destroy_itself_over_is_refused(make: Callable[[], str], what: str) -> None:
    with pytest.raises(LogemitError, match=what):
        make()


def test_a_family_twice_is_refused() -> None:
    document = Document([980], NOW)
    histogram = Head("took", "histogram", "Time.")
    for refused in (False, True):
        made = document.family(histogram, iter([Track([("_count", {})], [(0, [1])])]), {}, 0)
        if refused:
            with pytest.raises(LogemitError, match="a family twice"):
                list(made)
        else:
            assert list(made)


def test_names_that_only_openmetrics_finds_to_clash_are_both_written() -> None:
    """A counter said_total and a gauge said are two families of text 0.0.4, and one name of OpenMetrics."""
    document = Document([980], NOW)
    counter = b"".join(document.family(COUNTER, iter([track((0, [1]))]), {}, 0))
    gauge = b"".join(document.family(Head("said", "gauge", "Now."), iter([Track([("", {})], [(0, [7])])]), {}, 0))
    assert counter.endswith(b'said_total{to="a"} 1.0 980\n')
    assert b"# TYPE said unknown\nsaid 7.0 980\n" in gauge


def test_an_event_dated_ahead_of_the_clock_makes_no_sample_in_the_future(tmp_path: Path) -> None:
    """One such sample would make Prometheus delete good blocks."""
    (tmp_path / "app.log").write_bytes(
        event("feed_poll", "2026-11-20T12:00:00Z", 0, feed_id="1", status="success")
        + event("feed_poll", "2999-01-01T00:00:00Z", 1, feed_id="1", status="success")
    )
    aggregate([str(tmp_path / "app.log")], tmp_path / "out", CONFIG)
    assert export(tmp_path / "out", tmp_path / "files", end=32_500_000_000).until < 1_795_176_000 + 60
