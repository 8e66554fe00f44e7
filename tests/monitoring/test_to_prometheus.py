"""Logs, aggregate, then node_exporter, serve or push, to Prometheus: what PromQL finds is what an own count finds.

A log grows in three steps; after each, every way is scraped, and the moment is kept.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from cli.app import app
from tests.batch.runs import take_in
from tests.conftest import ROOT
from tests.monitoring import servers
from tests.monitoring.serving import auth_file, certificate, serving
from tests.recount import recount
from tests.recount_instruments import Sample

LOG = ROOT / "sample_logs/asgi/stdout.log"
WAYS = ("node", "serve", "push")
STEPS = 3
PATIENCE_SECONDS = 60.0
BUCKET = 'slow_seconds_bucket{le="2.5",service="a"}'
ODD = f"""\
# HELP trips_total "Quoted".
# TYPE trips_total counter
trips_total{{service="a"}} 3.0
# HELP trips Beside it.
# TYPE trips gauge
trips{{service="a"}} -2.0
# HELP change_seconds\x20
# TYPE change_seconds histogram
change_seconds_bucket{{le="-1.0",service="a"}} 1.0
change_seconds_bucket{{le="+Inf",service="a"}} 2.0
change_seconds_count{{service="a"}} 2.0
change_seconds_sum{{service="a"}} -1.5
# HELP slow_seconds Slow.
# TYPE slow_seconds histogram
slow_seconds_bucket{{le="1.0",service="a"}} 0.0
{BUCKET} 1.0
slow_seconds_bucket{{le="+Inf",service="a"}} 1.0
slow_seconds_count{{service="a"}} 1.0
slow_seconds_sum{{service="a"}} 1.93
# HELP hostile_total H.
# TYPE hostile_total counter
hostile_total{{of="\\"}} 1 # {{a=\\"b\\"}}\\n# EOF",service="a"}} 1.0
hostile_total{{of="日本\u2028\\\\",service="a"}} 2.0
"""
EXEMPLAR = {"request_id": "r-1", "value": 1.93, "timestamp": round(time.time(), 3)}


@dataclass(frozen=True, slots=True)
class Scene:
    prometheus: servers.Prometheus
    wanted: list[dict[Sample, float]]
    """What each step's log holds."""
    texts: list[str]
    moments: list[dict[str, float]]
    """When each job was scraped after a step, in seconds since 1970: later scrapes may fail on a slow machine."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")
    out, log = folder / "out", folder / "app.log"
    out.mkdir()
    with ExitStack() as stack:
        node = stack.enter_context(servers.node_exporter(out, folder / "node.log"))
        serve = stack.enter_context(serving(out, folder / "serve.log"))
        gateway = stack.enter_context(servers.pushgateway(folder / "push.log"))
        config = json.loads(servers.scrape_config({"node": node, "serve": serve.url, "push": f"{gateway}/metrics"}))
        config["scrape_configs"] += stack.enter_context(_secured(folder))
        options = ["--enable-feature=exemplar-storage"]
        prometheus = stack.enter_context(servers.prometheus(folder, json.dumps(config), options=options))
        found = Scene(prometheus, [], [], [])
        for part in _prefixes():
            log.write_bytes(part)
            take_in(log, out)
            assert CliRunner().invoke(app, ["push", str(out), gateway, "--job", "push"]).exit_code == 0
            found.texts.append((out / "metrics.prom").read_text())
            found.wanted.append(recount([log]).samples)
            found.moments.append(_scraped(prometheus))
        yield found


def _prefixes() -> Iterator[bytes]:
    lines = LOG.read_bytes().splitlines(keepends=True)
    for step in range(1, STEPS + 1):
        yield b"".join(lines[: len(lines) * step // STEPS])


def _scraped(prometheus: servers.Prometheus) -> dict[str, float]:
    """When each job was scraped anew."""
    now = time.time()
    moments = dict.fromkeys((*WAYS, "secured"), 0.0)
    while min(moments.values()) < now:
        assert time.time() < now + PATIENCE_SECONDS, moments
        time.sleep(0.1)
        moments = {job: moment if moment >= now else prometheus.scraped(job) for job, moment in moments.items()}
    return moments


class _secured(ExitStack):  # noqa: N801 (it is called as a function)
    """The jobs of one that speaks TLS, knows its clients' certificates and wants a password."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __enter__(self) -> list[Mapping[str, object]]:  # type: ignore[override]
        super().__enter__()
        out, own, client = self._folder / "odd", certificate(self._folder), certificate(self._folder, "client")
        (out / "_logemit").mkdir(parents=True)
        (out / "metrics.prom").write_text(ODD)
        (out / "_logemit/exemplars.json").write_text(json.dumps({BUCKET: EXEMPLAR, "torn": None}))
        options = ["--tls-cert", own.cert, "--tls-key", own.key, "--client-ca", client.cert]
        options += ["--auth-file", auth_file(self._folder)]
        server = self.enter_context(serving(out, self._folder / "secured.log", *options, tls=own.client(client)))
        tls = {"ca_file": str(own.cert), "cert_file": str(client.cert), "key_file": str(client.key)}
        user = {"username": "prometheus", "password": "a:b c"}
        common = {"scheme": "https", "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}]}
        return [
            {"job_name": "secured", **common, "tls_config": tls, "basic_auth": user},
            {"job_name": "without_password", **common, "tls_config": tls},
            {"job_name": "without_certificate", **common, "tls_config": {"ca_file": str(own.cert)}, "basic_auth": user},
        ]


def named(found: Mapping[servers.Labels, float]) -> dict[Sample, float]:
    """Samples as the count has them: `le` in one spelling, as each way has its own."""
    samples = {}
    for labels, value in found.items():
        own = dict(labels)
        name = own.pop("__name__", "")
        le = {"le": str(float(own["le"]))} if "le" in own else {}
        samples[name, frozenset({**own, **le}.items())] = value
    return samples


def parsed(text: str) -> dict[Sample, float]:
    families = text_string_to_metric_families(text)
    return named({frozenset({**s.labels, "__name__": s.name}.items()): s.value for f in families for s in f.samples})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", range(STEPS))
def test_every_sample_is_what_was_counted(scene: Scene, way: str, step: int) -> None:
    query, at = scene.prometheus.query, scene.moments[step][way]
    assert named(query(f'{{job="{way}",service!=""}}', at)) == scene.wanted[step]
    own = {sample: value for sample, value in parsed(scene.texts[step]).items() if sample[0].startswith("logemit_")}
    assert own["logemit_runs_total", frozenset()] == step + 1
    assert named(query(f'{{job="{way}",__name__=~"logemit_.+"}}', at)) == own


def test_node_exporter_shows_what_it_has_a_family_of_its_own_for(scene: Scene) -> None:
    """It drops what describes the same name in other words."""
    for name in ("process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes"):
        found = scene.prometheus.query(f'{name}{{job="node"}}', scene.moments[-1]["node"])
        assert {dict(labels).get("service") for labels in found} == {None, "bookmarks"}


def rising(scene: Scene) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """By the name of a counter's or a histogram's samples, how much those of the first step rose until the last."""
    families = [*text_string_to_metric_families(scene.texts[-1])]
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
    names = {each.name + end for each in families for end in ends.get(each.type, ())}
    first, last = scene.wanted[0], scene.wanted[-1]
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for (name, labels), value in first.items():
        if name in names:
            found.setdefault(name, {})[labels] = last[name, labels] - value
    return {name: rises for name, rises in found.items() if any(rises.values())}


def test_differences_over_runs_are_what_happened_in_between(scene: Scene) -> None:
    at = scene.moments[-1]["serve"]
    span = at - scene.moments[0]["serve"]
    for name, rises in rising(scene).items():
        query = f'{name}{{job="serve"}} - {name}{{job="serve"}} offset {span * 1000:.0f}ms'
        found = named(scene.prometheus.query(query, at))
        assert {labels: value for (_, labels), value in found.items()} == rises
        resets = scene.prometheus.query(f'resets({name}{{job="serve"}}[{span:.0f}s])', at)
        assert set(resets.values()) == {0}


def test_increase_and_rate_are_that_within_prometheus_s_extrapolation(scene: Scene) -> None:
    """It takes the counter to go on at both ends of the range as within it, for up to 1.1 intervals between samples."""
    at = scene.moments[-1]["serve"]
    span = round(at - scene.moments[0]["serve"] + 2)
    for name, rises in rising(scene).items():
        if name.endswith("_bucket"):  # as the others, and very many
            continue
        series = f'{name}{{job="serve"}}[{span}s]'
        for found in scene.prometheus.api("query", query=series, time=f"{at:.3f}")["result"]:
            ((_, labels),) = named({frozenset(found["metric"].items() - {("job", "serve")}): 0})
            labels = frozenset(pair for pair in labels if pair[0] != "instance")
            if labels not in rises:  # born in between
                continue
            assert len(found["values"]) > 1
            most = 1 + 2.2 / (len(found["values"]) - 1)
            wanted = float(found["values"][-1][1]) - float(found["values"][0][1])
            assert wanted == rises[labels]
            text = ",".join(f"{key}={json.dumps(value)}" for key, value in found["metric"].items() if key != "__name__")
            (increase,) = scene.prometheus.query(f"increase({name}{{{text}}}[{span}s])", at).values()
            assert wanted * (1 - 1e-9) <= increase <= wanted * most * (1 + 1e-9)
            (rate,) = scene.prometheus.query(f"rate({name}{{{text}}}[{span}s])", at).values()
            assert rate == pytest.approx(increase / span)


def test_the_first_value_of_a_series_is_no_increase(scene: Scene) -> None:
    """Why the documentation says that it begins there, and that the past is in the backfill."""
    born = {sample for sample in scene.wanted[-1].keys() - scene.wanted[-2].keys() if sample[0].endswith("_total")}
    assert born
    name, labels = min(born, key=str)
    text = ",".join(f"{key}={json.dumps(value)}" for key, value in [*labels, ("job", "serve")])
    (value,) = scene.prometheus.query(f"{name}{{{text}}}", scene.moments[-1]["serve"]).values()
    assert value > 0
    end = time.time() + PATIENCE_SECONDS
    while not (found := scene.prometheus.query(f"increase({name}{{{text}}}[2m])")):  # from the second sample on
        assert time.time() < end
        time.sleep(0.1)
    assert set(found.values()) == {0}


def test_a_secured_endpoint_is_scraped_by_who_may(scene: Scene) -> None:
    assert named(scene.prometheus.query('{job="secured",service!=""}', scene.moments[-1]["secured"])) == parsed(ODD)
    end, found = time.time() + PATIENCE_SECONDS, dict[str, str]()
    while len(found) < 6:
        assert time.time() < end
        result = scene.prometheus.api("query", query="max by (job) (max_over_time(up[5m]))")["result"]
        found = {each["metric"]["job"]: each["value"][1] for each in result}
    refused = {"without_password", "without_certificate"}
    assert found == dict.fromkeys((*WAYS, "secured"), "1") | dict.fromkeys(refused, "0")


def test_types_arrive_as_the_form_has_them(scene: Scene) -> None:
    found = json.loads(servers.fetch(f"{scene.prometheus.url}/api/v1/metadata"))["data"]
    types = {name: found[name][0]["type"] for name in ("trips", "trips_total", "slow_seconds")}
    assert types == {"trips": "gauge", "trips_total": "unknown", "slow_seconds": "histogram"}
    assert found["trips_total"][0]["help"] == '"Quoted".'
    assert {each["type"] for each in found["django_migrations_applied_total"]} == {"gauge"}


def test_an_exemplar_arrives(scene: Scene) -> None:
    at = scene.moments[-1]["secured"]
    span = {"start": f"{at - 3600:.3f}", "end": f"{at + 3600:.3f}"}
    (found,) = scene.prometheus.api("query_exemplars", query="slow_seconds_bucket", **span)
    assert found["seriesLabels"]["le"] == "2.5"
    (exemplar,) = found["exemplars"]
    assert (exemplar["labels"], float(exemplar["value"])) == ({"request_id": "r-1"}, 1.93)
    assert exemplar["timestamp"] == pytest.approx(EXEMPLAR["timestamp"], abs=0.0011)
