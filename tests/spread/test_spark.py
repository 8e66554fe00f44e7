"""A run beside Spark leaves what a run by itself leaves, to the byte. Its start is dear: not in the quick tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import aggregator
from aggregator import on_spark, run
from aggregator.errors import ReadWriteError, UnavailableError, UsageError
from aggregator.spread import versions
from aggregator.spread.workers import Handle, Workers
from tests.batch.test_compiled import RECORDED
from tests.conftest import ROOT
from tests.scale import FULL, LEVEL, scaled
from tests.test_docs import blocks, needs
from tests.test_recount import CASES
from tests.test_split import lines_of

from .same import CONFIG, Both, check_repeats_and_growth
from .spark import spark_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [
    pytest.mark.skipif(LEVEL == "quick", reason="Spark takes long to start: TESTS=usual does"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

EXAMPLE = ROOT / "examples/spark/aggregate.py"


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SparkSession"]:
    with spark_session(tmp_path_factory.mktemp("spark"), "local[2]") as session:
        yield session


@pytest.fixture(scope="module")
def workers(spark: "SparkSession") -> Iterator[Workers]:
    with on_spark(spark) as found:
        yield found


@pytest.fixture
def both(spark: "SparkSession", tmp_path: Path) -> Both:
    return Both(tmp_path, lambda: on_spark(spark, tasks=2), size=100_000)


@pytest.mark.parametrize("case", CASES[: scaled(0, 1, len(CASES))])
def test_samples(case: str, both: Both, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"".join(lines_of(case)))
    assert both.run([log]).events


def test_repeats_and_growth(both: Both, tmp_path: Path) -> None:
    check_repeats_and_growth(both, tmp_path)


def test_what_is_made_of_what_was_made(workers: Workers) -> None:
    """In the order of the arguments, of which some are handles, some of them twice."""
    made, wanted = workers.submit(str, 0), "0"
    for number in range(1, 6):
        made, wanted = workers.submit(joined, made, number, made, urgent=number % 2 == 0), f"{wanted}{number}{wanted}"
    assert workers.result(made) == wanted


def joined(*parts: object) -> str:
    return "".join(map(str, parts))


def test_where_it_runs(spark: "SparkSession", workers: Workers) -> None:
    assert workers.threads == spark.sparkContext.defaultParallelism == 2
    found = workers.everywhere(versions.facts, CONFIG)
    assert list(found.values()) == [versions.facts(CONFIG)]


def failing(*_: object) -> None:
    raise ReadWriteError("app.log: changed while it was read")


def test_errors_of_tasks_come_out_as_themselves(workers: Workers) -> None:
    failed = workers.submit(failing, about="app.log")
    for handle in (failed, workers.submit(joined, workers.submit(joined, failed, 1), failed)):
        with pytest.raises(ReadWriteError, match=r"^app.log: changed while it was read$"):
            workers.result(handle)
    with pytest.raises(ReadWriteError, match=r"^app.log: changed"):
        workers.everywhere(failing)


@pytest.mark.parametrize(
    ("task", "arg", "told"),
    [
        (int, "x", r"a worker failed: ValueError: invalid literal for int\(\) with base 10: 'x'"),
        (os._exit, 3, r"Spark gave up: SparkException: Python worker exited unexpectedly \(crashed\)"),
    ],
)
def test_other_errors_are_told_in_one_line(workers: Workers, task: Callable[..., Any], arg: object, told: str) -> None:
    handle = workers.submit(task, arg, about="app.log")
    with pytest.raises(UnavailableError, match=f"^app.log: {told}; nothing has changed$"):
        workers.result(handle)
    assert workers.result(workers.submit(max, 1, 2)) == 2


def test_an_executor_without_logemit(spark: "SparkSession", workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{__name__}_elsewhere"
    module = type(sys)(name)
    exec("def task(): pass", vars(module))
    monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(UsageError, match=r"No module named .*; install logemit where Spark's executors run$"):
        workers.everywhere(vars(module)["task"])


def test_a_session_that_was_stopped() -> None:
    class Stopped:
        def range(self, *_: int) -> None:
            raise ConnectionRefusedError(111, "Connection refused")

        def addTag(self, tag: str) -> None:  # noqa: N802
            raise ConnectionRefusedError(111, "Connection refused")

        interruptTag = addTag  # noqa: N815

    session: Any = Stopped()
    with pytest.raises(UnavailableError, match=r"^a first task: Spark gave up: .*refused; nothing has changed$"):
        on_spark(session).__enter__()
    with on_spark(session, tasks=1) as workers:
        handle = workers.submit(max, 1, 2)
        with pytest.raises(UnavailableError, match=r"^a task: Spark gave up: .*refused; nothing has changed$"):
            workers.result(handle)


def test_what_the_docs_say(spark: "SparkSession", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both pages with Spark in them; the second one's reads what the first one's has written."""
    (tmp_path / "logs").mkdir()
    log = Path(shutil.copy(ROOT / "sample_logs/gunicorn/stdout.log", tmp_path / "logs/app.log"))
    wanted = run.aggregate([str(log)], tmp_path / "wanted", CONFIG).events
    monkeypatch.chdir(tmp_path)
    for page in ("clusters.md", "notebooks.md"):
        found = [block for block in blocks(ROOT / "docs" / page) if needs(block, "pyspark")]
        assert found
        for block in found:
            text = block.text.replace('"metrics/', f'"{tmp_path}/metrics/')  # Spark itself stands elsewhere
            exec(compile(text, page, "exec"), {"__name__": page})
    assert counted(tmp_path / "metrics") == counted(tmp_path / "wanted")
    assert wanted


def counted(out: Path) -> list[tuple[object, ...]]:
    found = aggregator.read(out, "http_requests", by=["view"])["count"]
    return sorted(found.items())


@pytest.mark.parametrize("log", ["sample_logs/asgi/stdout.log", *(["missing.log"] if FULL else [])])
def test_the_example(log: str, tmp_path: Path) -> None:
    """By spark-submit, as a job of its own."""
    source, out = ROOT / log, tmp_path / "metrics"
    options = ["--driver-java-options", "-XX:TieredStopAtLevel=1", "--conf", "spark.ui.enabled=false"]
    submit = [str(Path(sys.executable).with_name("spark-submit")), "--master", "local[1]", *options]
    environ = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    command = [*submit, str(EXAMPLE), str(source), "--out", str(out)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, cwd=tmp_path, check=False)
    if source.exists():
        assert done.returncode == 0, done.stderr
        assert f"{run.aggregate([str(source)], tmp_path / 'wanted', CONFIG).events:,} events" in done.stdout
        assert counted(out) == counted(tmp_path / "wanted")
    else:
        assert done.returncode == 66
        assert f"logemit: {source}" in done.stdout  # which spark-submit makes one of both
        assert "Traceback" not in done.stdout


def executors(jvm: psutil.Process) -> Iterator[psutil.Process]:
    for each in jvm.children(recursive=True):
        with suppress(psutil.ZombieProcess):
            if "CoarseGrained" in str(each.cmdline()):
                yield each


class Unlucky:
    """Of which an executor dies, while a result is waited for."""

    def __init__(self, workers: Workers, jvm: int) -> None:
        self._workers, self._jvm, self._asked = workers, psutil.Process(jvm), count(1)
        self.killed = 0

    @property
    def threads(self) -> int:
        return self._workers.threads

    def everywhere(self, task: Callable[..., Any], *args: Any) -> Mapping[str, Any]:
        return self._workers.everywhere(task, *args)

    def submit(self, task: Callable[..., Any], *args: Any, **how: Any) -> Handle:
        return self._workers.submit(task, *args, **how)

    def first(self, handles: Sequence[Handle], seconds: float = inf) -> Handle | None:
        return self._workers.first(handles, seconds)

    def result(self, handle: Handle) -> Any:
        if next(self._asked) == 4:
            next(executors(self._jvm)).kill()
            self.killed += 1
        return self._workers.result(handle)


@pytest.mark.skipif(not FULL, reason="a cluster of processes: TESTS=full starts one")
def test_an_executor_that_dies(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"".join(RECORDED))
    seen: list[Unlucky] = []
    with spark_session(tmp_path, "local-cluster[2,1,1024]") as session:
        context: Any = session.sparkContext
        jvm: int = context._gateway.proc.pid

        @contextmanager
        def unlucky() -> Iterator[Workers]:
            with on_spark(session, tasks=2) as workers:
                seen.append(Unlucky(workers, jvm))
                yield seen[-1]

        assert Both(tmp_path, unlucky, size=60_000).run([log]).events
    assert seen[0].killed == 1
