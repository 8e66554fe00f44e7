"""`aggregate --textfile`: the text where node_exporter reads it, beside other files."""

import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from aggregator import aggregate
from aggregator.errors import OutputError
from aggregator.promtext import labelled, series
from aggregator.report import Report
from tests.batch.runs import CONFIG, poll
from tests.conftest import LOGEMIT
from tests.monitoring import servers

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
Run = Callable[..., Report]


def samples(text: str) -> Samples:
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    values = {(sample.name, frozenset(map(_plain, sample.labels.items()))): sample.value for sample in found}
    assert len(values) == len(found)
    return values


def _plain(label: tuple[str, str]) -> tuple[str, str]:
    """node_exporter writes le="5", whoever wrote le="5.0"."""
    name, value = label
    return (name, value.removesuffix(".0")) if name == "le" else label


def with_output(found: Samples, name: str) -> Samples:
    """As they stand in a text file: those about runs have a label more."""
    return {
        (sample, labels | {("output", name)} if sample.startswith("logemit_") else labels): value
        for (sample, labels), value in found.items()
    }


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    return folder


@pytest.fixture
def run(tmp_path: Path, texts: Path) -> Run:
    def run(service: str, out: str, place: Path = texts) -> Report:
        with (tmp_path / f"{service}.log").open("ab") as log:
            log.write(poll(None, service=service))
        return aggregate([str(log.name)], tmp_path / out, CONFIG, textfile=place)

    return run


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("narrow_umask")
def test_a_text_file_can_be_read_by_all_and_nothing_else_is_left(run: Run, texts: Path) -> None:
    run("web", "metrics")
    (path,) = texts.iterdir()
    assert path.name == "logemit_metrics.prom"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_text_file_holds_what_the_run_wrote(run: Run, texts: Path, tmp_path: Path) -> None:
    for _ in range(2):
        run("web", "metrics")
    written = samples((tmp_path / "metrics/metrics.prom").read_text())
    assert samples((texts / "logemit_metrics.prom").read_text()) == with_output(written, "metrics")
    assert written["feed_polls_total", frozenset({("service", "web"), ("feed_id", "1"), ("status", "success")})] == 2


def test_node_exporter_shows_two_outputs_side_by_side(run: Run, texts: Path, tmp_path: Path) -> None:
    run("web", "one")
    run("worker", "two")
    with servers.node_exporter(texts, tmp_path / "log") as url:
        shown = samples(servers.fetch(url))
    assert shown["node_textfile_scrape_error", frozenset()] == 0
    for name in ("one", "two"):
        wanted = with_output(samples((tmp_path / name / "metrics.prom").read_text()), name)
        assert wanted.items() <= shown.items()


def test_the_same_sample_in_two_files_is_refused(run: Run, texts: Path, tmp_path: Path) -> None:
    run("web", "one")
    with pytest.raises(OutputError, match=r"logemit_one\.prom: has \w+.*service=\"web\".*, too"):
        run("web", "two")
    assert not (texts / "logemit_two.prom").exists()
    assert (tmp_path / "two/metrics.prom").exists()
    (texts / "logemit_one.prom").unlink()
    run("web", "two")
    assert (texts / "logemit_two.prom").exists()


def test_a_sample_of_another_program_is_known_whatever_the_order_of_its_labels(run: Run, texts: Path) -> None:
    run("web", "metrics")
    (help_line,) = [
        line
        for line in (texts / "logemit_metrics.prom").read_text().splitlines()
        if line.startswith("# HELP feed_polls_total ")
    ]
    other = texts / "other.prom"
    labels = 'status="success",service="web",feed_id="1"'
    other.write_text(f"{help_line}\n# TYPE feed_polls_total counter\nfeed_polls_total{{{labels}}} 7\n")
    with pytest.raises(OutputError, match=r"other\.prom: has feed_polls_total"):
        run("web", "metrics")
    other.write_text(other.read_text().replace('"1"', '"2"'))
    run("web", "metrics")


def test_a_family_with_another_help_in_two_files_is_refused(run: Run, texts: Path) -> None:
    (texts / "other.prom").write_text("# HELP feed_polls_total Other words.\n# TYPE feed_polls_total counter\n")
    with pytest.raises(OutputError, match=r"other\.prom: describes feed_polls_total in other words"):
        run("web", "metrics")


def test_after_an_update_outputs_do_not_wait_for_each_other(run: Run, texts: Path) -> None:
    """Each file has the words of its last run."""
    for path in (("web", "one"), ("worker", "two")):
        run(*path)
    for file in texts.iterdir():
        file.write_text(file.read_text().replace("# HELP logemit_runs_total ", "# HELP logemit_runs_total Before: "))
    run("web", "one")
    run("worker", "two")
    assert not any("Before: " in file.read_text() for file in texts.iterdir())


def test_a_link_in_the_place_of_what_is_written_is_not_followed(run: Run, texts: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("secret")
    (texts / ".logemit_metrics.prom.tmp").symlink_to(victim)
    run("web", "metrics")
    assert victim.read_text() == "secret"
    assert not (texts / "logemit_metrics.prom").is_symlink()


def test_a_folder_named_as_a_text_is_no_concern(run: Run, texts: Path) -> None:
    (texts / "folder.prom").mkdir()
    run("web", "metrics")
    assert (texts / "logemit_metrics.prom").exists()


def test_broken_files_of_others_are_no_concern(run: Run, texts: Path) -> None:
    (texts / "other.prom").write_bytes(b'\xff{"\nfeed_polls_total{ 1\n# TYPE\n')
    run("web", "metrics")
    assert (texts / "logemit_metrics.prom").exists()


def test_two_outputs_of_one_name_need_names_of_their_own(run: Run, texts: Path) -> None:
    run("web", "a/metrics")
    with pytest.raises(OutputError, match=r"logemit_metrics\.prom: is of .*/a/metrics; .* --textfile .*NAME\.prom"):
        run("worker", "b/metrics")
    run("worker", "b/metrics", texts / "worker.prom")
    assert 'logemit_runs_total{output="worker"} 1.0' in (texts / "worker.prom").read_text()


def test_a_file_of_another_program_is_not_replaced(run: Run, texts: Path) -> None:
    (texts / "mine.prom").write_text("mine 1\n")
    with pytest.raises(OutputError, match="is of another program"):
        run("web", "metrics", texts / "mine.prom")
    assert (texts / "mine.prom").read_text() == "mine 1\n"


@pytest.mark.parametrize("place", ["missing", "metrics"])
def test_a_place_that_cannot_be_is_refused_before_anything_is_done(run: Run, tmp_path: Path, place: str) -> None:
    with pytest.raises(OutputError, match=r"no such folder|is the output itself"):
        run("web", "metrics", tmp_path / place)
    assert not (tmp_path / "metrics").exists()


def test_the_command_says_what_is_wrong_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_bytes(poll(None))
    command = [str(LOGEMIT), "aggregate", "web.log", "--out", "metrics", "--textfile", "missing"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == OutputError.exit_code
    assert done.stderr.startswith("logemit: missing: no such folder; make what --collector.textfile.directory")
    assert done.stderr.count("\n") == 1


@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.text()), st.text())
def test_a_label_more_in_a_line(labels: dict[str, str], value: str) -> None:
    line = labelled(f"{series('name', labels)} 1.0\n".encode(), "output", value).decode()
    ((_, found),) = samples(line)
    assert found == {*map(_plain, labels.items()), ("output", value)}
