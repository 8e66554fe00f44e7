"""The map: what comes in the place of each metric, beside what is really shown there and here."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

import logemit as app
from aggregator.config import load
from cli.leaving import families
from cli.leaving.audit import Audit
from cli.leaving.definition import on_grid
from cli.leaving.metrics import Instrument
from cli.leaving.successors import Successor, successors
from cli.leaving.traces import Kind, Stage, Trace
from logemit import grid
from tests.command.calls import logemit
from tests.conftest import ROOT

TIMES = {
    "django_http_requests_latency_including_middlewares_seconds",
    "django_http_requests_latency_seconds_by_view_method",
    "django_db_query_duration_seconds",
}
DJANGOS = """
from django.conf import settings
settings.configure(PROMETHEUS_METRIC_NAMESPACE="shop")
import django_prometheus.middleware, django_prometheus.migrations, django_prometheus.models
import django_prometheus.cache.metrics, django_prometheus.db.metrics, prometheus_client, json
django_prometheus.middleware.Metrics.get_instance()
found = {
    each._name: [each._type, each._labelnames, getattr(each, "_upper_bounds", [])]
    for each in prometheus_client.REGISTRY._collector_to_names if hasattr(each, "_labelnames")
}
print(json.dumps(found))
"""


def audit(*kinds: Kind, instruments: Iterable[Instrument] = (), **settings: str) -> Audit:
    traces = [Trace("shop/settings.py", 1, kind, Stage.SETTINGS, "", "") for kind in kinds]
    traces += [
        Trace("shop/settings.py", line, Kind.SETTING, Stage.SETTINGS, f"{name} = {value}", "", name)
        for line, (name, value) in enumerate(settings.items(), 2)
    ]
    return Audit(traces, tuple(instruments))


def by_name(found: Iterable[Successor]) -> dict[str, Successor]:
    return {each.old: each for each in found}


# What others show


def test_all_families_of_django_prometheus_are_in_the_map(django_prometheus: None) -> None:
    """Under the names that its registry holds."""
    done = subprocess.run([sys.executable, "-c", DJANGOS], check=True, capture_output=True, text=True)
    theirs = {
        f"{name}_total" if kind == "counter" else name: (kind, tuple(labels), bounds[:-1])
        for name, (kind, labels, bounds) in json.loads(done.stdout).items()
    }
    found = by_name(successors(audit(*Kind, PROMETHEUS_METRIC_NAMESPACE='"shop"', PROMETHEUS_EXPORT_MIGRATIONS="1")))
    ours = {old: each for old, each in found.items() if each.source != "prometheus_client"}
    assert len(theirs) == 34
    assert {
        old: (each.type, tuple(label for label in (each.labels or ()) if label != "service"), list(each.buckets))
        for old, each in ours.items()
    } == theirs


def test_all_families_that_prometheus_client_shows_by_itself_are_in_the_map() -> None:
    registry = prometheus_client.CollectorRegistry()
    for collector in (prometheus_client.ProcessCollector, prometheus_client.PlatformCollector):
        collector(registry=registry)
    prometheus_client.GCCollector(registry=registry)
    text = prometheus_client.generate_latest(registry).decode()
    theirs = {
        sample.name: (family.type, set(sample.labels))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    ours = {each.old: each for each in successors(audit()) if each.source == "prometheus_client"}
    assert {old: (each.type, {*(each.labels or ())} - {"service"}) for old, each in ours.items()} == theirs


def test_the_families_of_the_map_are_in_the_catalogue() -> None:
    catalogue = {metric["name"]: metric for metric in json.loads(logemit("metrics", "--json").stdout)}
    found = successors(audit(), all_families=True)
    assert len(found) == len(families.FAMILIES) == 44
    for each in found:
        metric = catalogue[each.name]
        assert (each.old, each.type) == (each.name, metric["type"])
        assert each.labels == ("service", *(label for label, _ in metric["labels"]))
        assert (list(each.buckets), each.help) == (metric["buckets"], metric["help"])
    for family, each in zip(families.FAMILIES, found, strict=True):
        assert (family.name, family.type, family.labels) == (each.name, each.type, (each.labels or ())[1:])
        assert each.differences == tuple(families.REASONS[name] for name in family.differences)


def test_every_difference_is_one_of_some_family() -> None:
    used = {name for family in families.FAMILIES for name in family.differences}
    assert used == families.REASONS.keys()


# What a project has in use


@pytest.mark.parametrize(
    ("kind", "start", "count"),
    [
        (Kind.MIDDLEWARE, "django_http_", 19),
        (Kind.DATABASE, "django_db_", 6),
        (Kind.CACHE, "django_cache_", 4),
        (Kind.MODEL_MIXIN, "django_model_", 3),
    ],
)
def test_what_is_woven_in_says_which_families_there_are(kind: Kind, start: str, count: int) -> None:
    names = [each.old for each in successors(audit(kind)) if each.source != "prometheus_client"]
    assert len(names) == count
    assert all(name.startswith(start) for name in names)


@pytest.mark.parametrize(("value", "count"), [("True", 2), ('env.bool("X", True)', 2), ("False", 0)])
def test_migrations_are_exported_where_the_setting_says_so(value: str, count: int) -> None:
    found = successors(audit(PROMETHEUS_EXPORT_MIGRATIONS=value))
    assert len([each for each in found if each.old.startswith("django_migrations_")]) == count


def test_a_namespace_is_before_every_name_of_django_prometheus(tmp_path: Path) -> None:
    found = successors(audit(Kind.MIDDLEWARE, Kind.CACHE, PROMETHEUS_METRIC_NAMESPACE='"shop"  # ours'))
    djangos = [each for each in found if each.source != "prometheus_client"]
    assert {each.old for each in djangos} == {f"shop_{each.name}" for each in djangos}
    assert {(each.old, each.definition) for each in found} >= {("process_open_fds", "")}
    defined = checked(djangos, tmp_path)
    assert defined.keys() == {each.old for each in djangos}
    for each in djangos:
        same_but_for(defined[each.old], each.name, {"name"})


def test_settings_that_differ_name_both() -> None:
    both = audit(Kind.CACHE, PROMETHEUS_METRIC_NAMESPACE='"shop"').traces
    more = audit(PROMETHEUS_METRIC_NAMESPACE='"staging"').traces
    names = {each.old for each in successors(Audit([*both, *more], ()))}
    assert {"shop_django_cache_get_total", "staging_django_cache_get_total"} <= names
    assert "django_cache_get_total" not in names


@pytest.mark.parametrize("value", ['os.environ["NAME"]', "APP + '_x'", 'env("X", default="shop")', "7"])
def test_a_namespace_that_is_computed_is_told(value: str) -> None:
    (each, *_) = successors(audit(Kind.CACHE, PROMETHEUS_METRIC_NAMESPACE=value))
    assert each.old == "django_cache_get_total"
    assert "PROMETHEUS_METRIC_NAMESPACE" in each.differences[-1]
    assert "shop/settings.py:2" in each.differences[-1]


BUCKETS = '(\n    0.008,  # 8 ms\n    .125, 1,\n) + (7.77, float("inf"))'


def test_other_buckets_are_a_family_of_ones_own(tmp_path: Path) -> None:
    text = f"DEBUG = True\nPROMETHEUS_LATENCY_BUCKETS = {BUCKETS}\nX = (3, 4)\n"
    given_ = audit(Kind.MIDDLEWARE, Kind.DATABASE, PROMETHEUS_LATENCY_BUCKETS="(")
    found = by_name(successors(given_, {"shop/settings.py": text}))
    others = [each for each in found.values() if each.old_buckets]
    assert {each.old for each in others} == TIMES
    assert all(each.old_buckets == (0.008, 0.125, 1.0, 7.77) for each in others)
    assert all("0.008, 0.125, 1, 7.77" in each.differences[-1] for each in others)
    defined = checked(others, tmp_path)
    assert defined.keys() == {f"app_{name}" for name in TIMES}
    for each in others:
        metric = defined[f"app_{each.old}"]
        assert metric.buckets == (0.008, 0.125, 1.0, 7.8)  # the nearest on the grid
        same_but_for(metric, each.name, {"name", "buckets"})


def test_a_namespace_and_other_buckets_together_are_the_family_as_it_was(tmp_path: Path) -> None:
    settings = audit(PROMETHEUS_METRIC_NAMESPACE='"shop"', PROMETHEUS_LATENCY_BUCKETS="[0.5, 5, math.inf]")
    both = Audit([*audit(Kind.DATABASE).traces, *settings.traces], ())
    found = [each for each in successors(both) if each.old_buckets]
    (metric,) = checked(found, tmp_path).values()
    assert (metric.name, metric.buckets) == ("shop_django_db_query_duration_seconds", (0.5, 5.0))


def test_its_own_buckets_are_no_difference() -> None:
    own = "0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 25.0, 50.0, 75.0, float('inf')"
    given_ = audit(Kind.DATABASE, PROMETHEUS_LATENCY_BUCKETS=f"({own})")
    assert successors(given_) == successors(audit(Kind.DATABASE))


@pytest.mark.parametrize(
    "value", ["(", "tuple(range(9))", "BASE + (1,)", "(-'a',)", "f(" * 3000, "None", f"({10**400},)", "(1, 'a')"]
)
def test_buckets_that_are_computed_are_told(value: str) -> None:
    found = by_name(successors(audit(Kind.DATABASE, PROMETHEUS_LATENCY_BUCKETS=value)))
    each = found["django_db_query_duration_seconds"]
    assert (each.old_buckets, each.definition) == ((), "")
    assert "PROMETHEUS_LATENCY_BUCKETS" in each.differences[-1]
    assert not any("BUCKETS" in text for text in found["django_db_errors_total"].differences)


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=20))
def test_the_nearest_bounds_are_on_the_grid(bounds: list[float]) -> None:
    there = grid.bounds("seconds")[:-1]
    found = on_grid(bounds)
    assert found == sorted(set(found))
    assert set(found) <= set(there)
    assert {min(abs(bound - each) for each in there) for bound in bounds} == {
        min(abs(bound - each) for each in found) for bound in bounds
    }


def checked(found: Iterable[Successor], folder: Path) -> dict[str, Any]:
    """The metrics that the lines make, once `logemit metrics --check` has taken them."""
    path = folder / "logemit.toml"
    path.write_text("\n".join(each.definition for each in found))
    done = logemit("metrics", "--check", path)
    assert (done.returncode, done.stderr) == (0, "")
    names = [table["name"] for table in tomllib.loads(path.read_text())["metric"]]
    return {metric.name: metric for metric in load(path).catalogue.metrics if metric.name in names}


def same_but_for(metric: Any, name: str, others: set[str]) -> None:
    shipped = next(each for each in load(None).catalogue.metrics if each.name == name)
    for key in shipped.__slots__:
        assert (getattr(metric, key) == getattr(shipped, key)) == (key not in others), key


# Instruments of its own

TOLD = """
kinds = [("Counter", {}), ("Gauge", {}), ("Histogram", {"buckets": (1, 2)}), ("Summary", {}), ("Info", {})]
labels = ["service", "outcome"]
for kind, more in kinds:
    each = getattr(library, kind)(f"shop_{kind.lower()}", "Help.", labels, **more).labels("web", "paid")
    {"Counter": lambda: each.inc(), "Gauge": lambda: each.set(3), "Info": lambda: each.info({"version": "1"})}.get(
        kind, lambda: each.observe(1)
    )()
library.Enum("shop_enum", "Help.", labels, states=["on", "off"]).labels("web", "paid").state("off")
library.Gauge("processes_live", "Help.").set(1)
"""
KINDS = ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum")


def instruments() -> list[Instrument]:
    labels = ("service", "outcome")
    made = [Instrument(f"shop_{kind.lower()}", kind, labels, "shop/metrics.py", 7) for kind in KINDS]
    return [*made, Instrument("processes_live", "Gauge", (), "shop/metrics.py", 9)]


def samples_of(text: str) -> dict[str, tuple[str, set[str]]]:
    """Family's type and labels of each sample."""
    return {
        sample.name: (family.type, set(sample.labels) - {"le"})
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_instruments_show_what_the_map_says(output: Path, tmp_path: Path) -> None:
    """There by prometheus_client, here by a run over what they wrote."""
    registry = prometheus_client.CollectorRegistry()

    class There:
        def __getattr__(self, name: str) -> Any:
            made = getattr(prometheus_client, name)
            return lambda *arguments, **more: made(*arguments, registry=registry, **more)

    exec(TOLD, {"library": There()})
    exec(TOLD, {"library": app})
    app.flush()
    theirs = samples_of(prometheus_client.generate_latest(registry).decode())
    done = logemit("aggregate", output, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    ours = samples_of((tmp_path / "out/metrics.prom").read_text())

    found = [each for each in successors(audit(instruments=instruments())) if each.source.startswith("shop/metrics.py")]
    known = {old: (each, new) for each in found for old, new in each.samples.items()}
    assert theirs.keys() <= known.keys()
    for old, (kind, labels) in theirs.items():
        each, new = known[old]
        if old.endswith("_created") or old == "processes_live":
            assert new == ""
            continue
        assert ours[new][0] == each.type == kind
        renamed = dict(each.relabelled)
        assert ours[new][1] == {renamed.get(label, label) for label in labels} | {"service"}
        assert each.labels is None or ours[new][1] == {*each.labels}
    assert {each.old for each in found if not each.name} == {"processes_live"}
    assert "processes_live: a metric has this name; the instrument is not shown" in done.stdout + done.stderr


def test_what_differs_is_told_by_type_and_mode() -> None:
    made = [Instrument(kind, kind, (), "m.py", line) for line, kind in enumerate(KINDS)]
    found = successors(audit(instruments=made))[-len(KINDS) :]
    wanted = [families.GAUGES["all"] if kind == "Gauge" else families.INSTRUMENTS[kind.lower()] for kind in KINDS]
    assert [each.differences for each in found] == [(text,) for text in wanted]
    modes = prometheus_client.Gauge._MULTIPROC_MODES
    assert set(modes) == families.GAUGES.keys()
    for mode in modes:
        each = successors(audit(instruments=[Instrument("g", "Gauge", (), "m.py", 1, mode)]))[-1]
        assert each.differences == (families.GAUGES[mode],)


@pytest.mark.parametrize(
    ("name", "kind", "new"),
    [
        ("shop.orders", "Counter", "shop_orders_total"),
        ("shop_orders_total", "Counter", "shop_orders_total"),
        ("logemit_runs", "Counter", ""),
        ("django_cache_get", "Counter", ""),
        ("django_db_query_duration_seconds", "Summary", ""),
        ("python", "Info", ""),
        ("7th", "Gauge", "_th"),
        ("shop:state", "Gauge", "shop:state"),
        ("shop:state", "Enum", ""),
        ("ordnung:größe", "Gauge", "ordnung:gr__e"),
    ],
)
def test_names_that_change_or_are_taken(name: str, kind: str, new: str) -> None:
    each = successors(audit(instruments=[Instrument(name, kind, ("a-b", "__x"), "m.py", 1)]))[-1]
    assert each.name == new
    assert ("not shown" in each.differences[0]) == (not new)
    assert dict(each.relabelled) == {"a-b": "a_b", "__x": ""}


def test_one_declared_twice_is_there_once() -> None:
    made = [Instrument("shop_orders", "Counter", (), f"{name}.py", 1) for name in "ab"]
    found = [each for each in successors(audit(instruments=made)) if each.old == "shop_orders_total"]
    assert [each.source for each in found] == ["a.py:1"]


def test_the_map_needs_neither_pandas_nor_pyarrow() -> None:
    made = "s.successors(s.Audit((), ()), all_families=True)"
    code = f"import sys, cli.leaving.successors as s, cli.leaving.promql; {made}; print(*sys.modules)"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environ)
    heavy = {"pandas", "pyarrow", "numpy", "django", "django_prometheus", "prometheus_client", "numba"}
    assert not heavy & set(done.stdout.split())
