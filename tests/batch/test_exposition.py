"""Prometheus text: what promtool does not check, and labels that an attacker chose."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aggregator import config
from aggregator.run import aggregate
from tests.conftest import tool


def line(**fields: Any) -> str:
    base = {"logemit": 1, "event": "http_request", "timestamp": "2026-11-20T12:00:00Z", "service": "web"}
    return json.dumps({**base, **fields}, separators=(",", ":")) + "\n"


def samples(tmp_path: Path, *lines: str, settings: config.Config | None = None) -> dict[tuple[str, ...], float]:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_text("".join(lines))
    aggregate([str(log)], out, settings or config.load(None))
    found = {}
    for family in text_string_to_metric_families((out / "metrics.prom").read_bytes().decode()):
        for sample in family.samples:
            key = (sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


REQUEST = {"outcome": "ok", "method": "GET", "view": "home", "status": 200, "transport": "http", "ajax": False}
REQUEST |= {"streaming": False, "charset": "utf-8", "duration_seconds": 0.05, "request_bytes": 0, "response_bytes": 10}


def test_a_bound_holds_what_equals_it(tmp_path: Path) -> None:
    found = samples(tmp_path, line(**REQUEST), line(**REQUEST | {"duration_seconds": 0.050001}))
    family = "django_http_requests_latency_seconds_by_view_method"
    labels = ("method=GET", "service=web", "view=home")
    assert found[f"{family}_bucket", "le=0.05", *labels] == 1
    assert found[f"{family}_bucket", "le=0.075", *labels] == 2
    assert found[f"{family}_bucket", "le=+Inf", *labels] == found[f"{family}_count", *labels] == 2
    assert found[f"{family}_sum", *labels] == 0.100001


def test_a_cancelled_request_is_a_request_without_a_response(tmp_path: Path) -> None:
    cancelled = {"outcome": "cancelled", "method": "GET", "view": "home", "transport": "http", "duration_seconds": 5}
    found = samples(tmp_path, line(**REQUEST), line(**cancelled))
    assert found["django_http_requests_before_middlewares_total", "service=web"] == 2
    assert found["django_http_responses_before_middlewares_total", "service=web"] == 1
    assert found["django_http_requests_latency_including_middlewares_seconds_count", "service=web"] == 1
    assert ("django_http_responses_total_by_status_total", "service=web", "status=") not in found


def test_two_services_never_add_up(tmp_path: Path) -> None:
    found = samples(tmp_path, line(**REQUEST), line(**REQUEST | {"service": "api"}))
    assert found["django_http_requests_before_middlewares_total", "service=web"] == 1
    assert found["django_http_requests_before_middlewares_total", "service=api"] == 1


def test_a_family_without_labels_is_there_at_zero_for_every_service(tmp_path: Path) -> None:
    found = samples(tmp_path, line(**REQUEST))
    assert found["django_http_ajax_requests_total", "service=web"] == 0
    assert found["django_http_responses_streaming_total", "service=web"] == 0
    assert found["django_http_requests_unknown_latency_total", "service=web"] == 0


def test_a_request_without_a_duration_has_an_unknown_latency(tmp_path: Path) -> None:
    found = samples(tmp_path, line(**REQUEST), line(**{**REQUEST, "duration_seconds": None}))
    assert found["django_http_requests_unknown_latency_total", "service=web"] == 1


def test_the_service_label_can_be_left_out(tmp_path: Path) -> None:
    settings = config.Config(config.load(None).catalogue, service_label=False)
    found = samples(tmp_path, line(**REQUEST), settings=settings)
    assert found[("django_http_requests_before_middlewares_total",)] == 1
    assert found["django_http_requests_total_by_method_total", "method=GET"] == 1


@pytest.mark.parametrize(
    "hostile", ['a"b', "a\\b", "a\nb", "\x00\x1b[31m\x7f", '"} 1\nfake_total 5', "é\u2028ü", "{}", "\r"]
)
def test_hostile_label_values_stay_values(tmp_path: Path, hostile: str) -> None:
    found = samples(tmp_path, line(**REQUEST | {"view": hostile}))
    assert found["django_http_responses_total_by_status_view_method_total", "method=GET", "service=web", "status=200",
                 f"view={hostile}"] == 1  # fmt: skip
    assert not any(key[0].startswith("fake") for key in found)
    promtool = tool("promtool", "prometheus")
    text = (tmp_path / "out" / "metrics.prom").read_bytes()
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=True)
    assert done.stderr + done.stdout == b""


def test_a_users_own_event_becomes_a_metric(tmp_path: Path) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text("""
[[summary]]
name = "alerts"
event = "alert_created"
dimensions = ["severity", "urgent", "level"]
measures = [{ name = "open_seconds", unit = "seconds" }]
bins = ["open_seconds"]
[[metric]]
name = "alerts_total"
type = "counter"
help = "Alerts."
summary = "alerts"
labels = ["severity", "urgent", "level"]
[[metric]]
name = "alert_open_seconds"
type = "histogram"
help = "Open."
summary = "alerts"
measure = "open_seconds"
buckets = [1, 10]
""")
    event = {"event": "alert_created", "severity": "high", "urgent": True, "level": 2.5, "open_seconds": 3}
    found = samples(tmp_path, line(**event), line(**event), settings=config.load(path))
    assert found["alerts_total", "level=2.5", "service=web", "severity=high", "urgent=true"] == 2
    assert found["alert_open_seconds_bucket", "le=10.0", "service=web"] == 2
    assert found["alert_open_seconds_sum", "service=web"] == 6


def test_a_metric_defined_later_has_its_past(tmp_path: Path) -> None:
    samples(tmp_path, line(**REQUEST), line(**REQUEST))
    path = tmp_path / "logemit.toml"
    path.write_text('[[metric]]\nname = "by_route_total"\ntype = "counter"\nhelp = "h"\nsummary = "http_requests"\n')
    found = samples(tmp_path, line(**REQUEST), line(**REQUEST), settings=config.load(path))
    assert found["by_route_total", "service=web"] == 2


def test_the_run_tells_of_itself(tmp_path: Path) -> None:
    found = samples(tmp_path, line(**REQUEST), "foreign\n", '{"logemit":1,"event":5}\n')
    assert found["logemit_records_read_total",] == 3
    assert found["logemit_records_foreign_total",] == 1
    assert found["logemit_records_rejected_total", "reason=type"] == 1
    assert found["logemit_events_total", "event=http_request"] == 1
    assert found["logemit_newest_event_timestamp_seconds",] == 1_795_176_000
    assert found["logemit_lag_seconds",] == pytest.approx(
        found["logemit_last_run_timestamp_seconds",] - 1_795_176_000, abs=1e-3
    )


def test_a_family_with_many_series_is_one_family(tmp_path: Path) -> None:
    found = samples(tmp_path, *(line(**REQUEST | {"view": f"v{i}"}) for i in range(2500)))
    name = "django_http_requests_latency_seconds_by_view_method_count"
    assert sum(value for key, value in found.items() if key[0] == name) == 2500
    lines = (tmp_path / "out" / "metrics.prom").read_text().splitlines()
    heads = [line for line in lines if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))
