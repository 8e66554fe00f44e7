"""Exemplars: of each bucket of each histogram of seconds the newest slow request or task, whichever way lines come."""

import random
import time
from collections import Counter
from math import inf
from pathlib import Path

import pytest

from aggregator import attached, engines, exemplars
from aggregator.compiled import slow
from tests.batch.exemplars import BY_VIEW, OF_ALL, OWN, PATH, SEQ, Folder, catalogue, encoded, log_of, request
from tests.batch.runs import DAY, NOON
from tests.recount_exemplars import recounted
from tests.recount_measures import CATALOGUE
from tests.scale import scaled


@pytest.fixture(autouse=True, params=["plain", "machine"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way of reading lines."""
    monkeypatch.setattr(engines, "PAYS_FROM", 0)
    monkeypatch.setattr(engines, "pays_from", lambda: 0 if request.param == "machine" else inf)


@pytest.mark.parametrize(("seed", "threshold"), [(2, "1"), (3, "0"), (1, "1"), (4, "1.000001")][: scaled(2, 4, 4)])
def test_they_are_those_of_a_plain_recount_in_any_split_and_either_way(
    seed: int, threshold: str, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    lines = log_of(rng, 250)
    folder = Folder(tmp_path, f"exemplars_from = {threshold}\n{OWN}")
    cuts = sorted(rng.sample(range(len(lines)), seed % 3))
    for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        folder.run(*lines[start:end], workers=1 + seed % 2)
    wanted = recounted(lines, catalogue(), threshold)
    assert folder.kept == wanted
    of_families = Counter(name for name, _ in wanted)
    assert of_families.keys() >= {BY_VIEW, OF_ALL, "alert_delay_seconds_bucket", "named_delay_seconds_bucket"}


def test_lines_in_dockers_envelope_are_looked_into(tmp_path: Path) -> None:
    lines = log_of(random.Random(6), 200)
    wrapped = (
        {"log": line.decode(), "stream": "stdout", "time": f"2026-11-20T12:00:00.{number:09}Z"}
        for number, line in enumerate(lines)
    )
    folder = Folder(tmp_path, OWN)
    folder.run(*wrapped)
    assert folder.kept == recounted(lines, catalogue(), "1")


def test_there_is_room_for_more_series_than_are_held_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no room is handed over, and what was gathered is pruned to the newest."""
    monkeypatch.setattr(slow, "MOST", 8)
    monkeypatch.setattr(exemplars, "MOST_GATHERED", 1000)
    times = [f"12:{number // 60:02}:{number % 60:02}.000000" for number in range(3000)]
    random.Random(7).shuffle(times)
    lines = [encoded(request(2, f"r{n}", at, view=f"v{n % 1500}", service="s")) for n, at in enumerate(times)]
    folder = Folder(tmp_path, "max_label_values = 5000")
    folder.run(*lines)
    wanted = recounted(lines, CATALOGUE, "1")
    newest = sorted(wanted.items(), key=lambda each: -each[1]["timestamp"])[: attached.MOST]
    assert len(wanted) == 1501
    assert folder.kept == dict(newest)


def test_a_key_is_the_text_of_the_sample_and_its_entry_what_was_measured(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(request(1.93, "f3", "12:00:00.123456", view='a"b\\c\nd'))
    sample = BY_VIEW + r'{le="2.5",method="GET",service="web",view="a\"b\\c\nd"}'
    assert folder.texts[sample] == {"request_id": "f3", "value": 1.93, "timestamp": 1795176000.123456}
    assert folder.texts[f'{OF_ALL}{{le="2.5",service="web"}}'] == folder.texts[sample]
    assert len(folder.texts) == 2


def test_without_the_service_label_there_is_none_in_the_key(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "service_label = false")
    folder.run(request(2))
    assert f'{OF_ALL}{{le="2.5"}}' in folder.texts
    folder.configure("")
    folder.run(b"\n")
    assert folder.texts == {}  # its sample is not there any more


def test_a_query_tells_its_request_and_a_task_itself(tmp_path: Path) -> None:
    base = request(3, "r1")
    query = {**base, "event": "db_query", "seq": next(SEQ), "alias": "default", "vendor": "sqlite"}
    task = {**base, "event": "task", "seq": next(SEQ), "task_id": "t1", "name": "n", "state": "success"}
    del task["request_id"]
    folder = Folder(tmp_path)
    folder.run(query, task)
    assert folder.ids("django_db_query_duration_seconds_bucket", "alias") == {"default": "r1"}
    (of_task,) = (found for sample, found in folder.texts.items() if sample.startswith("django_task_duration_seconds"))
    assert of_task == {"task_id": "t1", "value": 3.0, "timestamp": 1795176000.0}


def test_what_is_folded_or_has_no_id_is_passed_by(tmp_path: Path) -> None:
    base = request(3)
    fold = {"event": "db_query", "count": 2, "bins": "5:2", "duration_seconds": 9.0, "alias": "default"}
    lines = [{**base, **fold, "seq": next(SEQ)}]
    lines += [request(4, id_) for id_ in ("", "x" * 101, 5, True, None)]
    folder = Folder(tmp_path)
    report = folder.run(*lines)
    assert (report.events, report.rejected) == (6, 0)
    assert not (folder.out / PATH).exists()


def test_a_duplicate_is_none_and_a_late_event_may_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Late events change no partition, but the totals, which the metrics show."""
    monkeypatch.setattr(time, "time_ns", lambda: NOON + DAY)
    folder = Folder(tmp_path, 'late_limit = "2d"')
    first = request(2, "first")
    report = folder.run(first, {**first, "request_id": "z", "view": "other"})
    assert (report.duplicates, folder.ids()) == (1, {("v", "2.5"): "first"})
    report = folder.run({**request(2, "late", view="w"), "timestamp": "2026-11-01T12:00:00.000000Z"}, request(3, "new"))
    assert (report.late, report.events) == (1, 2)
    assert folder.ids() == {("v", "2.5"): "first", ("v", "5.0"): "new", ("w", "2.5"): "late"}


def test_an_event_dated_ahead_is_none_until_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: NOON)
    folder = Folder(tmp_path)
    report = folder.run(request(2, "now"), request(2, "ahead", "12:30:00.000000"))
    assert (report.held, folder.ids()) == (1, {("v", "2.5"): "now"})
    monkeypatch.setattr(time, "time_ns", lambda: NOON + DAY)
    folder.run()
    assert folder.ids() == {("v", "2.5"): "ahead"}


def test_what_was_rejected_is_none(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    report = folder.run(request(2, "wrong", view=["list"]), request(2, "cut", at="nonsense"), request(2, "right"))
    assert (report.rejected, folder.ids()) == (2, {("v", "2.5"): "right"})
