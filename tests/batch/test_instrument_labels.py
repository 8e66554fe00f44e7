"""Labels of instruments, hostile and odd: no series twice, none lost, and no small log makes a huge file."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.batch.measured import check, counted, declared, line, own
from tests.batch.test_caps import OTHER, Folder, of


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize(
    "labels",
    [[1], "text", 5, {f"n{n}": "v" for n in range(1000)}, {"": "v"}, {"__name__": "v"}, {"a": {"b": 1}}],
    ids=lambda labels: repr(labels)[:20],
)
def test_labels_that_are_none_are_told_and_their_line_is_not_counted(folder: Folder, labels: Any) -> None:
    found = folder.run([counted("x", labels=labels), counted("x", 2, labels={"a": "b"})], "")
    assert of(found, "x_total", "a") == {"b": 2}
    assert (folder.report.events, folder.report.rejected) == (1, 1)


def test_long_labels_are_cut_and_stay_what_they_are(folder: Folder) -> None:
    labels = {"a": "é" * 2000, "b": 'quote " and \\', "c": "x" * 600, "d": "short"}
    found = folder.run([counted("x", labels=labels)], "")
    ((_, pairs),) = [sample for sample in found if sample[0] == "x_total"]
    (text,) = pd.read_parquet(folder.out / "measurements")["labels"]
    assert len(text.encode()) <= 1024
    kept = json.loads(text)
    assert list(kept) == list("abcd")
    assert (kept["b"], kept["d"]) == (labels["b"], labels["d"])
    for name in "ac":
        assert kept[name].endswith("…")
        assert labels[name].startswith(kept[name][:-1])
    assert dict(pairs) == {**kept, "service": "s"}
    check(folder)


def test_a_bomb_of_label_sets_keeps_its_total(folder: Folder) -> None:
    limits = "max_combinations = 300\nmax_cells = 1000\nmax_label_values = 20\nmax_series = 30"
    before = of(folder.run([counted("x", 2, labels={"a": f"first {n}"}) for n in range(5)], limits), "x_total", "a")
    lines = [counted("x", 0.1, labels={"a": f"value {n}"}) for n in range(20_000)]
    lines += [line(name="y", kind="histogram", value=1, count=1, bins="1:1", labels={"a": str(n)}) for n in range(2000)]
    found = folder.run(lines, limits)
    shown = of(found, "x_total", "a")
    assert len(shown) <= 21
    assert before.items() <= shown.items()
    assert sum(shown.values()) == pytest.approx(2010, abs=1e-9)
    assert sum(of(found, "y_count", "a").values()) == sum(of(found, "y_sum", "a").values()) == 2000
    assert sum(value for le, value in of(found, "y_bucket", "le", "a").items() if le[0] == "+Inf") == 2000
    again = of(folder.run([counted("x", 1, labels={"a": "value 7"})], limits), "x_total", "a")
    assert all(again[label] >= value for label, value in shown.items())
    assert sum(again.values()) == pytest.approx(2011, abs=1e-9)
    check(folder)


def test_a_bomb_of_label_names_keeps_its_total_and_those_that_were_declared(folder: Folder) -> None:
    """Every series has all labels of its family: a small log would make a file of gigabytes."""
    usual = [counted("x", 5, labels={"z_room": room}) for room in "ab"]
    bomb = [counted("x", labels={f"n{n}_{m}": "v" for m in range(50)}) for n in range(100)]
    found = folder.run([declared("x", "counter", label_names="z_room,z_floor"), *bomb, *usual], "")
    names = {name for sample, labels in found if sample == "x_total" for name, _ in labels}
    assert len(names) == 51
    rooms = of(found, "x_total", "z_room")
    assert (rooms["a"], rooms["b"]) == (5, 5)
    assert sum(value for (name, _), value in found.items() if name == "x_total") == 110
    (warning,) = folder.report.warnings
    assert warning == "x: has 5,001 labels; 50 of them are shown"
    more = [counted("x", labels={f"a{n}_{m}": "v" for m in range(50)}) for n in range(9)]
    later = folder.run(more, "")
    assert {name for sample, labels in later if sample == "x_total" for name, _ in labels} == names
    check(folder)


def test_a_label_that_is_added_takes_no_place_away(folder: Folder) -> None:
    """A counter over its cap would fall: the values that were shown stay, whoever has more events by then."""
    limits = "max_label_values = 2\nmax_series = 4"
    first = [counted("x", labels={"a": value}) for value in "aabbc"]
    assert of(folder.run(first, limits), "x_total", "a") == {"a": 2, "b": 2, OTHER: 1}
    folder.run([counted("x", labels={"a": "c"}) for _ in range(9)], limits)
    found = folder.run([counted("x", labels={"a": "a", "b": "new"}), counted("x", labels={"a": "b"})], limits)
    assert of(found, "x_total", "a", "b") == {("a", ""): 2, ("a", "new"): 1, ("b", ""): 3, (OTHER, ""): 10}


def test_labels_that_a_family_has_of_its_own_give_way(folder: Folder) -> None:
    """Without that, two series would be one, or a line be no sample: Prometheus would refuse the whole file."""
    histogram: dict[str, Any] = {"name": "xh", "kind": "histogram", "value": 0.5, "count": 1, "bins": "0.5:1"}
    lines = [
        *(line(**histogram, labels={"le": le}) for le in ("8", "9")),
        *(line(name="xs", kind="summary", value=1, labels={"quantile": each}) for each in ("low", "high")),
        *(line(name="xe", kind="enum", value=1, state="on", labels={"xe": room}) for room in ("a", "b")),
        *(counted("xc", labels={"service": "a", "exported_service": each}) for each in ("b", "c")),
    ]
    found = folder.run(lines, "")
    assert of(found, "xh_count", "service", "exported_le") == {("s", "8"): 1, ("s", "9"): 1}
    assert of(found, "xh_bucket", "exported_le", "le")["8", "+Inf"] == 1
    assert of(found, "xs_count", "exported_quantile") == {"low": 1, "high": 1}
    assert of(found, "xe", "xe", "exported_xe") == {("on", "a"): 1, ("on", "b"): 1}
    assert of(found, "xc_total", "exported_exported_service", "exported_service") == {("a", "b"): 1, ("a", "c"): 1}
    check(folder)


def test_the_pairs_of_an_info_are_labels_beside_its_own(folder: Folder) -> None:
    pairs = {"version": "1", "service": "mine", "part": "other", "a b": "spelled", "\n": "", "__name__": "up"}
    lines = [
        line(name="x", kind="info", value=1, service=service, labels={"part": "web"}, state=json.dumps(pairs))
        for service in "ab"
    ]
    found = folder.run(lines, "")
    wanted = {"part": "web", "version": "1", "exported_service": "mine", "exported_part": "other"}
    wanted |= {"a_b": "spelled", "_": ""}
    assert {sample for sample in found if sample[0] == "x_info"} == {
        ("x_info", frozenset({**wanted, "service": service}.items())) for service in "ab"
    }
    check(folder)


@pytest.mark.parametrize("state", ["", "no JSON", "[1]", "5", '"text"', '{"a":', '{"a": {"b": [1]}}', '{"a": null}'])
def test_an_info_whose_pairs_are_none_is_sound(folder: Folder, state: str) -> None:
    found = folder.run([line(name="x", kind="info", value=1, state=state)], "")
    assert of(found, "x_info", "service") == {"s": 1}
    check(folder)


def test_an_enum_whose_name_cannot_be_a_label_is_in_the_files_only(folder: Folder) -> None:
    found = folder.run([line(name="x:door", kind="enum", value=1, state="open")], "")
    assert own(found) == set()
    assert len(folder.report.warnings) == 1
    assert list(pd.read_parquet(folder.out / "gauges")["state"]) == ["open"]


def test_a_service_without_labels_shows_0_whatever_labels_others_have(folder: Folder) -> None:
    """And goes on: a series does not vanish with what another service does."""
    lines = [declared("x", "counter", service="a"), declared("x", "counter", service="b", label_names="room")]
    assert of(folder.run(lines, ""), "x_total", "service") == {"a": 0}
    found = folder.run([counted("x", service="b", labels={"room": "1"})], "")
    assert of(found, "x_total", "service", "room") == {("a", ""): 0, ("b", "1"): 1}


def test_series_at_0_have_their_place_below_the_cap(folder: Folder) -> None:
    lines = [declared("x", "counter", service=f"{n:02}") for n in range(50)]
    found = folder.run([*lines, counted("x", service="30")], "max_series = 3")
    assert of(found, "x_total", "service") == {"30": 1, "00": 0, "01": 0, OTHER: 0}
    found = folder.run([counted("x", 5, service="40"), counted("x", 7, service="01")], "max_series = 3")
    assert of(found, "x_total", "service") == {"30": 1, "00": 0, "01": 7, OTHER: 5}


def test_a_process_is_one_however_it_tells_that_there_are_no_labels(folder: Folder) -> None:
    told: list[tuple[int, dict[str, Any]]] = [(5, {}), (7, {"labels": {}}), (9, {"labels": {"room": ""}})]
    lines = [
        line(name="x", kind="gauge", mode="livesum", value=value, step=1, second=value, **labels)
        for value, labels in told
    ]
    assert of(folder.run(lines, ""), "x", "service") == {"s": 9}
