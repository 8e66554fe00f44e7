"""What in the rules is a matter of taste: options of the command, numbers in the rules."""

import re
from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError
from ..spans import parse_span

RUNBOOKS = "docs/runbooks.md"


@dataclass(frozen=True, slots=True)
class Threshold:
    """An option of the command, and a number in the rules. A share is 0 to 1, a span is shown in seconds."""

    name: str
    kind: Literal["share", "span", "count"]
    default: str
    help: str

    @property
    def option(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    def number(self, text: str) -> str:
        """As PromQL. Raises UsageError."""
        if self.kind == "span":
            return f"{parse_span(text, self.option):.12g}"
        if self.kind == "count":
            return str(_count(text, self.option))
        return f"{_share(text, self.option):.12g}"

    def shown(self, text: str) -> str:
        """In a sentence. Raises UsageError."""
        return f"{100 * _share(text, self.option):.4g} %" if self.kind == "share" else text.strip()


THRESHOLDS = (
    Threshold("error_ratio", "share", "0.05", "More responses than this share with status 5xx are critical."),
    Threshold("latency_p95", "span", "1s", "Slower 95th percentiles of requests are a warning."),
    Threshold("db_seconds", "span", "500ms", "More time than this in the database for each request is a warning."),
    Threshold("cache_hit_share", "share", "0.5", "A smaller share of keys found in a cache is told."),
    Threshold("feed_failures", "share", "0.2", "More feed polls than this share that fail are a warning."),
    Threshold("import_failures", "share", "0.2", "More imports than this share that fail are a warning."),
    Threshold("task_failures", "share", "0.05", "More runs of a task than this share that fail are a warning."),
    Threshold("task_wait", "span", "5m", "Longer waits of tasks in a queue, at the 95th percentile, are a warning."),
    Threshold("data_quality", "share", "0.9", "A lower score of a dataset is a warning."),
    Threshold(
        "silent_after", "span", "1h", "A service that tells of nothing for so long, unlike a day before, is down."
    ),
    Threshold("no_events_for", "span", "1h", "No event of any service for so long is a warning."),
    Threshold("min_requests", "count", "20", "Shares of fewer requests, or keys of a cache, are not judged."),
    Threshold("min_jobs", "count", "5", "Shares of fewer tasks, feed polls, or imports are not judged."),
)


def _share(text: str, option: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if 0 <= value <= 1:
        return value
    raise UsageError(f"{option} is {text!r}; expected a share of 0 to 1, such as 0.05")


def _count(text: str, option: str) -> int:
    if re.fullmatch(r"[0-9]{1,12}", text) and int(text):
        return int(text)
    raise UsageError(f"{option} is {text!r}; expected a number of 1 or more")
