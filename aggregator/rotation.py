"""The names that rotation gives: which log a rotated one was."""

import os
import re

LOG_NAME = re.compile(
    r".+\.(log|jsonl|ndjson|out)([.-].*)?|.+\.(gz|zst|xz|bz2)|stdout|stderr|current|@[0-9a-f]{24}\.[su]"
)
"""What is taken for a log in a folder; the last two are svlogd's."""

_PACKED = re.compile(r"\.(gz|zst|xz|bz2)$")
_SET_ASIDE = re.compile(r"(.+?)(\.old|\.bak|~)?")
_NUMBERED = re.compile(r"[.-]\d[\w.-]*", re.ASCII)
_DATED = re.compile(r"(.+?)[.-]\d[\d._T-]{7,}(\.[A-Za-z]+)", re.ASCII)
_SVLOGD = re.compile(r"@[0-9a-f]{24}\.[su]")


def bases(path: str) -> list[str]:
    """The logs that a file may have been before it was rotated: by its name only, the likeliest first.

    app.log for app.log.1, app.log.2.gz, app.log-20261120, app.log.2026-11-20, app-20261120.log and app.log.old.
    """
    folder, name = os.path.split(path)
    plain = unpacked(name)
    found = [plain[:i] for i in range(len(plain) - 1, 0, -1) if _NUMBERED.fullmatch(plain, i)]
    if dated := _DATED.fullmatch(plain):
        found.append(dated[1] + dated[2])
    if aside := _SET_ASIDE.fullmatch(plain):
        found.append(aside[1])
    if _SVLOGD.fullmatch(plain):
        found.append("current")
    return [os.path.join(folder, each) for each in dict.fromkeys(found) if each != name]


def unpacked(path: str) -> str:
    """The name before it was compressed."""
    return _PACKED.sub("", path)


def origin(path: str) -> str:
    """The log that a file was before it was rotated, if that is there; else itself."""
    return next((base for base in bases(path) if os.path.isfile(base)), path)
