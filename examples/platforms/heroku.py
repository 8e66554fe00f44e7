"""Heroku's log drains and its command line, from the documented formats."""

from pathlib import Path

from .case import Case, lines

_LIMIT = 10_000
"""Logplex splits longer lines."""


def drain(bare: bytes, _scratch: Path) -> Case:
    written = []
    for line in lines(bare):
        when, process = f"{line.when:%Y-%m-%dT%H:%M:%S.%f}+00:00".encode(), b"web.1" if line.is_event else b"worker.1"
        messages = [b"<190>1 %s host app %s - %s\n" % (when, process, part) for part in _parts(line.raw)]
        written += [_counted(message) for message in messages]
    written.insert(3, _counted(b"<158>1 2026-11-21T08:25:15.100000+00:00 host heroku router - at=info status=200\n"))
    how = """\
Built from the documented format: "Log Drains" and "HTTPS Drains" of Heroku's Dev Center. A body as it is posted: RFC
5424's header without structured data, each message preceded by its length, its newline counted (RFC 6587). Lines of
over 10,000 bytes come in parts."""
    return Case("heroku", b"".join(written), how, built=True)


def logs(bare: bytes, _scratch: Path) -> Case:
    written = []
    for line in lines(bare):
        when, process = f"{line.when:%Y-%m-%dT%H:%M:%S.%f}+00:00".encode(), b"web.1" if line.is_event else b"worker.1"
        written += [b"%s app[%s]: %s\n" % (when, process, part) for part in _parts(line.raw)]
    written.insert(3, b"2026-11-21T08:25:15.100000+00:00 heroku[router]: at=info status=200\n")
    how = 'Built from the documented format: "Logging" of Heroku\'s Dev Center, what `heroku logs` prints.'
    return Case("heroku", b"".join(written), how, built=True)


def _counted(message: bytes) -> bytes:
    return b"%d %s" % (len(message), message)


def _parts(line: bytes) -> list[bytes]:
    return [line[at : at + _LIMIT] for at in range(0, len(line) or 1, _LIMIT)]


RECORDERS = {"heroku-drain": drain, "heroku-logs": logs}
