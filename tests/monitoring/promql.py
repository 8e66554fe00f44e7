"""What expressions name, without a parser: enough for those that are written here."""

import re
from typing import Any, NamedTuple

import yaml

_WORDS = {"and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring", "group_left", "group_right"}
_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


class Rules(NamedTuple):
    """A file of rules, as Prometheus reads it."""

    records: dict[str, str]
    """Expressions by name."""
    alerts: dict[str, dict[str, Any]]
    groups: dict[str, list[str]]
    """Names of rules, in their order."""

    @property
    def expressions(self) -> list[str]:
        return [*self.records.values(), *(alert["expr"] for alert in self.alerts.values())]


def rules_of(text: str) -> Rules:
    groups = {group["name"]: group["rules"] for group in yaml.safe_load(text)["groups"]}
    found = [rule for rules in groups.values() for rule in rules]
    records = {rule["record"]: rule["expr"] for rule in found if "record" in rule}
    alerts = {rule["alert"]: rule for rule in found if "alert" in rule}
    assert len(records) + len(alerts) == len(found), "a name is there twice"
    named = {group: [rule.get("record") or rule["alert"] for rule in rules] for group, rules in groups.items()}
    return Rules(records, alerts, named)


def names_in(expression: str) -> set[str]:
    """Of metrics, also those that a pattern for `__name__` lists."""
    listed = re.findall(r'__name__=~"([^"]*)"', expression)
    bare = re.sub(r'"(\\.|[^"\\])*"', '""', expression)
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    words = set(re.findall(r"(?<![\w:])[a-zA-Z_:][\w:]*(?![\w:]|\s*\()", bare))
    return (words - _WORDS) | {name for names in listed for name in names.split("|")}


def ranges_in(expression: str) -> set[int]:
    """Seconds of every range, those of subqueries too."""
    bare = re.sub(r'"(\\.|[^"\\])*"', '""', expression)
    return {seconds(found) for found in re.findall(r"\[(\w+)(?::\w+)?\]", bare)}


def seconds(duration: str) -> int:
    parts = re.findall(r"(\d+)([wdhms])", duration)
    assert "".join(number + unit for number, unit in parts) == duration
    return sum(int(number) * _UNITS[unit] for number, unit in parts)
