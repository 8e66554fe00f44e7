"""Four systems whose metrics people know by name: each is recorded, and its metrics hold what its clients counted."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.recount import recount
from tests.test_recount import CASES, SAMPLES, log_of, samples

COUNTED = {
    "jobs": ("jobs", "name", "state"),
    "reports": ("reports", "format", "status"),
    "alerts": ("upstream_alerts", "severity"),
    "deliveries": ("upstream_deliveries", "channel", "status"),
    "drifts": ("upstream_drift_events", "kind"),
    "health": ("health_checks", "check", "healthy"),
    "api_requests": ("bot_http_requests", "method", "endpoint", "status"),
    "calls": ("external_api_calls", "method", "status"),
    "updates": ("bot_updates", "kind", "status"),
}
"""Tables of a client, and the summaries that hold the same."""
NAMED_BY_FOUR_SYSTEMS = {
    "imports": """
        feed_polls_total{feed_id,status} feed_poll_duration_seconds feed_items_discovered_total active_feeds_count
        bookmark_imports_total{user_id,format,status} bookmark_import_duration_seconds bookmark_import_items_processed
        bookmarks_created_total{user_id,source}
    """,
    "gunicorn": "bookmarks_updated_total{user_id,operation} bookmarks_deleted_total{user_id}",
    "alerting": """
        upstream_alert_created_total{product,severity} upstream_alert_delivered_total{product,channel,status}
        upstream_drift_event_detected_total{product,kind} upstream_background_job_started_total{job_name}
        upstream_background_job_completed_total{job_name} upstream_background_job_failed_total{job_name,type}
        upstream_background_job_duration_seconds{job_name} upstream_data_quality_score{dataset}
        upstream_report_generated_total{report,format}
    """,
    "shop": """
        django_http_responses_total_by_status_view_method_total{status,view,method}
        django_db_execute_total{alias,vendor} django_db_new_connections_total{alias,vendor}
        django_tasks_total{task,queue,state} process_cpu_seconds_total
        process_resident_memory_bytes process_start_time_seconds python_gc_collections_total{generation}
        python_info{implementation,major,minor,patchlevel,version} system_cpu_percent system_memory_percent
        system_disk_percent system_uptime_seconds health_check_up{check} health_checks_total{check,healthy}
        health_check_duration_seconds{check}
    """,
    "bot": """
        bot_http_requests_total{method,endpoint,status} bot_http_request_duration_seconds{method,endpoint}
        bot_external_api_calls_total{method,status} bot_external_api_call_duration_seconds{method}
        bot_updates_processed_total{kind,status} bot_database_queries_total{operation,status}
        bot_database_connections_active bot_database_pool_size jobs_total{job_name,state} bot_workers bot_channels
        bot_users bot_scheduled_posts system_cpu_percent system_memory_percent system_disk_percent
        health_check_up{check}
    """,
}


def rows_of(name: str, scratch: Path) -> dict[str, list[dict[str, Any]]]:
    """Of each summary, as the recount has them."""
    return {summary: [*found.values()] for summary, found in recount([log_of(name, scratch)]).rows.items()}


def told_by_the_client(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((SAMPLES / name / "client.json").read_text())
    return told


@pytest.mark.parametrize("name", [name for name in CASES if (SAMPLES / name / "client.json").is_file()])
def test_summaries_hold_what_clients_counted(name: str, tmp_path: Path) -> None:
    rows, client = rows_of(name, tmp_path), told_by_the_client(name)
    for key, (summary, *columns) in COUNTED.items():
        found = Counter[tuple[str, ...]]()
        for row in rows[summary]:
            found[tuple(row[column] for column in columns)] += row["events"]
        said = {tuple(str(entry[column]) for column in columns): entry["count"] for entry in client.get(key, [])}
        assert found == said, key


def test_clients_counted_what_else_there_is(tmp_path: Path) -> None:
    """Figures that only one of them has."""
    rows = {name: rows_of(name, tmp_path) for name in ("alerting", "shop", "bot", "imports")}
    client = {name: told_by_the_client(name) for name in rows}

    def last(name: str, summary: str, gauge: str) -> Any:
        return max((row[f"{gauge}_last_at"], row[f"{gauge}_last"]) for row in rows[name][summary])[1]

    for part in ("checked", "failed"):
        found_in = Counter[str]()
        for row in rows["alerting"]["data_quality"]:
            found_in[row["dataset"]] += row[f"{part}_sum"]
        assert found_in == {entry["dataset"]: entry["count"] for entry in client["alerting"][part]}
    assert sum(row["events"] for row in rows["shop"]["systems"]) == client["shop"]["system_stats"]
    queries = Counter[tuple[str, str]]()
    for row in rows["bot"]["bot_database_queries"]:
        queries[row["operation"], row["status"]] += row["events"]
    assert queries["INSERT", "success"] == client["bot"]["inserted"]
    assert queries["UPDATE", "success"] == client["bot"]["published"]
    for gauge in ("channels", "users", "scheduled_posts"):
        assert last("bot", "bot_states", gauge) == client["bot"][gauge]
    assert last("imports", "feeds", "active") == client["imports"]["active_feeds"]
    progress = last("imports", "bookmark_import_progress", "items_processed")
    assert progress == client["imports"]["import_items"]["processed"]
    assert sum(row["events"] for row in rows["imports"]["bookmark_imports"]) == 1


@pytest.mark.parametrize("name", NAMED_BY_FOUR_SYSTEMS)
def test_metrics_that_people_know_by_name_are_there_with_their_labels(name: str) -> None:
    text = (SAMPLES / name / "expected.prom").read_text()
    labels: dict[str, set[str]] = {}
    for (sample, pairs), _ in samples(text):
        family = re.sub(r"_(bucket|count|sum)$", "", sample) if sample != "active_feeds_count" else sample
        labels.setdefault(family, {label for label, _ in pairs} - {"le", "service"})
    named = (re.fullmatch(r"(\w+)(?:\{(.*)\})?", each) for each in NAMED_BY_FOUR_SYSTEMS[name].split())
    wanted = {found[1]: set((found[2] or "").split(",")) - {""} for found in named if found}
    assert {family: labels.get(family) for family in wanted} == wanted
