"""rsyslog's file formats, sent to by `logger`, Python's SysLogHandler and a handler that writes RFC 5424."""

import logging
import logging.handlers
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from .case import Case, program, running, version, wait_until

Sender = Callable[[bytes, Path, int], None]
"""Sends the lines to a socket or a port."""

_CONFIG = """\
global(workDirectory="{folder}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/log.socket")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}")
module(load="builtin:omfile" Template="{template}")
action(type="omfile" file="{folder}/app.log")
"""


def _recorded(bare: bytes, scratch: Path, template: str, send: Sender) -> bytes:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config, log = scratch / "rsyslog.conf", scratch / "app.log"
    config.write_text(_CONFIG.format(folder=scratch, port=port, template=template))
    command = [program("rsyslogd", "rsyslog"), "-n", "-f", str(config), "-i", str(scratch / "pid")]
    address = scratch / "log.socket"
    with running(command, scratch / "rsyslogd.log", address.exists):
        send(bare, address, port)
        last = bare.split(b"\n")[-2][-200:-1]
        wait_until(lambda: log.exists() and last in log.read_bytes(), "rsyslog did not write the last line")
    return log.read_bytes()


def _by_logger(bare: bytes, address: Path, _port: int) -> None:
    command = ["logger", f"--socket={address}", "--tag=web", "--id=4711", "--size=64KiB"]
    subprocess.run(command, input=bare.replace(b"\x00", b""), check=True)


def _by_logger_rfc5424(bare: bytes, _address: Path, port: int) -> None:
    command = ["logger", "--server=127.0.0.1", f"--port={port}", "--tcp", "--octet-count", "--rfc5424"]
    subprocess.run([*command, "--tag=web", "--id=4711", "--size=64KiB"], input=bare, check=True)


def _by_python(bare: bytes, address: Path, _port: int) -> None:
    handler = logging.handlers.SysLogHandler(str(address))
    handler.ident = "web: "
    _log(handler, bare)


def _by_python_rfc5424(bare: bytes, _address: Path, port: int) -> None:
    from rfc5424logging import Rfc5424SysLogHandler  # noqa: PLC0415 -- only this recorder needs it

    tcp = {"address": ("127.0.0.1", port), "socktype": socket.SOCK_STREAM}
    _log(Rfc5424SysLogHandler(**tcp, appname="web", hostname="vm"), bare)


def _log(handler: logging.Handler, bare: bytes) -> None:
    logger = logging.Logger("web")
    logger.addHandler(handler)
    for line in bare.split(b"\n")[:-1]:
        logger.info("%s", line.decode(errors="replace"))
    handler.close()


_HOW = """\
Recorded with rsyslog ({}) and its template {}, sent to with {}.
rsyslog cuts a message at 8 KiB, and writes control characters as `#` and three octal digits: those below 32, of which
JSON has none, and not DEL. What looks so in the message itself stays as it is."""


def _recorder(template: str, send: Sender, sender: Callable[[], str]) -> Callable[[bytes, Path], Case]:
    def record(bare: bytes, scratch: Path) -> Case:
        data = _recorded(bare, scratch, template, send)
        return Case("syslog", data, _HOW.format(version("rsyslog"), template, sender()))

    return record


traditional = _recorder("RSYSLOG_TraditionalFileFormat", _by_logger, lambda: f"`logger` ({version('bsdutils')})")

RECORDERS = {
    "rsyslog-traditional": traditional,
    "rsyslog": _recorder(
        "RSYSLOG_FileFormat",
        _by_python,
        lambda: "Python's `logging.handlers.SysLogHandler`, which ends a message with NUL",
    ),
    "rsyslog-rfc5424": _recorder(
        "RSYSLOG_SyslogProtocol23Format",
        _by_logger_rfc5424,
        lambda: f"`logger --rfc5424` ({version('bsdutils')})",
    ),
    "rsyslog-rfc5424-bom": _recorder(
        "RSYSLOG_SyslogProtocol23Format",
        _by_python_rfc5424,
        lambda: "rfc5424-logging-handler 1.4.3, which writes a BOM before the message",
    ),
}
