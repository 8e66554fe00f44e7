"""Where logemit and django-prometheus differ, all of it: anything else that differs fails, and so does what is here
and differs no longer."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cli.leaving.families import REASONS
from tests.parity.samples import BY_VIEW, REQUEST_BYTES, RESPONSE_BYTES

BOTH = ("sqlite", "postgresql")
POSTGRESQL = ("postgresql",)

METHOD = "django_http_requests_total_by_method_total"
TRANSPORT = "django_http_requests_total_by_transport_total"
VIEW_TRANSPORT_METHOD = "django_http_requests_total_by_view_transport_method_total"
AJAX = "django_http_ajax_requests_total"
TEMPLATE = "django_http_responses_total_by_templatename_total"
STATUS = "django_http_responses_total_by_status_total"
STATUS_VIEW_METHOD = "django_http_responses_total_by_status_view_method_total"
CHARSET = "django_http_responses_total_by_charset_total"
EXCEPTIONS = ("django_http_exceptions_total_by_type_total", "django_http_exceptions_total_by_view_total")
CONNECTIONS = "django_db_new_connections_total"
CONNECTION_ERRORS = "django_db_new_connection_errors_total"
EXECUTED = "django_db_execute_total"
EXECUTED_MANY = "django_db_execute_many_total"
ERRORS = "django_db_errors_total"
QUERIES = "django_db_query_duration_seconds"
READS, HITS, MISSES = "django_cache_get_total", "django_cache_get_hits_total", "django_cache_get_misses_total"
FAILURES = "django_cache_get_fail_total"
INSERTS, UPDATES, DELETES = (f"django_model_{change}_total" for change in ("inserts", "updates", "deletes"))
APPLIED = "django_migrations_applied_total"

Cell = tuple[str, str]
"""A scene and a family."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`where`: scene, and the families that differ in it. `limit`: it is ours that is not what happened."""

    name: str
    where: dict[str, tuple[str, ...]]
    vendors: tuple[str, ...] = BOTH
    limit: bool = False

    @property
    def reason(self) -> str:
        return REASONS[self.name]

    @property
    def cells(self) -> set[Cell]:
        return {(scene, family) for scene, families in self.where.items() for family in families}

    @property
    def families(self) -> set[str]:
        return {family for _, family in self.cells}


def _in(families: tuple[str, ...], *scenes: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(scenes, families)


_OF_ANY_REQUEST = (REQUEST_BYTES, BY_VIEW, METHOD, TRANSPORT, RESPONSE_BYTES, CHARSET, STATUS, STATUS_VIEW_METHOD)

DIFFERENCES = (
    Difference(
        "once_per_request",
        _in((BY_VIEW,), "refusals", "view_fails", "async_view_fails", "rendering_fails", "exception_is_answered"),
    ),
    Difference(
        "unknown_methods",
        _in((BY_VIEW,), "unknown_method"),
    ),
    Difference(
        "answered_exceptions",
        _in(EXCEPTIONS, "refusals", "exception_is_answered"),
    ),
    Difference(
        "exceptions_outside_views",
        _in(EXCEPTIONS, "stream_fails", "middleware_fails", "middleware_fails_late"),
    ),
    Difference(
        "requests_middleware_answers",
        {"middleware_answers": (AJAX, *_OF_ANY_REQUEST), "middleware_fails": _OF_ANY_REQUEST},
    ),
    Difference(
        "views_middleware_answers_for",
        _in((VIEW_TRANSPORT_METHOD,), "middleware_answers_for_the_view"),
    ),
    Difference(
        "status_as_sent",
        _in((STATUS, STATUS_VIEW_METHOD), "slash_redirect", "not_modified", "middleware_fails_late"),
    ),
    Difference(
        "bytes_as_sent",
        _in((RESPONSE_BYTES,), "head", "compressed", "not_modified", "slash_redirect", "middleware_fails_late"),
    ),
    Difference(
        "template_objects",
        _in((TEMPLATE,), "template_objects"),
    ),
    Difference(
        "without_template",
        _in((TEMPLATE,), "rest_framework"),
    ),
    Difference(
        "templates_rendered",
        _in((TEMPLATE,), "rendering_fails", "template_of_a_middleware"),
    ),
    Difference(
        "malformed_length",
        _in(
            (REQUEST_BYTES, BY_VIEW, VIEW_TRANSPORT_METHOD, RESPONSE_BYTES, CHARSET, STATUS, STATUS_VIEW_METHOD),
            "malformed_length",
        ),
    ),
    Difference("connections_opened", _in((CONNECTIONS,), "failed_connections")),
    Difference(
        "statements_of_the_app",
        _in(
            (EXECUTED, QUERIES),
            *("migrating", "queries_in_requests", "queries_in_async_requests"),
            *("reconnecting", "threads", "health_check", "pooled"),
        ),
        vendors=POSTGRESQL,
    ),
    Difference(
        "connections_set_up",
        _in((CONNECTIONS, CONNECTION_ERRORS, EXECUTED, ERRORS, QUERIES), "refused_after_connecting"),
        vendors=POSTGRESQL,
    ),
    Difference(
        "server_side_cursors",
        _in((EXECUTED, QUERIES), "iterated"),
        vendors=POSTGRESQL,
    ),
    Difference(
        "parameters_from_generators",
        _in((EXECUTED, EXECUTED_MANY, QUERIES), "generator"),
    ),
    Difference(
        "rows_not_attempts",
        {"given_keys": (UPDATES,), "failed_inserts": (INSERTS,)},
    ),
    Difference(
        "every_way_to_change_rows",
        {
            "in_bulk": (INSERTS, UPDATES, DELETES),
            "without_the_orm": (INSERTS, UPDATES, DELETES),
            "cascades": (INSERTS, DELETES),
        },
    ),
    Difference("cached_none", _in((HITS, MISSES), "reading_none")),
    Difference(
        "every_read",
        {"reading_many": (READS, HITS, MISSES), "unreachable_for_many": (READS, FAILURES)},
    ),
    Difference(
        "outermost_call",
        _in((READS, HITS), "getting_or_setting", "other_calls"),
    ),
    Difference(
        "migrations_told",
        _in((APPLIED,), "migrating", "migrating_apart"),
    ),
    Difference(
        "migrations_read",
        _in((EXECUTED, QUERIES), "migrating_apart"),
    ),
    Difference(
        "procedures",
        _in((EXECUTED, QUERIES), "called_procedure"),
        vendors=POSTGRESQL,
        limit=True,
    ),
)

CORRECTIONS = {each.name: each for each in DIFFERENCES if not each.limit}
LIMITS = {each.name: each for each in DIFFERENCES if each.limit}


def declared(vendor: str, scenes: Collection[str], among: Iterable[Difference] = DIFFERENCES) -> set[Cell]:
    """What differs in these scenes."""
    return {cell for each in among if vendor in each.vendors for cell in each.cells if cell[0] in scenes}
