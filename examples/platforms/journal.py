"""systemd's journal: journald in a mount namespace of its own, read by journalctl in each format."""

import subprocess
from pathlib import Path

from .case import EVENT, Case, key, program, version, without

_SCRIPT = """\
set -e
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t tmpfs tmpfs /run/systemd
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log
mount --bind {folder} /run/log
printf '[Journal]\\nStorage=volatile\\nForwardToSyslog=no\\nReadKMsg=no\\nAudit=no\\nRateLimitIntervalSec=0\\n' \\
  > /run/systemd/journald.conf.d/here.conf
{journald} & journald=$!
trap 'kill $journald; wait' EXIT
while ! [ -S /run/systemd/journal/stdout ]; do sleep 0.1; done
systemd-cat --identifier=web --level-prefix=false cat {folder}/first
logger --journald < {folder}/several  # makes one message of two lines
python3 - {folder}/twice << 'END'
import pathlib, socket, sys
native = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
native.sendto(pathlib.Path(sys.argv[1]).read_bytes(), "/run/systemd/journal/socket")
END
systemd-cat --identifier=web --level-prefix=false cat {folder}/rest
sleep 0.5
kill -s RTMIN+1 $journald  # sync
sleep 0.5
journalctl --directory=/run/log/journal --identifier=web --output={output} > {folder}/output
"""
_APART = 100
"""The event that is sent with a line before it, and the next with a second message beside it."""


def _recorded(bare: bytes, scratch: Path, output: str) -> bytes:
    lines = bare.split(b"\n")[:-1]
    one, other = [at for at, line in enumerate(lines) if line.startswith(EVENT)][_APART : _APART + 2]
    assert other == one + 1
    (scratch / "first").write_bytes(b"".join(line + b"\n" for line in lines[:one]))
    (scratch / "rest").write_bytes(b"".join(line + b"\n" for line in lines[other + 1 :]))
    fields = b"PRIORITY=6\nSYSLOG_IDENTIFIER=web\nMESSAGE=%s\nMESSAGE=%s\n"
    (scratch / "several").write_bytes(fields % (b"a line before it", lines[one]))
    (scratch / "twice").write_bytes(fields % (lines[other], b"a second message"))
    journald = program("systemd-journald", "systemd")
    script = _SCRIPT.format(folder=scratch, journald=journald, output=output)
    log = scratch / "journald.log"
    with log.open("wb") as errors:
        subprocess.run(["unshare", "--mount", "sh", "-c", script], check=True, stdout=errors, stderr=errors, timeout=60)
    return (scratch / "output").read_bytes()


def _how(command: str) -> str:
    return f"""\
Recorded with systemd-journald and journalctl ({version("systemd")}): the program's stdout went to the journal through
`systemd-cat`; one event is the second line of a message (`logger --journald`), and one record has two fields `MESSAGE`
(the native protocol). Read with `{command}`."""


def json_(bare: bytes, scratch: Path) -> Case:
    how = """
A message with an unprintable character (ESC, DEL, U+0085) is a list of bytes, one of over 4,096 bytes, `MESSAGE=`
included, is null, two messages in a record are a list. The order of the keys differs from line to line."""
    return Case("journald", _recorded(bare, scratch, "json"), _how("journalctl -t web -o json") + how)


def all_(bare: bytes, scratch: Path) -> Case:
    how = "\nWith `--all` no message is null, however long."
    return Case("journald", _recorded(bare, scratch, "json --all"), _how("journalctl -t web -o json --all") + how)


def export(bare: bytes, scratch: Path) -> Case:
    how = """
An empty line ends a record; a field whose value is unprintable is its name, a newline, eight bytes of length, least
first, the value and a newline."""
    return Case("bare", _recorded(bare, scratch, "export"), _how("journalctl -t web -o export") + how)


def short(bare: bytes, scratch: Path) -> Case:
    return _short(bare, scratch, "short")


def short_iso(bare: bytes, scratch: Path) -> Case:
    return _short(bare, scratch, "short-iso")


def _short(bare: bytes, scratch: Path, output: str) -> Case:
    data = _recorded(bare, scratch, output)
    how = """
A message with an unprintable character (ESC, DEL, U+0085) is replaced by `[222B blob data]`, and such events are lost.
Further lines of a message are indented; of two messages in a record one is shown."""
    arrived = {key(line) for line in data.split(b"\n") if b'{"logemit"' in line and line.endswith(b"}")}

    def lost(line: bytes) -> str | None:
        if key(line) in arrived:
            return None
        plain = line.decode().isprintable()
        return "of two messages in a record one is shown" if plain else "journalctl prints blob data instead"

    unreadable = without(bare, lost)
    return Case("syslog", data, _how(f"journalctl -t web -o {output}") + how, unreadable=unreadable)


RECORDERS = {
    "journald": json_,
    "journald-all": all_,
    "journald-export": export,
    "journald-short": short,
    "journald-short-iso": short_iso,
}
