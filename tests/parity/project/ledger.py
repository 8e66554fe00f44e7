"""What the driver knows of its own traffic, as the samples that should come of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.parity.samples import BY_VIEW, REQUEST_BYTES, RESPONSE_BYTES, SIZE_BOUNDS, Samples, series

UNNAMED = "<unnamed view>"
INVALID = "<invalid method>"
METHODS = frozenset("GET HEAD POST PUT DELETE TRACE OPTIONS CONNECT PATCH".split())


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what was sent, which view it was meant for, and what the app does there."""

    method: str
    view: str
    transport: str
    length: int
    ajax: bool
    template: str
    exception: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client got."""

    status: int
    length: int
    charset: str
    streamed: bool


class Ledger:
    def __init__(self) -> None:
        self.samples: Samples = Counter()

    def count(self, name: str, amount: int = 1, /, **labels: str) -> None:
        self.samples[series(name, labels)] += amount

    def size(self, name: str, value: int) -> None:
        for bound in SIZE_BOUNDS:
            if value <= bound:
                self.count(f"{name}_bucket", le=str(bound))
        self.count(f"{name}_count")
        self.count(f"{name}_sum", value)

    def asked(self, asked: Asked) -> None:
        method = asked.method if asked.method in METHODS else INVALID
        self.count("django_http_requests_before_middlewares_total")
        self.count("django_http_requests_total_by_method_total", method=method)
        self.count("django_http_requests_total_by_transport_total", transport=asked.transport)
        if asked.view != UNNAMED:
            labels = {"view": asked.view, "transport": asked.transport, "method": method}
            self.count("django_http_requests_total_by_view_transport_method_total", **labels)
        if asked.ajax:
            self.count("django_http_ajax_requests_total")
        self.size(REQUEST_BYTES, asked.length)
        if asked.exception:
            self.count("django_http_exceptions_total_by_type_total", type=asked.exception)
            self.count("django_http_exceptions_total_by_view_total", view=asked.view)

    def answered(self, asked: Asked, answer: Answer) -> None:
        method = asked.method if asked.method in METHODS else INVALID
        status = str(answer.status)
        self.count("django_http_responses_before_middlewares_total")
        self.count("django_http_requests_latency_including_middlewares_seconds_count")
        self.count(f"{BY_VIEW}_count", view=asked.view, method=method)
        self.count("django_http_responses_total_by_status_total", status=status)
        labels = {"status": status, "view": asked.view, "method": method}
        self.count("django_http_responses_total_by_status_view_method_total", **labels)
        self.count("django_http_responses_total_by_charset_total", charset=answer.charset)
        if asked.template:
            self.count("django_http_responses_total_by_templatename_total", templatename=asked.template)
        if answer.streamed:
            self.count("django_http_responses_streaming_total")
        else:
            self.size(RESPONSE_BYTES, answer.length)

    def statements(self, alias: str, vendor: str, counts: Iterable[tuple[int, bool]]) -> None:
        """Of each execute 1, of each executemany its parameter sets."""
        for statements, many in counts:
            self.count("django_db_execute_total", statements, alias=alias, vendor=vendor)
            self.count("django_db_query_duration_seconds_count", alias=alias, vendor=vendor)
            if many:
                self.count("django_db_execute_many_total", statements, alias=alias, vendor=vendor)

    def cached(self, backend: str, *, hits: int = 0, misses: int = 0, failures: int = 0) -> None:
        """Keys read."""
        self.count("django_cache_get_total", hits + misses + failures, backend=backend)
        self.count("django_cache_get_hits_total", hits, backend=backend)
        self.count("django_cache_get_misses_total", misses, backend=backend)
        self.count("django_cache_get_fail_total", failures, backend=backend)

    def changed(self, model: str, **rows: int) -> None:
        """`inserts`, `updates`, `deletes`."""
        for change, count in rows.items():
            self.count(f"django_model_{change}_total", count, model=model)


def charset_of(headers: Any) -> str:
    """As the client reads it; Django's own where nothing is said."""
    _, _, given = str(headers.get("Content-Type", "")).partition("charset=")
    return given.strip() or "utf-8"
