"""Label values of any characters and any length, from the line to every place where they are shown."""

import io
import json
import subprocess
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator import read
from aggregator.fields import MAX_TEXT, shortened
from aggregator.status import status
from cli import output, status_output
from tests.batch.test_caps import Folder, of
from tests.conftest import tool
from tests.scale import scaled

CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, 0x85, 0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xD800, 0xDFFF)]
PIECES = st.sampled_from(
    [*CONTROLS, "\x1b[31m", "\r\n", '"', "\\", "\\n", '"} 1\nfake_total 5', "# EOF", "{", "é", "𝄞"]
)
values = st.lists(PIECES | st.characters(exclude_categories=()), max_size=6).map("".join)


def line(view: str, *, escaped: bool = True, event: str = "http_request") -> bytes:
    fields = {"logemit": 1, "event": event, "timestamp": "2026-11-20T12:00:00Z", "service": "s"}
    fields |= {"outcome": "ok", "method": "GET", "view": view, "status": 200, "duration_seconds": 0.25}
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=escaped)
    return text.encode("utf-8", "surrogatepass" if escaped else "replace") + b"\n"


def as_text(value: str) -> str:
    """What stands for a value in UTF-8, which has no lone surrogates."""
    return value.encode("utf-8", "replace").decode()


def taken_in(folder: Folder, *lines: bytes) -> dict[Any, float]:
    with folder.log.open("ab") as log:
        log.writelines(lines)
    return folder.run([], "")


@settings(deadline=None, max_examples=scaled(8, 25, 25))
@given(st.lists(values, min_size=1, max_size=30), st.booleans())
@example(CONTROLS, True)
@example(CONTROLS, False)
def test_any_value_is_the_same_in_metrics_and_parquet(
    tmp_path_factory: pytest.TempPathFactory, given_values: list[str], escaped: bool
) -> None:
    folder = Folder(tmp_path_factory.mktemp("values"))
    found = taken_in(folder, *(line(value, escaped=escaped) for value in given_values))
    expected = {as_text(value) for value in given_values}
    by_view = of(found, "django_http_requests_total_by_view_transport_method_total", "view")
    assert set(by_view) == expected
    assert sum(by_view.values()) == len(given_values)
    assert not any(name.startswith("fake") for name, _ in found)
    assert set(read(folder.out, "http_requests", by=["view"]).reset_index()["view"]) == expected
    promtool = tool("promtool", "prometheus")
    text = (folder.out / "metrics.prom").read_bytes()
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stderr + done.stdout) == (0, b"")


@settings(deadline=None, max_examples=scaled(8, 25, 25))
@given(values.filter(bool))
@example("".join(CONTROLS))
def test_any_name_is_inert_in_tables(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Of an event, in the report; of a metric and a label, in the status. Markup is no markup either."""
    folder = Folder(tmp_path_factory.mktemp("names"))
    taken_in(folder, line("x", event=f"{name}[bold]"))
    shown = status(folder.out)
    shown.capped, shown.folded = {name: {name: 1, "": 2}}, {name: 3}
    printed = io.StringIO()
    with redirect_stdout(printed):
        output.report(replace(folder.report, warnings=[], rejections=[]), as_json=False)
        status_output.status(shown, sources=True, as_json=False)
    assert all(character.isprintable() or character == "\n" for character in printed.getvalue())


@pytest.mark.parametrize("size", [MAX_TEXT - 1, MAX_TEXT, MAX_TEXT + 1, 60_000])
@pytest.mark.parametrize("character", ["x", "é", "☃", "𝄞"])
def test_a_text_is_cut_between_two_characters(tmp_path: Path, character: str, size: int) -> None:
    value = character * (size // len(character.encode()))
    folder = Folder(tmp_path)
    found = of(
        taken_in(folder, line(value, escaped=False)),
        "django_http_requests_total_by_view_transport_method_total",
        "view",
    )
    (view,) = found
    is_long = len(value.encode()) > MAX_TEXT
    assert (view == value) == (not is_long)
    assert len(view.encode()) <= MAX_TEXT
    assert value.startswith(view.removesuffix("…"))
    assert folder.report.texts_cut == is_long
    assert of(folder.samples(), "logemit_texts_cut_total")[()] == is_long


def test_names_of_events_and_services_are_cut_too(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    long = {"event": "e" * 50_000, "service": "s" * 9000, "timestamp": "2026-11-20T12:00:00Z"}
    known = {**long, "event": "feed_poll", "feed_id": "1", "status": "success"}
    lines = [json.dumps({"logemit": 1, **each}) + "\n" for each in (long, known)]
    found = folder.run(lines, "")
    assert folder.report.texts_cut == 3
    assert list(folder.report.by_event) == [shortened("e" * 50_000), "feed_poll"]
    assert of(found, "feed_polls_total", "service") == {shortened("s" * 9000): 1}
    assert len((folder.out / "metrics.prom").read_bytes()) < 100_000


@given(st.text(max_size=2000))
def test_a_cut_is_a_fixed_point(value: str) -> None:
    once = shortened(value)
    assert shortened(once) == once
    assert len(once.encode()) <= MAX_TEXT
