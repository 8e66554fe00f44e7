"""What may be known of a statement without its data: its first word, and its text with literals scrubbed."""

import re
from functools import lru_cache
from typing import Any

_OPERATIONS = frozenset(
    "SELECT INSERT UPDATE DELETE MERGE REPLACE WITH VALUES TABLE CREATE ALTER DROP TRUNCATE COMMENT BEGIN START COMMIT "
    "ROLLBACK SAVEPOINT RELEASE SET RESET SHOW PRAGMA EXPLAIN CALL DO EXECUTE PREPARE DEALLOCATE COPY DECLARE FETCH "
    "CLOSE LOCK ANALYZE VACUUM REINDEX REFRESH GRANT REVOKE LISTEN NOTIFY UNLISTEN ATTACH DETACH USE".split()
)
_TEXT_LIMIT = 2000

_SPACE = r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*"
_IDENTIFIER = r"(?:\"[^\"]+\"|`[^`]+`|[^\W\d]\w*)"
_WRITTEN = re.compile(
    rf"{_SPACE}(?:INSERT\s+(?:OR\s+\w+\s+|IGNORE\s+)?INTO|REPLACE\s+INTO|UPDATE(?:\s+OR\s+\w+)?|DELETE\s+FROM)"
    rf"\s+(?:ONLY\s+)?({_IDENTIFIER}(?:\.{_IDENTIFIER})*)",
    re.DOTALL | re.IGNORECASE,
)
_FIRST_WORD = re.compile(rf"{_SPACE}([A-Za-z]+)", re.DOTALL)
_START = 256
"""Characters in which an operation and its table are looked for."""

# One pass, so that a quote in a comment opens no string. What does not end, or nests, swallows the rest:
# better no text than somebody's data.
_COMMENT = r"--[^\n]*|/\*(?:(?!\*/|/\*).)*\*/|/\*.*"
_NUMBER = r"(?<![\w$])(?:\d|\.\d)[\w.]*(?:(?<=[eE])[-+]\d+)?"
_NAME = r"\"[^\W\d][\w$]*\"|`[^`]*`"

_STANDARD = re.compile(
    rf"""
    (?P<comment>{_COMMENT})
    | (?P<literal>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)       # PostgreSQL's $tag$ … $tag$
      | (?<!\w)[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)                             # E'…' with backslashes
      | (?<!\w)[nN]?[qQ]'(?:\[.*?(?:\]'|\Z)|\{{.*?(?:\}}'|\Z)|\(.*?(?:\)'|\Z)|<.*?(?:>'|\Z)   # Oracle's q'[…]'
        |(?P<mark>[^\s\[{{(<]).*?(?:(?P=mark)'|\Z))
      | '(?:[^']|'')*(?:'|\Z)
      | {_NUMBER})
    | (?P<name>{_NAME})
    | (?P<text>"(?:[^"]|"")*(?:"|\Z))                                         # SQLite takes it for a string
    """,
    re.VERBOSE | re.DOTALL,
)
_MYSQL = re.compile(
    rf"""
    (?P<comment>{_COMMENT}|\#[^\n]*)
    | (?P<literal>(?P<quote>['"])(?:\\.|(?P=quote){{2}}|(?!(?P=quote))[^\\])*(?:(?P=quote)|\Z)|{_NUMBER})
    | (?P<name>`[^`]*`)
    """,
    re.VERBOSE | re.DOTALL,
)


def operation(sql: Any) -> str:
    """The statement's first word, from a fixed list; OTHER for anything else."""
    if not isinstance(sql, str):
        return "OTHER"
    return _operation(sql[:_START])


@lru_cache(maxsize=1024)
def _operation(start: str) -> str:
    match = _FIRST_WORD.match(start)
    word = match[1].upper() if match else ""
    return word if word in _OPERATIONS else "OTHER"


def written_table(sql: str) -> str:
    """The table that an INSERT, REPLACE, UPDATE or DELETE names, without quotes; "" where there is none."""
    return _written_table(sql[:_START])


@lru_cache(maxsize=1024)
def _written_table(start: str) -> str:
    match = _WRITTEN.match(start)
    return match[1].replace('"', "").replace("`", "") if match else ""


def scrubbed(sql: Any, vendor: str) -> str:
    """The statement without comments, and with ? for every literal."""
    if not isinstance(sql, str):
        return ""
    tokens = _MYSQL if vendor == "mysql" else _STANDARD
    text = tokens.sub(lambda match: match["name"] or (" " if match["comment"] else "?"), sql[:20_000])
    return " ".join(text.split())[:_TEXT_LIMIT]
