"""logemit report: written, printed, refused."""

import os
import re
import shutil
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest

from aggregator.errors import UsageError
from aggregator.htmlreport import gather, render
from aggregator.htmlreport import page as pages
from aggregator.panels import Asked
from tests.command.calls import logemit, message

from .conftest import MADE
from .read_page import Page


def test_a_file_for_all_to_read(sampled: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("an older one")
    before = os.umask(0o077)
    try:
        done = logemit(
            *("report", sampled, "--since", "2026-11-21T12:00Z", "--until", "2026-11-22", "--title", "<b>Shop</b>"),
            cwd=tmp_path,
        )
    finally:
        os.umask(before)
    assert (done.returncode, done.stdout, done.stderr) == (0, "report.html\n", "")
    assert out.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    read = Page(out.read_text("utf-8"))
    assert read.texts("h1") == read.texts("title") == ["<b>Shop</b>"]
    assert read.texts("p")[0].startswith("from 2026-11-21 12:00 to 2026-11-22 00:00, all times in UTC.")
    times = [row["t"] for row in read.charts["requests"]["data"]["values"]]
    assert min(times) >= datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp() * 1000


def test_a_damaged_state_is_told_on_the_page_and_by_the_exit_code(sampled: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "metrics"
    shutil.copytree(sampled, damaged)
    for record in (damaged / "_logemit/commit").iterdir():
        record.write_text("{")
    done = logemit("report", damaged, "-o", "-")
    assert done.returncode == 65
    read = Page(done.stdout)
    assert read.texts("h1") == ["Report of metrics"]
    assert any(text.startswith("The state of the folder cannot be read: ") for text in read.texts("p"))
    assert "lost events" not in read.headlines
    assert "requests" in read.headlines


def test_the_same_folder_gives_the_same_page_but_for_the_time(sampled: Path, page: str) -> None:
    assert render(gather(Asked(sampled), "Sample logs", MADE)) == page
    later = render(gather(Asked(sampled), "Sample logs", MADE + 60))
    changed = [(a, b) for a, b in zip(page.splitlines(), later.splitlines(), strict=True) if a != b]
    assert len(changed) == 1
    assert re.sub("Made [^<]*", "", changed[0][0]) == re.sub("Made [^<]*", "", changed[0][1])


def test_a_time_without_anything(sampled: Path) -> None:
    made = gather(Asked(sampled, datetime(2027, 1, 1, tzinfo=UTC)), "Later", MADE)
    read = Page(render(made))
    assert read.charts == {}
    assert list(read.headlines) == ["lost events"]
    assert "There were no requests in this time." in read.texts("p")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("{out}", "-o", "{folder}"), 73, "it is a folder; name a file"),
        (("{out}", "-o", ""), 2, "-o is empty; name a file"),
        (("{out}", "-o", "{folder}/no/such/report.html"), 73, "there is no such folder"),
        (("{folder}",), 66, "logemit aggregate"),
        (("{out}", "--since", "yesterday"), 2, "--since is 'yesterday'; expected a span back from now"),
        (("{out}", "--since", "2026-11-20", "--until", "2026-11-19"), 2, "--until 2026-11-19 is not after --since"),
        (("{out}", "--config", "{folder}/none.toml"), 78, "no such file"),
    ],
)
def test_what_cannot_be_meant(sampled: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, told: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    done = logemit("report", *(each.format(out=sampled, folder=folder) for each in arguments), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in message(done)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "find_spec", lambda name: None if name == "vl_convert" else find_spec(name))
    with pytest.raises(UsageError, match=r"vl-convert-python missing; pip install 'logemit\[report\]'"):
        pages.require()
