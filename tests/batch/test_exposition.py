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


def stats(proc: str, at: str = "12:00:00", **fields: Any) -> str:
    python = {"implementation": "CPython", "version": "3.13.1", "major": "3", "minor": "13", "patchlevel": "1"}
    timestamp = f"2026-11-20T{at}Z"
    return line(
        **{"event": "process_stats", "timestamp": timestamp, "proc": proc, "seq": 0, "alive": 1, **python, **fields}
    )


def test_gauges_are_summed_over_living_processes(tmp_path: Path) -> None:
    found = samples(
        tmp_path,
        stats("dead", "11:44:59", rss_bytes=1000, start_time_seconds=1, cpu_seconds=1.5),
        stats("edge", "11:45:00", rss_bytes=200, start_time_seconds=30, cpu_seconds=1.5),
        stats("busy", "11:50:00", rss_bytes=9, start_time_seconds=20),
        stats("busy", "12:00:00", seq=1, rss_bytes=40, start_time_seconds=20),
    )
    assert found["process_resident_memory_bytes", "service=web"] == 240
    assert found["process_start_time_seconds", "service=web"] == 20
    assert found["processes_live", "service=web"] == 2
    assert found["process_cpu_seconds_total", "service=web"] == 3
    assert ("process_open_fds", "service=web") not in found


def test_a_label_set_without_a_living_process_is_gone(tmp_path: Path) -> None:
    old = {"version": "3.12.9", "minor": "12", "patchlevel": "9"}
    found = samples(tmp_path, stats("old", "11:00:00", **old), stats("new", "12:00:00"))
    shown = [dict(each.split("=") for each in key[1:]) for key in found if key[0] == "python_info"]
    assert [labels["version"] for labels in shown] == ["3.13.1"]


def test_each_service_has_a_time_of_its_own(tmp_path: Path) -> None:
    found = samples(tmp_path, stats("a", "03:00:00", threads=1, service="cron"), stats("b", "12:00:00", threads=2))
    assert found["process_threads", "service=cron"] == 1
    assert found["process_threads", "service=web"] == 2


def test_counters_of_processes_never_fall_and_take_late_lines_of_dead_ones(tmp_path: Path) -> None:
    lines: list[str] = []

    def cpu(*new: str) -> float:
        lines.extend(new)
        return samples(tmp_path, *lines)["process_cpu_seconds_total", "service=web"]

    assert cpu(stats("p", "09:00:00", cpu_seconds=2)) == 2
    assert cpu(stats("q", "12:00:00", cpu_seconds=1)) == 3
    assert cpu(stats("p", "09:01:00", seq=1, cpu_seconds=4)) == 7
    assert cpu(stats("p", "13:00:00", seq=2, cpu_seconds=1)) == 8


def test_lines_without_a_process_are_one(tmp_path: Path) -> None:
    lines = [stats("", at, threads=n).replace('"proc":"","seq":0,', "") for at, n in (("11:59:00", 3), ("12:00:00", 4))]
    found = samples(tmp_path, *lines, stats("p", threads=1))
    assert found["process_threads", "service=web"] == 5
    assert found["processes_live", "service=web"] == 2


def test_of_migrations_the_last_told_counts(tmp_path: Path) -> None:
    state = {"event": "migration_state", "connection": "default"}
    early = line(**state, applied=20, unapplied=1)
    late = line(**state, applied=21, unapplied=0, timestamp="2026-11-20T12:00:01Z")
    found = samples(tmp_path, late, early)
    assert found["django_migrations_applied_total", "connection=default", "service=web"] == 21
    assert found["django_migrations_unapplied_total", "connection=default", "service=web"] == 0
    assert "# TYPE django_migrations_applied_total gauge" in (tmp_path / "out" / "metrics.prom").read_text()


def test_each_key_read_from_a_cache_is_a_hit_a_miss_or_a_failure(tmp_path: Path) -> None:
    call = {"event": "cache_operation", "alias": "default", "backend": "redis"}
    found = samples(
        tmp_path,
        line(**call, operation="get", hit=True, count=5, keys=5),
        line(**call, operation="get_many", hit=True, count=1, keys=2),
        line(**call, operation="get_many", hit=False, count=0, keys=8),
        line(**call, operation="get_or_set", hit=False, count=1, keys=1),
        line(**call, operation="get", error="TimeoutError", count=1, keys=1),
        line(**call, operation="get_many", hit=False, error="TimeoutError", count=1, keys=3),
        line(**call, operation="set", count=7, keys=7),
    )
    labels = ("backend=redis", "service=web")
    shown = {name: found[f"django_cache_get_{name}total", *labels] for name in ("", "hits_", "misses_", "fail_")}
    assert shown == {"": 20, "hits_": 7, "misses_": 9, "fail_": 4}


def test_connections_opened_and_those_that_failed_are_counted_apart(tmp_path: Path) -> None:
    attempt = {"event": "db_connection", "alias": "default", "vendor": "postgresql"}
    found = samples(tmp_path, line(**attempt), line(**attempt), line(**attempt, error="OperationalError"))
    labels = ("alias=default", "service=web", "vendor=postgresql")
    assert found["django_db_new_connections_total", *labels] == 2
    assert found["django_db_new_connection_errors_total", *labels] == 1


def test_rows_that_no_driver_tells_are_told_as_unknown(tmp_path: Path) -> None:
    change = {"event": "model_change", "model": "shop.Item", "operation": "update"}
    found = samples(tmp_path, line(**change, count=12), line(**change, count=0, unknown=2))
    assert found["django_model_updates_total", "model=shop.Item", "service=web"] == 12
    assert found["django_model_changes_unknown_total", "model=shop.Item", "operation=update", "service=web"] == 2


@pytest.mark.parametrize(("over", "value"), [("sum", 3.5), ("max", 5), ("min", -1.5), ("last", 5), (None, 5)])
def test_a_users_gauge_combines_its_rows_as_it_says(tmp_path: Path, over: str | None, value: float) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text(f"""
[[summary]]
name = "queues"
event = "queue_depth"
dimensions = ["queue", "host"]
measures = [{{ name = "depth", unit = "count" }}]
gauges = ["depth", "drift"]
[[metric]]
name = "queue_drift"
type = "gauge"
help = "Drift."
summary = "queues"
value = "drift_last"
labels = ["queue"]
{f'over = "{over}"' if over else ""}
""")
    told = {"event": "queue_depth", "queue": "mail"}
    lines = (
        line(**told, host="a", drift=-1.5, depth=4),
        line(**told, host="b", drift=2, depth=6),
        line(**told, host="b", drift=5),
        line(**told, host="b", drift=7, timestamp="2026-11-20T11:59:59Z"),
    )
    assert samples(tmp_path, *lines, settings=config.load(path))["queue_drift", "queue=mail", "service=web"] == value
