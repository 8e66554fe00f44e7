"""Names in a log that would be something else if a page took them at their word."""

import json
from collections.abc import Iterator
from itertools import count

import pytest

import aggregator
from aggregator import config
from aggregator.htmlreport import gather, render
from aggregator.panels import Asked

from .chromium import Browser
from .conftest import MADE
from .read_page import Page

HOSTILE = (
    "</script><script>window.pwned=1</script>",
    "</title></style><svg onload=window.pwned=1>",
    '"><img src=x onerror=window.pwned=1>',
    "' onmouseover=window.pwned=1 x='",
    "javascript:window.pwned=1",
    "{{7*7}}{% raw %}",
    "<!--<script>",
    "&lt;b&gt;&amp;",
    "a\u2028b\u2029c",
    "\u202eevil\u202c \x1b[31m \x00 \x7f",
    "datum.value); window.pwned=1; (",
    "${window.pwned=1}",
    "[link](javascript:window.pwned=1)",
    "x" * 3000,
)
MANY = 300


def lines() -> Iterator[str]:
    minutes = count()

    def line(event: str, **fields: object) -> str:
        at = f"2026-11-20T10:{next(minutes) // 60 % 60:02}:00Z"
        head = {"logemit": 1, "event": event, "timestamp": at, "service": "shop"}
        return json.dumps({**head, **fields}, separators=(",", ":")) + "\n"

    for at, name in enumerate((*HOSTILE, *(f"view-{number}" for number in range(MANY)))):
        spent = 1000.0 - at
        yield line("http_request", outcome="error", view=name, exception=name, status=500, duration_seconds=spent)
    for name in HOSTILE:
        yield line("http_request", outcome=name, view="index", duration_seconds=0.01)
        yield line("db_query", alias=name, vendor=name, operation=name, count=1, duration_seconds=0.1)
        yield line("cache_operation", alias=name, backend=name, operation="get", hit=True, count=1, keys=1)
        yield line("model_change", model=name, operation="insert", count=1)
        yield line("task", name=name, queue=name, state="failure", duration_seconds=0.2)
        yield line("feed_poll", feed_id=name, status=name, duration_seconds=0.2)
        yield line("bookmark_import", import_id="1", format=name, status=name, duration_seconds=0.2)
        yield line("job", name=name, state="failure", duration_seconds=0.2)
        yield line("health_check", check=name, healthy=False, up=0, message=name)
        yield line("data_quality", dataset=name, checked=2, failed=1)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hostile")
    log = folder / "app.log"
    log.write_text("".join(lines()), "utf-8")
    report = aggregator.aggregate([str(log)], folder / "out", config.load(None))
    assert report.rejected == 0
    return render(gather(Asked(folder / "out"), HOSTILE[0], MADE))


def shown(name: str) -> str:
    """As it must stand there: without what cannot be seen, cut."""
    hidden = {each: f"\\x{ord(each):02x}" for each in "\u2028\u2029\u202e\u202c\x1b\x00\x7f"}
    return "".join(hidden.get(each, each) for each in name[:160]) + "…" * (len(name) > 160)


def test_names_are_text(page: str) -> None:
    read = Page(page)
    assert read.texts("title") == read.texts("h1") == [HOSTILE[0]]
    assert len(read.texts("script")) == 3
    assert not {tag for tag, _, _ in read.elements} & {"svg", "img", "b", "iframe", "a "}
    assert not [name for _, attributes, _ in read.elements for name in attributes if name.startswith("on")]
    assert {attributes["href"][:1] for tag, attributes, _ in read.elements if tag == "a" and attributes["href"]} == {
        "#"
    }
    names = read.texts("bdi")
    for name in HOSTILE:
        assert names.count(shown(name)) >= 8, name


def test_a_page_has_a_bound(page: str) -> None:
    read = Page(page)
    (caption,) = [text for text in read.texts("small") if text.startswith("the first")]
    assert caption == f"the first 25 of {len(HOSTILE) + MANY + 1}"
    assert len(read.charts["view-time"]["data"]["values"]) == 10
    assert {row["outcome"] for row in read.charts["requests"]["data"]["values"]} == {"error", "other"}
    assert len(page) < 1_300_000


def test_names_are_inert(browser: Browser, page: str) -> None:
    browser.show(page)
    assert browser.console() == []
    charts = Page(page).charts
    assert len(browser.all(".chart[data-state='drawn'] svg")) == len(charts)
    labels = browser.texts("#chart-view-time .mark-text.role-mark text")[:10]
    for label, name in zip(labels, HOSTILE, strict=False):
        assert label == shown(name)
    for name, bar in zip(HOSTILE, browser.all("#chart-view-time .mark-rect.role-mark path"), strict=False):
        browser.point_at(bar)
        browser.wait_for_text("#vg-tooltip-element.visible td.value", shown(name))
    browser.run("for (const button of document.querySelectorAll('.sortable button')) button.click()")
    assert browser.all("#vg-tooltip-element img, #vg-tooltip-element script, td img, th img, main script") == []
    assert browser.run("return window.pwned") is None
    assert browser.console() == []
