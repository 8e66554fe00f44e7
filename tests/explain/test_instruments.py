"""The lines behind families that no [[metric]] declares: those of instruments, of every kind."""

import json
import math
from collections import defaultdict
from pathlib import Path
from random import Random

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aggregator.explain.lines import Explanation, Line, explain
from tests.batch.runs import CONFIG, take_in
from tests.instrument_lines import Instruments

from .samples import Golden

TEXTS = ("a", "b", 'a "quoted" \\ one', "two\nlines", "\x1b[31mred", "__other__", "")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = Random(9)
    source = Instruments(random, TEXTS)
    path = tmp_path_factory.mktemp("instruments") / "app.log"
    with path.open("w") as file:
        for number in range(300):
            name, make = random.choice([("instrument", source.declaration)] + 6 * [("measurement", source.measurement)])
            at = f"2026-11-20T12:{number // 60:02}:{number % 60:02}.{number:06}Z"
            proc = random.choice("pq")
            event = {"logemit": 1, "event": name, "timestamp": at, "service": random.choice("st"), "proc": proc}
            file.write(json.dumps({**event, "seq": number, **make()}) + "\n")
    return path


@pytest.fixture(scope="module")
def samples(log: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Golden]]:
    """Of metrics.prom, by family."""
    out = tmp_path_factory.mktemp("instruments-out") / "out"
    take_in(log, out)
    found: dict[str, list[Golden]] = defaultdict(list)
    families = list(text_string_to_metric_families((out / "metrics.prom").read_text()))
    own = {metric.name.removesuffix("_total") for metric in CONFIG.catalogue.metrics}
    for family in families:
        if family.name not in own and not family.name.startswith("logemit_"):
            for name, labels, value, *_ in family.samples:
                found[family.name].append(Golden(log, name, labels, value, family.type))
    return found


def explained(of: Golden) -> tuple[Explanation, list[Line]]:
    lines: list[Line] = []
    return explain(of.asked, None, [str(of.log)], CONFIG, lines.append), lines


def test_samples_of_every_instrument_are_what_their_lines_make(samples: dict[str, list[Golden]]) -> None:
    assert len(samples) > 20
    assert {of.type for told in samples.values() for of in told} == {"counter", "gauge", "histogram", "summary"}
    random = Random(1)
    for told in samples.values():
        for of in random.sample(told, 1):
            found, lines = explained(of)
            assert found.value == of.value, of
            assert found.events == len(lines)
            if of.value and not lines:
                pytest.fail(f"no lines make {of}")
            if lines and not lines[0].sets:
                assert math.isclose(math.fsum(line.adds for line in lines), of.value, rel_tol=1e-6, abs_tol=1e-6), of
            whole = of.log.read_bytes()
            assert all(whole[line.offset :].startswith(line.record) for line in lines)


def test_a_gauge_is_the_line_that_told_it_last(samples: dict[str, list[Golden]]) -> None:
    (of,) = {each.labels["service"]: each for each in samples["heat"] if each.labels["service"] == "s"}.values()
    found, (line,) = explained(of)
    events = [json.loads(each) for each in of.log.read_text().splitlines()]
    told = [each for each in events if each.get("name") == "heat" and each["service"] == "s" and "value" in each]
    told = [each for each in told if abs(each["value"]) < 1e300 or each["value"] == 1e300]
    last = max(told, key=lambda each: each["timestamp"])
    assert json.loads(line.record)["seq"] == last["seq"]
    assert line.sets
    assert found.value == line.adds == pytest.approx(last["value"])
