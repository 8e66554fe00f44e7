"""Exemplars over runs: kept while their sample is shown and nothing newer comes; and what becomes of a damaged file."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aggregator import attached
from aggregator.errors import ConfigError
from aggregator.exemplars import Exemplars
from aggregator.rebuild import rebuild
from aggregator.repair import repair
from aggregator.store import Store
from tests.batch.exemplars import BY_VIEW, OF_ALL, OWN, PATH, Folder, encoded, log_of, request
from tests.batch.runs import families


def test_they_are_kept_while_nothing_newer_comes(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(request(2, "b", "12:00:01.000000"), request(9, "c"))
    before = (folder.out / PATH).read_bytes()
    folder.run(request(2, "older", "12:00:00.999999"), request(0.2, "quick", "12:30:00.000000"))
    assert (folder.out / PATH).read_bytes() == before
    folder.run(request(2, "newer", "12:00:01.000001"))
    assert folder.ids() == {("v", "2.5"): "newer", ("v", "10.0"): "c"}


def test_of_equally_new_ones_the_greatest_id_is_kept(tmp_path: Path) -> None:
    for number, ids in enumerate((["b", "a", "é"], ["é", "b", "a"], ["a", "é", "b"])):
        (tmp_path / str(number)).mkdir()
        folder = Folder(tmp_path / str(number))
        for id_ in ids:
            folder.run(request(2, id_))
        assert set(folder.ids().values()) == {"é"}


def test_a_capped_series_is_told_under_other(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "max_label_values = 1")
    folder.run(request(2, "v1"), request(2, "v2"), request(2, "w", view="w"), request(0.1, "quick", view="x"))
    assert folder.ids() == {("v", "2.5"): "v2", ("__other__", "2.5"): "w"}
    folder.run(request(2, "x", "12:00:01.000000", view="x"))
    assert folder.ids() == {("v", "2.5"): "v2", ("__other__", "2.5"): "x"}


def test_where_series_are_capped_all_labels_but_the_service_are_other(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "[caps.django_http_requests_latency_seconds_by_view_method]\nmax_series = 1")
    folder.run(request(2, "v1"), request(2, "v2"), request(2, "w", view="w", method="PUT"))
    assert folder.ids(BY_VIEW, "view", "method", "service") == {
        ("v", "GET", "web"): "v2",
        ("__other__", "__other__", "web"): "w",
    }


def test_a_combination_without_room_is_told_under_other(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "max_combinations = 1")
    folder.run(request(2, "v1"), request(2, "v2"), request(2, "w", view="w"))
    assert folder.ids() == {("v", "2.5"): "v2", ("__other__", "2.5"): "w"}


def test_one_whose_metric_is_gone_goes(tmp_path: Path) -> None:
    folder = Folder(tmp_path, OWN)
    folder.run({**request(2), "event": "alert_created", "product": "a", "severity": "high", "delay": 1.5}, request(2))
    assert folder.ids("alert_delay_seconds_bucket", "of") == {"A": "r"}
    folder.configure("")
    folder.run()
    assert {name for name, _ in folder.kept} == {BY_VIEW, OF_ALL}


def test_metrics_stay_as_they_are(tmp_path: Path) -> None:
    lines = log_of(random.Random(8), 200)
    told: list[str] = []
    for text in ("", "exemplars_from = false"):
        (tmp_path / f"{len(told)}").mkdir()
        folder = Folder(tmp_path / f"{len(told)}", text)
        folder.run(*lines)
        told.append(families(folder.out))
    assert told[0] == told[1]


def test_the_bound_holds_over_runs(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "max_label_values = 5000")
    early = [request(2, "early", "11:00:00.000000", view=f"e{n}") for n in range(900)]
    late = [request(2, "late", "12:00:00.000000", view=f"l{n}") for n in range(900)]
    folder.run(*late)
    folder.run(*early)
    assert Counter(folder.ids().values()) == {"late": 900, "early": attached.MOST - 901}


# The setting.


def test_off_keeps_none_and_forgets_those_of_before(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "exemplars_from = false")
    folder.run(request(2))
    assert not (folder.out / PATH).exists()
    folder.configure("exemplars_from = 0.25")
    folder.run(request(0.25, "slow"), request(0.249999, "quick", "12:00:01.000000"))
    assert folder.ids() == {("v", "0.25"): "slow"}
    folder.configure("exemplars_from = false")
    folder.run(request(3))
    assert folder.texts == {}


@pytest.mark.parametrize("given", ["true", "-1", '"1s"', "nan", "inf", "1000001", "[1]"])
def test_a_threshold_that_is_none_is_told_with_its_line(given: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path, f'window = "1h"\nexemplars_from = {given}')
    with pytest.raises(
        ConfigError, match=r"logemit\.toml:2: exemplars_from is .*, expected seconds from 0 to 1,000,000"
    ):
        _ = folder.config


# Damage.


def damaged(path: Path) -> None:
    path.write_bytes(b'{"a":')


@pytest.mark.parametrize("harm", [damaged, Path.unlink], ids=["changed", "gone"])
def test_a_damaged_file_stops_no_run(harm: Callable[[Path], Any], tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(request(2, "old"))
    harm(folder.out / PATH)
    report = folder.run(request(3, "new"))
    assert report.warnings == ["_logemit/exemplars.json: is not what was committed; exemplars begin anew"]
    assert folder.ids() == {("v", "5.0"): "new"}
    assert (folder.run().warnings, repair(folder.out, folder.config).findings) == ([], [])


@pytest.mark.parametrize("harm", [damaged, Path.unlink], ids=["changed", "gone"])
def test_repair_tells_a_damaged_file_and_forgets_it(harm: Callable[[Path], Any], tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(request(2, "old"))
    harm(folder.out / PATH)
    found = repair(folder.out, folder.config, dry_run=True)
    assert [(each.path, each.kind, each.outcome) for each in found.findings] == [(PATH, "exemplars", "mendable")]
    assert found.left == 0
    assert [each.outcome for each in repair(folder.out, folder.config).findings] == ["mended"]
    assert not (folder.out / PATH).exists()
    assert repair(folder.out, folder.config).findings == []
    assert folder.run(request(3, "new")).warnings == []
    assert folder.ids() == {("v", "5.0"): "new"}


def test_a_file_that_no_run_has_written_is_told_and_replaced(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(request(0.5))
    damaged(folder.out / PATH)
    assert [each.kind for each in repair(folder.out, folder.config, dry_run=True).findings] == ["exemplars"]
    assert len(folder.run().warnings) == 1
    assert (folder.texts, folder.run().warnings) == ({}, [])


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', '{"a": {}}', '{"a": {"request_id": "x", "value": "y"}}', "{"])
def test_a_file_that_says_something_else_is_passed_by(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.run(request(2, "old"))
    monkeypatch.setattr(Store, "read", lambda self, name: text.encode())
    found = attached.Attached(Store(folder.out), Exemplars(()), None, service_label=True)  # type: ignore[arg-type]
    assert (len(found.warnings), found.encoded()) == (1, b"{}\n")


def test_a_rebuild_has_those_of_its_logs(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(request(2, "old"), request(3, "both"))
    folder.log.write_bytes(encoded(request(3, "both")))
    rebuild([str(folder.log)], folder.out, folder.config)
    assert folder.ids() == {("v", "5.0"): "both"}
    folder.log.write_bytes(encoded(request(0.3)))
    rebuild([str(folder.log)], folder.out, folder.config)
    assert not (folder.out / PATH).exists()
    assert (folder.run().warnings, repair(folder.out, folder.config).findings) == ([], [])
