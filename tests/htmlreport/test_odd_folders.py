"""Folders that hold little, or something else than usual, are drawn without a complaint."""

import json
from pathlib import Path

import pytest

import aggregator
from aggregator import config
from aggregator.htmlreport import gather, render
from aggregator.panels import Asked

from .chromium import Browser
from .conftest import MADE

ODD: dict[str, list[dict[str, object]]] = {
    "requests without a time": [{"event": "http_request", "outcome": "ok", "view": "index"}],
    "one that took no time": [{"event": "http_request", "outcome": "ok", "view": "index", "duration_seconds": 0}],
    "from a microsecond to days": [
        {"event": "http_request", "outcome": "ok", "view": "index", "duration_seconds": seconds}
        for seconds in (0, 1e-6, 1, 1e6)
    ],
    "no requests": [{"event": "task", "name": "tick", "state": "success", "duration_seconds": 1}],
    "neither view nor name": [{"event": "http_request"}, {"event": "task"}, {"event": "db_query"}],
}


@pytest.mark.parametrize("name", ODD)
def test_a_folder_is_drawn(browser: Browser, tmp_path: Path, name: str) -> None:
    head = {"logemit": 1, "event": "", "timestamp": "2026-11-20T10:00:00Z", "service": "shop"}
    events = [json.dumps({**head, **event}, separators=(",", ":")) for event in ODD[name]]
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_text("".join(f"{event}\n" for event in events))
    assert aggregator.aggregate([str(log)], out, config.load(None)).rejected == 0
    made = gather(Asked(out), name, MADE)
    browser.show(render(made))
    assert browser.console() == []
    assert len(browser.all(".chart[data-state='drawn'] svg")) == len(made.charts)
    text = browser.run("return document.body.innerText")
    assert "nan" not in text.lower().split()
    assert "None" not in text
