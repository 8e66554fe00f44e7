"""A report in Chromium: what is drawn, what it answers to, and that it runs and loads nothing but its own."""

from typing import Any

import pytest

from .chromium import Browser
from .read_page import Page

QUANTILES = ("p50", "p95", "p99")


@pytest.fixture
def shown(browser: Browser, page: str) -> Browser:
    browser.show(page)
    return browser


def marks(shown: Browser, chart: str, kind: str) -> list[Any]:
    return shown.all(f"#chart-{chart} .mark-{kind}.role-mark path")


def test_all_charts_are_drawn(shown: Browser, page: str) -> None:
    charts = Page(page).charts
    assert set(charts) == {"requests", "errors", "latency", "heat-map", "view-time", "query-time"}
    for name, chart in charts.items():
        (drawing,) = shown.all(f"#chart-{name}[data-state='drawn'] svg")
        (place,) = shown.all(f"#chart-{name}")
        assert place.aria_role == "graphics-document"
        assert place.accessible_name == chart["description"]
        assert drawing.size["width"] > 800
    assert shown.console() == []
    for name in ("requests", "errors", "heat-map"):
        assert len(marks(shown, name, "rect")) == len(charts[name]["data"]["values"])
    assert len(marks(shown, "view-time", "rect")) == 10
    assert len(shown.all("#chart-latency .mark-line path")) == 3
    labels = shown.texts("#chart-view-time .mark-text.role-mark text")
    assert labels[:10] == [row["label"] for row in charts["view-time"]["data"]["values"]]


def test_nothing_is_loaded(shown: Browser) -> None:
    assert shown.run("return performance.getEntriesByType('resource').map(entry => entry.name)") == []
    assert shown.all("link, img, iframe, object, embed, script[src]") == []


def test_a_bar_tells_its_numbers(shown: Browser, page: str) -> None:
    rows = Page(page).charts["requests"]["data"]["values"]
    most = max(range(len(rows)), key=lambda at: rows[at]["requests"])
    shown.point_at(marks(shown, "requests", "rect")[most])
    shown.wait(lambda: shown.all("#vg-tooltip-element.visible"))
    told = " ".join(shown.texts("#vg-tooltip-element td"))
    assert told.startswith("when 2026-11-21 08:2")
    assert told.endswith(f"outcome ok requests {rows[most]['requests']}")


def test_a_bucket_tells_its_percentiles(shown: Browser, page: str) -> None:
    row = Page(page).charts["latency"]["data"]["values"][0]
    shown.point_at(marks(shown, "latency", "rect")[0])
    shown.wait(lambda: "p99" in " ".join(shown.texts("#vg-tooltip-element.visible td")))
    told = " ".join(shown.texts("#vg-tooltip-element td"))
    assert told.endswith(
        f"requests {row['requests']} p50 {row['p50_told']} p95 {row['p95_told']} p99 {row['p99_told']}"
    )


def test_the_legend_picks(shown: Browser, page: str) -> None:
    rows = Page(page).charts["requests"]["data"]["values"]

    def opacities() -> set[tuple[str, str | None]]:
        drawn = marks(shown, "requests", "rect")
        return {(row["outcome"], mark.get_attribute("opacity")) for row, mark in zip(rows, drawn, strict=True)}

    before = opacities()
    (error,) = [each for each in shown.all("#chart-requests .role-legend-label text") if each.text == "error"]
    shown.click(error)
    shown.wait(lambda: opacities() != before)
    assert opacities() == {("ok", "0.12"), ("error", "1")}


def test_tables_are_sorted_by_what_is_clicked(shown: Browser) -> None:
    (table,) = [table for table in shown.all("table.sortable") if "Requests by view" in table.text]

    def column(at: int) -> list[str]:
        script = "return [...arguments[0].tBodies[0].rows].map(row => row.cells[arguments[1]].textContent)"
        found: list[str] = shown.run(script, table, at)
        return found

    heads = table.find_elements("css selector", "thead th")
    titles = [head.text for head in heads]
    views = column(0)
    for _ in range(2):
        shown.click(heads[titles.index("requests")].find_element("css selector", "button"))
        numbers = [int(text.replace(",", "")) for text in column(titles.index("requests"))]
        assert len(set(numbers)) > 10
        way = heads[titles.index("requests")].get_attribute("aria-sort")
        assert numbers == sorted(numbers, reverse=way == "descending")
    assert way == "ascending"
    shown.click(heads[0].find_element("css selector", "button"))
    assert column(0) == shown.run("return arguments[0].sort(new Intl.Collator().compare)", views) != views
    assert [head.get_attribute("aria-sort") for head in heads] == ["ascending", *[None] * (len(heads) - 1)]


def test_each_chart_has_a_table(shown: Browser, page: str) -> None:
    charts = Page(page).charts
    for name in ("requests", "errors", "latency", "heat-map"):
        (figure,) = shown.all(f"figure[aria-labelledby='{name}-title']")
        assert figure.find_element("css selector", "h3").text
        figure.find_element("css selector", "summary").click()
        assert figure.find_element("css selector", "tbody td").is_displayed()
    starts = {row["t"] for row in charts["requests"]["data"]["values"]}
    rows = shown.all("figure[aria-labelledby='latency-title'] tbody tr")
    assert len(rows) == len(starts)


def test_dark_mode_and_paper(browser: Browser, page: str) -> None:
    colour = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    bar = "#chart-view-time .mark-rect.role-mark path"
    browser.show(page, colours="light")
    light = browser.run(colour, "body", "backgroundColor"), browser.run(colour, bar, "fill")
    browser.show(page, colours="dark")
    dark = browser.run(colour, "body", "backgroundColor"), browser.run(colour, bar, "fill")
    assert light == ("rgb(255, 255, 255)", "rgb(37, 99, 201)")
    assert dark == ("rgb(20, 24, 29)", "rgb(110, 168, 254)")
    browser.print()
    assert (browser.run(colour, "body", "backgroundColor"), browser.run(colour, bar, "fill")) == light
    assert not any(element.is_displayed() for element in browser.all("nav, details"))


def test_a_phone(browser: Browser, page: str) -> None:
    browser.show(page, width=360)
    assert browser.run("return document.documentElement.scrollWidth") == 360
    widths = [drawing.size["width"] for drawing in browser.all(".chart svg")]
    assert len(widths) == 6
    assert all(250 < width <= 360 for width in widths)
    assert browser.console() == []


def test_the_policy_lets_nothing_else_run_or_load(browser: Browser, page: str) -> None:
    browser.show(page)
    browser.run(
        """\
        window.refused = [];
        document.addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
        const image = '<img src="x.png" onerror="window.pwned = 1">', styled = '<p style="top: 0">';
        document.body.insertAdjacentHTML("beforeend", image + styled);
        const script = document.createElement("script");
        script.textContent = "window.pwned = 1";
        document.body.append(script);
        fetch("data:,").catch(() => 0);
        const compile = () => new Function("window.pwned = 1")();
        setTimeout(() => { try { compile() } catch { refused.push("eval") } });  // a driver's own code may compile
        """
    )
    wanted = {"img-src", "script-src-elem", "script-src-attr", "style-src-attr", "connect-src", "eval"}
    browser.wait(lambda: wanted <= set(browser.run("return refused")))
    assert browser.run("return window.pwned") is None
    browser.console()
