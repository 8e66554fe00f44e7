"""Outputs in a bucket: the same as in a folder, and each event once whatever kills a run and however many there are."""

import io
import json
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aggregator import read
from aggregator.errors import InputError, OutputError, ReadWriteError, StateError, UsageError
from aggregator.panels import Asked, overview
from aggregator.run import aggregate
from aggregator.status import status
from tests.batch.runs import CONFIG, outputs, poll
from tests.command.calls import logemit, message
from tests.reliability.forks import Ended, ForkServer, Kill
from tests.reliability.processes import samples_of
from tests.reliability.test_lock import patiently
from tests.scale import scaled

from .store import S3

Cells = Counter[tuple[str, str]]
RECORD = "commit/0000000002.json"


class Place:
    """A log that grows, and what is derived from it in a bucket, held against a count of its lines."""

    def __init__(self, s3: S3, folder: Path) -> None:
        self.s3 = s3
        self.folder = folder
        self.log = folder / "app.log"
        self.url = s3.url("metrics")
        self._seq = 0

    def grow(self, count: int = 3) -> None:
        with self.log.open("ab") as file:
            for _ in range(count):
                hour, status = self._seq * 7 % 24, ("success", "error")[self._seq % 2]
                file.write(poll(self._seq, f"2026-11-{17 + self._seq % 3}T{hour:02d}:00:00Z", status=status))
                self._seq += 1

    def run(self) -> int:
        return aggregate([str(self.log)], self.url, CONFIG).events

    @property
    def arguments(self) -> list[object]:
        return ["aggregate", self.log, "--out", self.url, "--json"]

    def check(self) -> None:
        """Every line counts once, in the summaries and in the metrics."""
        events = [json.loads(line) for line in self.log.read_bytes().splitlines()]
        wanted: Cells = Counter((event["timestamp"][:16], event["status"]) for event in events)
        found: Cells = Counter()
        held = self.s3.objects("metrics/")
        for key, data in held.items():
            if key.startswith("metrics/feed_polls/"):
                for row in pq.read_table(io.BytesIO(data)).to_pylist():
                    found[f"{row['window_start']:%Y-%m-%dT%H:%M}", row["status"]] += row["events"]
        assert found == wanted
        counters = samples_of(held["metrics/metrics.prom"].decode())
        by_status = Counter(event["status"] for event in events)
        told = {dict(labels)["status"]: value for (name, labels), value in counters.items() if name == POLLS}
        assert told == by_status
        assert not [key for key in held if "/staging/" in key]


POLLS = "feed_polls_total"


@pytest.fixture
def place(s3: S3, tmp_path: Path) -> Place:
    place = Place(s3, tmp_path)
    place.grow()
    return place


def test_exemplars_are_kept_over_runs(place: Place) -> None:
    for seq, duration in ((900, 2), (901, 3)):
        with place.log.open("ab") as file:
            file.write(poll(seq, duration_seconds=duration, request_id=f"took {duration}"))
        place.run()
    found = json.loads(place.s3.objects("metrics/")["metrics/_logemit/exemplars.json"])
    assert {each["request_id"]: each["value"] for each in found.values()} == {"took 2": 2, "took 3": 3}
    place.check()


@pytest.fixture
def commands(place: Place, forks: ForkServer) -> ForkServer:
    """With the variables that lead to the place, and a place for what killed runs leave."""
    forks.variables = {**place.s3.variables, "TMPDIR": str(place.folder)}
    return forks


def killed(commands: ForkServer, place: Place, **plan: object) -> Ended:
    """A run that is killed where the plan says, if it comes to that."""
    reached = place.folder / "reached"
    reached.unlink(missing_ok=True)
    place.s3.plan(reached=str(reached), **plan)
    commands.start(place.arguments, Kill(0, str(reached)), watched=[reached])
    ended = commands.end()
    place.s3.plan()
    return ended


@contextmanager
def held(place: Place, commands: ForkServer, **plan: object) -> Iterator[None]:
    """A run that is held up at a request, for as long as the block lasts."""
    reached, until = place.folder / "reached", place.folder / "until"
    place.s3.plan(do="hold", reached=str(reached), until=str(until), **plan)
    commands.start(place.arguments, watched=[])
    patiently(reached.exists)
    place.s3.plan()
    yield
    until.touch()


def test_a_bucket_holds_what_a_folder_would(place: Place, tmp_path: Path) -> None:
    for _ in range(3):
        assert place.run() == 3
        aggregate([str(place.log)], tmp_path / "out", CONFIG)
        place.grow()
    copy = tmp_path / "copy"
    for key, data in place.s3.objects("metrics/").items():
        path = copy / key.removeprefix("metrics/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert outputs(copy) == outputs(tmp_path / "out")
    assert place.run() == 3
    place.check()
    assert aggregate([str(place.log)], copy, CONFIG).events == 3  # a copy goes on as a folder


def test_the_text_of_a_bucket_for_node_exporter(place: Place, tmp_path: Path) -> None:
    aggregate([str(place.log)], place.url, CONFIG, textfile=tmp_path)
    text = (tmp_path / "logemit_metrics.prom").read_text().splitlines()
    assert text[0] == f"# logemit: {place.url}"
    written = place.s3.objects("metrics/")["metrics/metrics.prom"].decode().splitlines()
    assert [line for line in text[1:] if not line.startswith("logemit_")] == [
        line for line in written if not line.startswith("logemit_")
    ]


def test_show_reads_a_bucket(place: Place, tmp_path: Path) -> None:
    place.run()
    aggregate([str(place.log)], tmp_path / "out", CONFIG)
    there, here = overview(Asked(place.url)), overview(Asked(tmp_path / "out"))
    assert [panel.name for panel in there.panels] == ["feeds", "pipeline"]
    assert there.panels[0].table.equals(here.panels[0].table)
    assert (there.newest_event, there.others) == (here.newest_event, here.others)


def test_runs_killed_at_any_request_are_made_up_for(
    place: Place, commands: ForkServer, figure: Callable[[str], None]
) -> None:
    place.run()
    place.grow()
    place.s3.forget()
    place.run()
    changes, kills = place.s3.changes(), 0
    assert changes > 20
    points = [("kill before", at) for at in range(0, changes, scaled(40, 8, 1))]
    for do, skip in [*points, ("kill after", changes - 1), ("kill after", changes // 2)]:
        place.grow()
        ended = killed(commands, place, do=do, skip=skip, method="changes")
        assert ended.code == -signal.SIGKILL, (do, skip, ended)
        kills += 1
        assert commands.run(place.arguments).code == 0
        place.check()
    figure(f"bucket: {kills} kills at {changes} requests that change something, each next run made up for it")


def test_a_run_killed_right_after_its_record_counts(place: Place, commands: ForkServer) -> None:
    place.run()
    place.grow()
    assert killed(commands, place, do="kill after", method="PUT", part=RECORD).code == -signal.SIGKILL
    assert not status(place.url).applied
    assert commands.run(place.arguments).report["events"] == 0
    place.check()


def test_a_first_run_killed_at_its_record(place: Place, commands: ForkServer) -> None:
    for do in ("kill before", "kill after"):
        assert killed(commands, place, do=do, method="PUT", part="commit/0000000001.json").code == -signal.SIGKILL
    assert commands.run(place.arguments).code == 0
    place.check()


def test_of_two_runs_at_once_one_ends_with_75(place: Place, commands: ForkServer) -> None:
    place.run()
    place.grow()
    with held(place, commands, method="PUT", part=RECORD):
        assert place.run() == 3
    ended = commands.end()
    assert (ended.code, ended.out) == (75, "")
    assert ended.error == (
        f"logemit: {place.url}: another run has committed meanwhile, this one changed nothing; run it again\n"
    )
    assert commands.run(place.arguments).report["events"] == 0
    place.check()


def test_a_run_that_reads_while_another_commits_ends_with_75(place: Place, commands: ForkServer) -> None:
    """What it finds is not what its state speaks of, and nothing is damaged."""
    place.run()
    place.grow(24)
    with held(place, commands, method="GET", part="metrics/feed_polls/date=2026-11-18"):
        assert place.run() == 24
    assert commands.end().code == 75
    place.check()


def test_a_run_that_sleeps_amid_its_copies_changes_nothing_any_more(place: Place, commands: ForkServer) -> None:
    """Another finishes its commit, and commits: what it would copy is gone."""
    place.run()
    place.grow()
    with held(place, commands, method="COPY", skip=2):
        assert place.run() == 0
        place.grow()
        assert place.run() == 3
    assert commands.end().code == 0
    place.check()


def test_a_run_that_sleeps_through_many_commits_does_not_take_an_old_number(place: Place, commands: ForkServer) -> None:
    """Old records are removed, and the condition holds again."""
    place.run()
    place.grow()
    with held(place, commands, method="PUT", part=RECORD):
        for _ in range(6):
            place.run()
            place.grow()
    assert commands.end().code == 75
    place.run()
    place.check()


def test_a_record_whose_answer_was_lost_counts_once(place: Place) -> None:
    place.run()
    place.grow()
    place.s3.plan(do="lose", method="PUT", part=RECORD)
    assert place.run() == 3
    place.s3.plan()
    assert place.run() == 0
    place.check()


FAILING = [("COPY", "", 0), ("PUT", RECORD, 3), ("PUT", "staging", 3)][: scaled(2, 3, 3)]


@pytest.mark.parametrize(("method", "part", "taken"), FAILING)
def test_a_store_that_fails_is_told_and_made_up_for(place: Place, method: str, part: str, taken: int) -> None:
    """Once the record is there the events count, and the next run puts them in their place."""
    place.run()
    place.grow()
    place.s3.plan(do="fail", times=10_000, method=method, part=part)
    with pytest.raises(ReadWriteError, match="SlowDown was planned; run it again"):
        place.run()
    place.s3.plan()
    assert place.run() == taken
    place.check()


def test_a_store_without_conditions_is_refused(place: Place) -> None:
    place.s3.plan(unconditional=True)
    with pytest.raises(OutputError, match="does not keep If-None-Match"):
        place.run()
    assert list(place.s3.objects("metrics/")) == ["metrics/_logemit/lock"]


def test_a_store_that_takes_requests_and_never_answers_ends_a_run(place: Place) -> None:
    """A write would wait for ever for the word to go on."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        quick = json.dumps({"config_kwargs": {"read_timeout": 1}})
        endpoint = f"http://127.0.0.1:{mute.getsockname()[1]}"
        variables = {"AWS_ENDPOINT_URL": endpoint, "AWS_MAX_ATTEMPTS": "1", "FSSPEC_S3": quick}
        done = logemit("aggregate", place.log, "--out", place.url, variables=variables)
    assert (done.returncode, "ReadTimeoutError" in message(done)) == (74, True)


def test_a_missing_bucket_is_told(place: Place) -> None:
    with pytest.raises(OutputError, match="no such bucket"):
        aggregate([str(place.log)], "s3://no-such-bucket/metrics", CONFIG)


def test_an_output_is_no_pattern(place: Place) -> None:
    with pytest.raises(UsageError, match="is a pattern"):
        aggregate([str(place.log)], "s3://logs/*", CONFIG)


def test_a_changed_object_is_told_by_its_url(place: Place) -> None:
    place.run()
    place.s3.put("metrics/_logemit/totals/feed_polls.parquet", b"x")
    place.grow()
    with pytest.raises(StateError, match=r"^s3://logs/metrics/_logemit/totals/feed_polls.parquet: was changed"):
        place.run()


def test_logs_in_a_bucket_into_a_bucket(place: Place) -> None:
    place.s3.put("app/one", place.log.read_bytes())
    for events in (3, 0):
        assert aggregate([place.s3.url("app/")], place.url, CONFIG).events == events
    place.check()
    assert status(place.url).objects == 1
    assert "0 gone, 1 object\n" in logemit("status", place.url).stdout


def test_commands_on_a_bucket(place: Place, commands: ForkServer) -> None:
    place.run()
    found = status(place.url)
    assert (found.out, found.commit, found.applied, found.account["events"]) == (place.url, 1, True, 3)
    assert found.summaries["feed_polls"].bytes == sum(
        len(data) for key, data in place.s3.objects("metrics/").items() if key.startswith("metrics/feed_polls")
    )
    assert int(read(place.url, "feed_polls")["count"].iloc[0]) == 3
    with pytest.raises(InputError, match="no tasks here"):
        read(place.url, "tasks")
    assert commands.run(["compact", place.url, "--fold-after", "1d", "--json"]).report["partitions"] > 0
    counted = read(place.url, "feed_polls", by=["status"])["count"].to_dict()
    assert counted == {"error": 1, "success": 2}
    for command, code, told in (
        (["rebuild", place.log, "--out", place.url], 2, "works on folders only"),
        (["repair", place.url], 2, "works on folders only"),
        (["status", f"{place.url}s"], 66, "no output of logemit aggregate"),
        (["compact", f"{place.url}s"], 66, "no output of logemit aggregate"),
    ):
        ended = commands.run(command)
        assert (ended.code, told in ended.message) == (code, True)
    assert not place.s3.objects("metricss")
