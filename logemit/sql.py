"""What may be known of a statement without its data: its first word, and its text with literals scrubbed."""

import re
from functools import lru_cache
from typing import Any

_OPERATIONS = frozenset(
    "SELECT INSERT UPDATE DELETE MERGE REPLACE WITH VALUES TABLE CREATE ALTER DROP TRUNCATE COMMENT BEGIN START COMMIT "
    "ROLLBACK SAVEPOINT RELEASE SET RESET SHOW PRAGMA EXPLAIN CALL DO EXECUTE PREPARE DEALLOCATE COPY DECLARE FETCH "
    "CLOSE LOCK ANALYZE VACUUM REINDEX REFRESH GRANT REVOKE LISTEN NOTIFY UNLISTEN ATTACH DETACH USE".split()
)
_FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*([A-Za-z]+)", re.DOTALL)
_TEXT_LIMIT = 2000

# A literal that does not end swallows the rest: better no text than somebody's data.
_SCRUB = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<literal>\$(?P<tag>[A-Za-z_]*)\$.*?(?:\$(?P=tag)\$|\Z)   # PostgreSQL's $tag$ … $tag$
      | [eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)                           # E'…' with backslashes
      | '(?:[^']|'')*(?:'|\Z)
      | (?<![\w$"`\]])[-+]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+))
    | (?P<name>"(?:[^"]|"")*(?:"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*\])
    """,
    re.VERBOSE | re.DOTALL,
)
_MYSQL_STRING = re.compile(r"""(?P<q>['"])(?:\\.|(?P=q)(?P=q)|(?!(?P=q))[^\\])*(?:(?P=q)|\Z)""", re.DOTALL)


def operation(sql: Any) -> str:
    """The statement's first word, from a fixed list; OTHER for anything else."""
    return _operation(sql[:200]) if isinstance(sql, str) else "OTHER"


@lru_cache(maxsize=1024)
def _operation(start: str) -> str:
    match = _FIRST_WORD.match(start)
    word = match[1].upper() if match else ""
    return word if word in _OPERATIONS else "OTHER"


def scrubbed(sql: Any, vendor: str) -> str:
    """The statement without comments, and with ? for every literal."""
    if not isinstance(sql, str):
        return ""
    if vendor == "mysql":
        sql = _MYSQL_STRING.sub("?", sql)
    text = _SCRUB.sub(lambda match: match["name"] or ("" if match["comment"] else "?"), sql)
    return " ".join(text.split())[:_TEXT_LIMIT]
