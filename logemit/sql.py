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

# Possessive: a statement may begin with any number of comments, and must not be tried in as many ways.
_BLANK = r"(?:\s|--[^\n]*\n|/\*(?:[^*]|\*(?!/))*+\*/)"
_SPACE = rf"(?:{_BLANK}|\()*+"
_IDENTIFIER = r"(?:\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[^\W\d][\w$]*)"
_WRITTEN = re.compile(
    rf"{_SPACE}(?:INSERT{_BLANK}++(?:OR{_BLANK}++\w+{_BLANK}++|IGNORE{_BLANK}++)?INTO|REPLACE{_BLANK}++INTO"
    rf"|UPDATE(?:{_BLANK}++OR{_BLANK}++\w+)?|DELETE{_BLANK}++FROM)"
    rf"{_BLANK}++(?:ONLY{_BLANK}++)?({_IDENTIFIER}(?:\.{_IDENTIFIER})*)",
    re.DOTALL | re.IGNORECASE,
)
_RETURNING = re.compile(r"(?<![\w\"`\[])RETURNING(?![\w\"`\]])", re.IGNORECASE)
_FIRST_WORD = re.compile(rf"{_SPACE}([A-Za-z]+)", re.DOTALL)
_START = 256
"""Characters in which an operation and its table are looked for."""

# One pass, so that a quote in a comment opens no string. What does not end, or nests, swallows the rest:
# better no text than somebody's data.
_COMMENT = r"--[^\n]*|/\*(?:(?!\*/|/\*).)*\*/|/\*.*"
_NUMBER = r"(?<![\w$])(?:\d|\.\d)[\w.]*(?:(?<=[eE])[-+]\d+)?"
_NAME = r"\"[^\W\d][\w$]*\"|`[^`]*`"

_STANDARD_TOKENS = rf"""
    (?P<comment>{_COMMENT})
    | (?P<literal>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)       # PostgreSQL's $tag$ … $tag$
      | (?<!\w)[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)                             # E'…' with backslashes
      | (?<!\w)[nN]?[qQ]'(?:\[.*?(?:\]'|\Z)|\{{.*?(?:\}}'|\Z)|\(.*?(?:\)'|\Z)|<.*?(?:>'|\Z)   # Oracle's q'[…]'
        |(?P<mark>[^\s\[{{(<]).*?(?:(?P=mark)'|\Z))
      | '(?:[^']|'')*(?:'|\Z)
      | {_NUMBER})
    | (?P<name>{_NAME})
    | (?P<text>"(?:[^"]|"")*(?:"|\Z))                                         # SQLite takes it for a string
    """
_STANDARD = re.compile(_STANDARD_TOKENS, re.VERBOSE | re.DOTALL)
_SQLITE = re.compile(
    rf"(?P<bracketed>\[[^\W\d][\w$]*\])|(?P<odd>\[[^\]]*(?:\]|\Z))|{_STANDARD_TOKENS}", re.VERBOSE | re.DOTALL
)
_MYSQL = re.compile(
    rf"""
    (?P<comment>--(?=\s|\Z)[^\n]*|/\*(?:(?!\*/|/\*).)*\*/|/\*.*|\#[^\n]*)
    # Whether a backslash escapes a quote hangs on a setting: from there on nothing is sure.
    | (?P<unsure>(?P<mark>['"])(?:(?P=mark){{2}}|\\(?!(?P=mark)).|(?!(?P=mark))[^\\])*\\(?P=mark).*)
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


def written_tables(sql: str) -> tuple[str, ...]:
    """Names by which to look for the table that an INSERT, REPLACE, UPDATE or DELETE writes, the likeliest first."""
    return _written_tables(sql[:_START])


@lru_cache(maxsize=1024)
def _written_tables(start: str) -> tuple[str, ...]:
    match = _WRITTEN.match(start)
    if match is None:
        return ()
    parts = re.findall(_IDENTIFIER, match[1])
    plain = [part.strip('"`[]') for part in parts]
    names = [".".join(plain), plain[-1]]
    if plain[-1] == parts[-1]:  # without quotes, its case says nothing
        names.append(plain[-1].lower())
    return tuple(dict.fromkeys(names))


def returns_rows(sql: str, vendor: str) -> bool:
    """It has a RETURNING clause."""
    place = sql.upper().rfind("RETURNING")
    if place < 0:
        return False
    return _is_clause(sql, place) or _RETURNING.search(_bare(sql, vendor)) is not None


def _is_clause(sql: str, place: int) -> bool:
    """For sure, as in what Django writes; taking a long statement apart would cost milliseconds."""
    outside_names = sql.count('"', 0, place) % 2 == 0 and not any(
        mark in sql for mark in ("'", "`", "[", "--", "/*", "$")
    )
    return outside_names and _RETURNING.match(sql, place) is not None


def is_one_statement(sql: str, vendor: str) -> bool:
    return ";" not in sql or ";" not in sql.rstrip("; \t\r\n") or ";" not in _bare(sql, vendor).rstrip("; \t\r\n")


def scrubbed(sql: Any, vendor: str) -> str:
    """The statement without comments, and with ? for every literal."""
    if not isinstance(sql, str):
        return ""
    return " ".join(_bare(sql[:20_000], vendor).split())[:_TEXT_LIMIT]


def _bare(sql: str, vendor: str) -> str:
    tokens = {"mysql": _MYSQL, "sqlite": _SQLITE}.get(vendor, _STANDARD)
    return tokens.sub(_kept, sql)


def _kept(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return groups["name"] or groups.get("bracketed") or (" " if groups["comment"] else "?")
