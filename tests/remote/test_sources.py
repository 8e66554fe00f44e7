"""Logs in a bucket: each object is opened once, and each line counts once."""

import bz2
import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard

from aggregator import objects, positions, remote
from aggregator.errors import InputError, LogemitError, UsageError
from aggregator.reading import Reader
from aggregator.rebuild import rebuild
from aggregator.report import Report
from aggregator.run import aggregate
from tests.batch.runs import CONFIG, families, poll
from tests.command.calls import logemit, message

from .store import S3, SECRET

FOREIGN = b"[INFO] booting\n"
HOURLY = "app/{YYYY}/{MM}/{DD}/{HH}/*"


def hour(ago: int) -> str:
    """The prefix of an hour."""
    return f"app/{datetime.now(UTC) - timedelta(hours=ago):%Y/%m/%d/%H}/"


Packer = Callable[[bytes], bytes]


def plain(data: bytes) -> bytes:
    return data


class Job:
    """Runs over a bucket, and what they counted in all."""

    def __init__(self, s3: S3, out: Path) -> None:
        self.s3 = s3
        self.out = out
        self.reports: list[Report] = []

    def run(self, *patterns: str, **options: Any) -> list[str]:
        """The keys that were opened."""
        self.s3.forget()
        urls = [self.s3.url(pattern) for pattern in patterns or (HOURLY,)]
        self.reports.append(aggregate(urls, self.out, CONFIG, **options))
        return self.s3.opened

    @property
    def counted(self) -> tuple[int, int, int]:
        """Events, foreign lines, duplicates."""
        found = self.reports
        return sum(r.events for r in found), sum(r.foreign for r in found), sum(r.duplicates for r in found)

    @property
    def warnings(self) -> list[str]:
        return [warning for report in self.reports for warning in report.warnings]


@pytest.fixture
def job(s3: S3, tmp_path: Path) -> Job:
    return Job(s3, tmp_path / "out")


@pytest.mark.parametrize("pattern", [HOURLY, "app/", "app/**/*", ""])
def test_an_object_is_opened_once(job: Job, pattern: str) -> None:
    keys = [f"{hour(ago)}one" for ago in (30, 2, 1)]
    for seq, key in enumerate(keys):
        job.s3.put(key, poll(seq) + FOREIGN)
    assert job.run(pattern) == sorted(keys)
    assert job.run(pattern) == []
    new = f"{hour(1)}two"
    job.s3.put(new, poll(9) + FOREIGN)
    assert job.run(pattern) == [new]
    assert job.counted == (4, 4, 0)
    assert job.warnings == []


def test_a_date_pattern_lists_the_days_since_the_newest_object_less_a_margin(job: Job) -> None:
    job.s3.put(f"{hour(24 * 20)}old", poll(0))
    job.s3.put(f"{hour(24 * 5)}new", poll(1))
    job.run()
    assert job.s3.listed == ["app/"]
    job.run()
    today = datetime.now(UTC)
    assert sorted(set(job.s3.listed)) == sorted(f"app/{today - timedelta(n):%Y/%m/%d}/" for n in range(-1, 9))
    job.run(look_back=1)
    assert sorted(set(job.s3.listed)) == sorted(f"app/{today - timedelta(n):%Y/%m/%d}/" for n in range(-1, 7))


def test_what_comes_late_is_found_within_the_margin(job: Job) -> None:
    job.s3.put(f"{hour(1)}new", poll(0))
    job.run()
    within, beyond = f"{hour(40)}late", f"{hour(24 * 9)}later"
    job.s3.put(within, poll(1))
    job.s3.put(beyond, poll(2))
    assert job.run() == [within]
    assert job.run(look_back=30) == [beyond]
    assert job.counted == (3, 0, 0)


def test_an_object_from_the_future_does_not_end_the_listing(job: Job) -> None:
    job.s3.put("app/2999/01/01/00/x", poll(0))
    job.run()
    job.s3.put(f"{hour(1)}new", poll(1))
    assert job.run() == [f"{hour(1)}new"]


def test_more_objects_than_files_are_remembered(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hourly objects of more than a year, here with a lower bound for files."""
    monkeypatch.setattr(positions, "REMEMBERED", 3)
    for seq in range(10):
        job.s3.put(f"app/{seq:03d}", poll(seq) + FOREIGN)
    assert len(job.run("app/")) == 10
    assert job.run("app/") == []
    assert (job.counted, job.warnings) == ((10, 10, 0), [])


def test_more_objects_than_are_remembered_are_told(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "REMEMBERED", 3)
    for seq in range(5):
        job.s3.put(f"app/{seq:03d}", poll(seq))
    job.run("app/")
    assert len(job.run("app/")) == 2
    assert job.counted == (5, 0, 2)
    assert "5 objects were listed, and 3 are remembered" in job.warnings[0]


def test_objects_beyond_the_horizon_give_way_first(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "REMEMBERED", 3)
    for seq, ago in enumerate((24 * 40, 24 * 30, 24 * 20)):
        job.s3.put(f"{hour(ago)}one", poll(seq))
        job.run()
    for seq, ago in enumerate((2, 1), start=3):
        job.s3.put(f"{hour(ago)}one", poll(seq))
    assert len(job.run()) == 2
    assert job.run() == []
    assert job.warnings == []


def test_an_object_that_was_written_again_and_grew_is_read_on(job: Job) -> None:
    packers: dict[str, Packer] = {"app/plain": plain, "app/packed": gzip.compress}
    for seq, (key, pack) in enumerate(packers.items()):
        begin = poll(10 * seq) + poll(10 * seq + 1) + poll(10 * seq + 2) + FOREIGN
        job.s3.put(key, pack(begin))
        job.run("app/")
        job.s3.put(key, pack(begin + poll(10 * seq + 3) + FOREIGN))
        assert job.run("app/") == [key]
        assert job.run("app/") == []
    assert job.counted == (8, 4, 0)


def test_an_object_with_another_content_under_the_same_name_is_read_anew(job: Job) -> None:
    for seq in range(3):
        job.s3.put("app/latest", poll(seq) + FOREIGN)
        assert job.run("app/") == ["app/latest"]
    assert job.counted == (3, 3, 0)


def test_a_log_that_was_read_here_and_uploaded_since_is_read_on(job: Job, tmp_path: Path) -> None:
    log, content = tmp_path / "app.log", poll(0) + FOREIGN
    log.write_bytes(content)
    job.reports.append(aggregate([str(log)], job.out, CONFIG))
    job.s3.put("app/app.log.gz", gzip.compress(content + poll(1)))
    job.run("app/")
    assert job.counted == (2, 1, 0)


def test_the_last_line_of_an_object_counts_without_its_end(job: Job) -> None:
    job.s3.put("app/one", poll(0) + poll(1)[:-1])
    job.s3.put("app/two.gz", gzip.compress(poll(2)[:-1]))
    job.run("app/")
    assert job.counted == (3, 0, 0)
    job.s3.put("app/one", poll(0) + poll(1) + poll(3))
    assert job.run("app/") == ["app/one"]
    assert job.counted == (4, 0, 0)


def test_kinds_are_known_by_content_whatever_the_name(job: Job) -> None:
    """Firehose writes gzip without a suffix."""
    packers: list[Packer] = [gzip.compress, bz2.compress, zstandard.compress]
    for seq, pack in enumerate(packers):
        job.s3.put(f"app/stream-{seq}", pack(poll(seq)))
    job.s3.put("app/stream-3", poll(3))
    job.s3.put("app/wrong.gz", poll(9))
    job.run("app/")
    assert job.counted == (5, 0, 0)


def test_folder_marks_and_empty_objects_are_passed_over(job: Job) -> None:
    for key in ("app/", "app/deep/", "app/empty"):
        job.s3.put(key, b"")
    job.s3.put("app/deep/one", poll(0))
    assert job.run("app/") == ["app/deep/one"]
    assert job.run("app/") == []


def test_a_torn_object_is_told_once_and_its_whole_lines_count(job: Job) -> None:
    packed = gzip.compress(b"".join(poll(seq, url=os.urandom(40).hex()) for seq in range(100)))
    job.s3.put("app/torn.gz", packed[: len(packed) // 2])
    job.run("app/")
    events = job.counted[0]
    assert 20 < events < 80
    assert job.run("app/") == []
    assert [report.rejected for report in job.reports] == [0, 0]
    assert len(job.warnings) == 1
    job.s3.put("app/torn.gz", packed)
    job.run("app/")
    assert job.counted == (100, 0, 0)


def test_a_large_object_is_read_in_pieces(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "BLOCK_BYTES", 1 << 20)
    lines = [poll(seq, url=os.urandom(500).hex()) for seq in range(10_000)]
    content = b"".join(lines)
    for key, data in (("app/plain", content), ("app/packed", gzip.compress(content, 1))):
        job.s3.put(key, data)
        assert job.run("app/") == [key]
        ranges = [each["range"].removeprefix("bytes=").split("-") for each in job.s3.requests if each["range"]]
        sizes = [int(last) - int(first) + 1 for first, last in ranges]
        assert max(sizes) < 6 << 20  # a block of lines, and what is read ahead
        assert len(sizes) > 2
        assert len(data) <= sum(sizes) < len(data) + (8 << 20)
    assert job.counted == (10_000, 0, 10_000)


def test_progress_is_told_in_bytes_of_the_listing(job: Job) -> None:
    contents = [poll(seq) * 3 for seq in range(4)]
    for seq, content in enumerate(contents):
        job.s3.put(f"app/{seq}", content)
    job.run("app/0")
    told: list[tuple[int, int]] = []
    job.run("app/", progress=lambda done, total: told.append((done, total)))
    size = sum(map(len, contents[1:]))
    assert told[-1] == (size, size)
    assert {total for _, total in told} == {size}


def test_objects_that_expired_are_no_gap(job: Job) -> None:
    for seq in range(2):
        job.s3.put(f"app/{seq}", poll(seq))
    job.run("app/")
    job.s3.client.delete_object(Bucket=job.s3.bucket, Key="app/0")
    assert job.run("app/") == []
    assert (job.reports[-1].gaps, job.warnings) == (0, [])


def test_an_object_that_vanishes_before_it_is_read_is_told(job: Job) -> None:
    job.s3.put("app/one", poll(0))
    (found,) = remote.find([job.s3.url("app/")])
    job.s3.client.delete_object(Bucket=job.s3.bucket, Key="app/one")
    reader = Reader()
    assert list(reader.blocks(found)) == []
    assert (reader.vanished, reader.warnings) == (1, [f"{found}: vanished before it was read"])


def test_files_and_objects_together_and_rebuilt(job: Job, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(poll(0) + FOREIGN)
    job.s3.put(f"{hour(24 * 9)}one", poll(1))
    both = [str(log), job.s3.url(HOURLY)]
    aggregate(both, job.out, CONFIG)
    job.s3.put(f"{hour(1)}two", poll(2))
    aggregate(both, job.out, CONFIG)
    before = families(job.out)
    assert rebuild(both, job.out, CONFIG).events == 3
    assert families(job.out) == before
    assert aggregate(both, job.out, CONFIG).read == 0


def test_throttling_is_waited_for(job: Job) -> None:
    job.s3.put("app/one", poll(0))
    job.s3.plan(do="fail", times=3)
    job.run("app/")
    assert job.counted == (1, 0, 0)


# What is told where nothing can be read.


def test_a_store_that_never_answers_ends_with_74(s3: S3, tmp_path: Path) -> None:
    s3.put("app/one", poll(0))
    s3.plan(do="fail", times=10_000, method="GET")
    done = logemit("aggregate", s3.url("app/"), "--out", tmp_path / "out")
    assert done.returncode == 74
    assert "s3://logs/app/: OSError: SlowDown was planned" in message(done)


@pytest.mark.parametrize("url", ["s3://logs/none/", "s3://logs/none", "s3://logs/*.gz", "s3://no-such-bucket/app/"])
def test_a_missing_bucket_or_prefix_ends_with_66(s3: S3, tmp_path: Path, url: str) -> None:
    done = logemit("aggregate", url, "--out", tmp_path / "out")
    assert (done.returncode, "no such objects" in message(done)) == (66, True)


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_credentials_are_never_told(s3: S3, tmp_path: Path, variable: str) -> None:
    s3.put("app/one", poll(0))
    variables = {**s3.variables, "AWS_ACCESS_KEY_ID": "AKIAWRONG", variable: "AKIAWRONGTOO"}
    done = logemit("aggregate", s3.url("app/"), "--out", tmp_path / "out", variables=variables)
    assert (done.returncode, "access denied; check the credentials" in message(done)) == (74, True)
    assert not any(secret in done.stdout + done.stderr for secret in ("AKIA", SECRET))


def test_a_store_that_is_not_there_is_told_in_one_line(s3: S3, tmp_path: Path) -> None:
    variables = {**s3.variables, "AWS_ENDPOINT_URL": "http://me:secret@127.0.0.1:9"}
    done = logemit("aggregate", s3.url("app/"), "--out", tmp_path / "out", variables=variables)
    assert (done.returncode, message(done).count("s3://logs/app/: ")) == (74, 1)
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("gs://b/x/", r"needs a library that is missing; pip install gcsfs$"),
        ("az://b/x/", r"needs a library that is missing; pip install adlfs$"),
        ("nonsense://b/x/", "nonsense:// is unknown"),
        ("file:///var/log/app.log", "name it as a path"),
        ("s3://me:secret@b/x", "s3://…@b/x: holds a password"),
        ("s3://b/{YEAR}/", "{YEAR} is no part of a date"),
    ],
)
def test_urls_that_cannot_be_meant(url: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=told):
        remote.find([url])


def test_fsspec_that_is_missing_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError, match=r"pip install 'logemit\[remote\]'$"):
        remote.find(["s3://b/x/"])


def test_fsspec_is_loaded_for_urls_only(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(poll(0))
    script = (
        "import sys, cli; sys.argv[1:] = ['aggregate', 'app.log', '--out', 'out']\n"
        "try: cli.main()\nfinally: print([name for name in ('fsspec', 's3fs', 'aiohttp') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=True, text=True)
    assert done.stdout.endswith("[]\n")


def test_check_reads_objects_too(s3: S3) -> None:
    s3.put("app/one", poll(0) + FOREIGN)
    done = logemit("check", s3.url("app/"), "--json", variables=s3.variables)
    assert '"events": {"feed_poll": 1}' in done.stdout


def test_errors_of_patterns_come_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises((InputError, LogemitError)):
        aggregate([str(tmp_path / "none.log"), "s3://b/x/"], tmp_path / "out", CONFIG)
    assert not (tmp_path / "out").exists()
