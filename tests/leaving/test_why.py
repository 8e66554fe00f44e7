"""What docs/leaving.md says of counters in processes that come and go, with real servers on loopback ports."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.in_process import cases, page
from benchmarks.in_process.cases import Counted, Shared
from benchmarks.in_process.page import AT_ONCE, CASES, HEAD, PROCESSES, SHARED_HEAD, growth
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("django_prometheus")
GUIDE = ROOT / "docs/leaving.md"
NEVER = 3600.0
"""Seconds between pushes: longer than a test."""
NOTHING = Counted(7, (), 7)


@pytest.mark.parametrize(
    ("scraped", "grown"),
    [((), 0), ((7,), 0), ((0, 5, 5, 9), 9), ((0, 20, 5), 25), ((10, 4, 4, 6, 0, 3), 9), ((3, 3), 0)],
)
def test_growth_takes_a_fall_for_a_restart(scraped: tuple[float, ...], grown: float) -> None:
    assert growth(scraped) == grown


def test_one_worker_that_lives_on_is_scraped_whole(tmp_path: Path) -> None:
    assert cases.one_worker(tmp_path / "shop", 5) == Counted(5, (0, 5), 5)


def test_each_of_several_workers_tells_a_part(tmp_path: Path) -> None:
    found = cases.several_workers(tmp_path / "shop", 10, workers=2)
    assert len(found.scraped) == 2
    assert all(0 < part < found.served for part in found.scraped)
    assert sum(found.scraped) == found.served == found.written >= 10


def test_files_that_workers_share_make_it_whole(tmp_path: Path) -> None:
    found = cases.several_workers_with_files(tmp_path / "shop", 10, workers=2)
    assert set(found.scraped) == {found.served}
    assert found.written == found.served >= 10


def test_files_and_gauges_stay_behind(tmp_path: Path) -> None:
    first, last = cases.shared(tmp_path / "shop", [1, 4])
    assert (first.processes, last.processes) == (1, 4)
    assert last.files - first.files >= 2 * 3  # of counters, of histograms and of gauges
    assert last.series - first.series == 3
    assert (first.ours, last.ours) == (1, 1)


@pytest.mark.parametrize(
    ("play", "expected"),
    [
        (lambda at: cases.recycled(at, 3, 7, 10), Counted(14, (0, 7, 6), 14)),  # of which two scrapes are requests, too
        (lambda at: cases.deployed(at, 6, 5, 3), Counted(14, (0, 6, 3), 14)),
        (lambda at: cases.scaled_down(at, 5), Counted(5, (), 5)),
        (lambda at: cases.frozen(at, 2, 3, NEVER), Counted(6, (), 6)),
        (lambda at: cases.commanded(at, 5), Counted(5, (0,), 5)),
    ],
    ids=["recycled", "deployed", "scaled_down", "frozen", "commanded"],
)
def test_what_ends_before_it_is_asked_is_lost(
    play: Callable[[Path], Counted], expected: Counted, tmp_path: Path
) -> None:
    assert play(tmp_path / "shop") == expected
    assert growth(expected.scraped) < expected.served == expected.written


def tables(text: str) -> list[list[list[str]]]:
    """Cells of the lines of each table."""
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    ]


def test_the_page_shows_what_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Shared(4, 15, 3 * 2**19, 0.0123, 5, 1)
    monkeypatch.setattr(page, "CASES", {"a deploy": lambda _: Counted(40, (0, 20, 5), 39), "ended": lambda _: NOTHING})
    monkeypatch.setattr(page, "AT_ONCE", {"two": lambda _: Counted(30, (20, 10), 30)})
    monkeypatch.setattr(cases, "shared", lambda *_, **_more: [kept])
    said: list[str] = []
    first, second = tables(page.page(said.append, [4]))
    assert first[2:] == [
        ["a deploy", "40", "0, 20, 5", "25", "39"],
        ["ended", "7", "nothing", "0", "7"],
        ["two", "30", "10, 20", "", "30"],
    ]
    assert second[2:] == [["4", "15", "1.5", "12 ms", "5", "1"]]
    assert said[:3] == ["a deploy", "ended", "two"]


def test_the_guide_has_these_tables() -> None:
    shown, shared = tables(GUIDE.read_text("utf-8"))[:2]
    assert shown[0] == list(HEAD)
    assert [row[0] for row in shown[2:]] == [*CASES, *AT_ONCE]
    assert all(orders == logemit for _, orders, _, _, logemit in shown[2:])
    assert shared[0] == list(SHARED_HEAD)
    assert [row[0] for row in shared[2:]] == [str(each) for each in PROCESSES]
