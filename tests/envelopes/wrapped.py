"""Lines as each platform writes them, made from its documentation alone: what the envelopes are held against."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.scale import scaled

ID = "6f7f0961-2cd4-4d5b-9d1a-5f2b6a0c0001"
quick = settings(max_examples=scaled(13, 40, 40), deadline=None)
WORDS = st.text(max_size=40)
"""Anything: control characters, C1, U+2028, quotation marks, backslashes, and what looks like the forms around it."""
LABELS = st.one_of(WORDS, st.sampled_from(["}#012{", "a}]}", "},{", "web | x", "\\u0000", "#177", "\x7f", "\x85", "é"]))
FIELDS = st.dictionaries(
    st.sampled_from(["view", "route", "service", "proc"]),
    LABELS,
)


@st.composite
def event_lines(draw: st.DrawFn) -> str:
    fields = {"logemit": 1, "event": draw(st.sampled_from(["http_request", "task"])), **draw(FIELDS)}
    fields["labels"] = draw(st.dictionaries(LABELS, st.one_of(LABELS, st.integers(-(2**53), 2**53)), max_size=3))
    fields["db_seconds"] = draw(st.floats(allow_nan=False, allow_infinity=False))
    separators = draw(st.sampled_from([(",", ":"), (", ", ":")]))
    return json.dumps(fields, ensure_ascii=draw(st.booleans()), separators=separators)


def _json(fields: dict[str, Any]) -> bytes:
    """With every style of escapes and spaces in turn, told by the length."""
    if len(str(fields)) % 2:
        return json.dumps(fields).encode()
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def docker(text: str) -> bytes:
    return _json({"log": text + "\n", "stream": "stdout", "time": "2026-11-21T08:25:15.095123456Z"})


def cri(text: str) -> bytes:
    return b"2026-11-21T08:25:15.095123456+01:00 stdout F " + text.encode()


_ENTRY = {"__CURSOR": "s=1;i=2", "__REALTIME_TIMESTAMP": "1795249515095123", "_BOOT_ID": "0a", "PRIORITY": "6"}


def journald(text: str) -> bytes:
    return _json({**_ENTRY, "MESSAGE": text, "_SYSTEMD_UNIT": "shop.service"})


def journald_bytes(text: str) -> bytes:
    return _json({"MESSAGE": list(text.encode()), **_ENTRY})


def journald_several(text: str) -> bytes:
    return _json({"MESSAGE": ["", text], **_ENTRY})


def _counted(message: bytes) -> bytes:
    return b"%d %b" % (len(message), message)


def syslog_5424(text: str) -> bytes:
    data = rb'[origin ip="10.0.0.1"][x@1 a="\"\\\]" b=""]'
    return b"<34>1 2026-11-21T08:25:15.095Z host shop 123 ID47 " + data + b" \xef\xbb\xbf" + text.encode()


def syslog_5424_bare(text: str) -> bytes:
    return _counted(b"<165>1 2026-11-21T08:25:15.095123+01:00 host shop - - - " + text.encode())


def syslog_3164(text: str) -> bytes:
    return b"<34>Nov  1 08:25:15 host shop[123]: " + text.encode()


def rsyslog_traditional(text: str) -> bytes:
    return b"Nov 21 08:25:15 host shop[123]: " + text.encode()


def rsyslog_iso(text: str) -> bytes:
    return b"2026-11-21T08:25:15.095123+00:00 host-1.example.com shop: " + text.encode() + b"#012"


def journalctl_short_iso(text: str) -> bytes:
    return b"2026-11-21T08:25:15+0000 host gunicorn[123]: " + text.encode()


def journalctl_short_full(text: str) -> bytes:
    return b"Sat 2026-11-21 08:25:15 UTC host shop.service[123]: " + text.encode()


def rsyslog_of_5424(text: str) -> bytes:
    """rsyslog 8.2302 so writes what came in RFC 5424 with a BOM."""
    return b"Nov 21 08:25:15 host shop[123] \xef\xbb\xbf" + text.encode()


def rsyslog_of_untagged(text: str) -> bytes:
    return b"2026-11-21T08:25:15.095123+00:00 host " + text.encode()


def rsyslog_23(text: str) -> bytes:
    """RSYSLOG_SyslogProtocol23Format: the space that begins the message follows another."""
    return b"<14>1 2026-11-21T08:25:15.095123+00:00 host shop 123 - -  " + text.encode()


def heroku_drain(text: str) -> bytes:
    return _counted(b"<190>1 2026-11-21T08:25:15.095123+00:00 host app web.3 - " + text.encode())


def heroku_shell(text: str) -> bytes:
    return b"2026-11-21T08:25:15.095123+00:00 app[web.3]: " + text.encode()


def cloudwatch_export(text: str) -> bytes:
    return b"2026-11-21T08:25:15.095Z " + text.encode()


def cloudwatch_tail(text: str) -> bytes:
    return b"2026-11-21T08:25:15.095000+00:00 2026/11/21/[$LATEST]0a1b " + text.encode()


def cloudwatch_subscription(text: str) -> bytes:
    names = {"owner": "123", "logGroup": "shop", "logStream": "web/1", "subscriptionFilters": ["all"]}
    events = [{"id": "3195", "timestamp": 1795249515095, "message": text}]
    return _json({"messageType": "DATA_MESSAGE", **names, "logEvents": events})


def cloudwatch_element(text: str) -> bytes:
    return _json({"id": "3195", "timestamp": 1795249515095, "message": text}) + b","


def cloudwatch_last_element(text: str) -> bytes:
    return _json({"id": "3195", "timestamp": 1795249515095, "message": text}) + b"]}"


def lambda_text(text: str) -> bytes:
    return f"[INFO]\t2026-11-21T08:25:15.095Z\t{ID}\t".encode() + text.encode()


def lambda_json(text: str) -> bytes:
    fields = {"timestamp": "2026-11-21T08:25:15Z", "level": "INFO", "message": text, "logger": "root"}
    return _json({**fields, "requestId": ID})


def firelens(text: str) -> bytes:
    return _json({"container_id": "0a", "container_name": "/shop", "source": "stdout", "log": text})


def fluent_bit(text: str) -> bytes:
    pod = {"pod_name": "shop-1", "namespace_name": "default", "labels": {"app": "shop"}}
    return _json({"date": 1795249515.095, "stream": "stdout", "_p": "F", "log": text, "kubernetes": pod})


def fluent_bit_file(text: str) -> bytes:
    return b"shop.web: [1795249515.095123000, " + _json({"log": text, "stream": "stdout"}) + b"]"


def fluentd_file(text: str) -> bytes:
    return b"2026-11-21T08:25:15+00:00\tshop.web\t" + _json({"log": text, "container_id": "0a"})


def fluentd_stdout(text: str) -> bytes:
    return b"2026-11-21 08:25:15.095123000 +0000 shop.web: " + _json({"message": text})


def vector(text: str) -> bytes:
    fields = {"container_id": "0a", "host": "h", "message": text, "source_type": "docker_logs", "stream": "stdout"}
    return _json({**fields, "timestamp": "2026-11-21T08:25:15.095123Z"})


_LOG_ENTRY = {"insertId": "abc", "logName": "projects/p/logs/stdout", "timestamp": "2026-11-21T08:25:15.095123Z"}


def gcp_text(text: str) -> bytes:
    return _json({**_LOG_ENTRY, "textPayload": text + "\n", "resource": {"type": "k8s_container", "labels": {}}})


def gcp_message(text: str) -> bytes:
    return _json({**_LOG_ENTRY, "jsonPayload": {"message": text, "logger": "shop"}})


def kubectl(text: str) -> bytes:
    return b"[pod/shop-5d8f/web] 2026-11-21T08:25:15.095123456Z " + text.encode()


def docker_logs(text: str) -> bytes:
    return b"2026-11-21T08:25:15.095123456Z " + text.encode()


def compose(text: str) -> bytes:
    return b"\x1b[36mweb-1     | \x1b[0m" + text.encode()


def honcho(text: str) -> bytes:
    return b"08:25:15 web.1  | " + text.encode()


def celery(text: str) -> bytes:
    return b"[2026-11-21 08:25:15,095: WARNING/ForkPoolWorker-1] " + text.encode()


def celery_task(text: str) -> bytes:
    return f"[2026-11-21 08:25:15,095: INFO/ForkPoolWorker-1] shop.emit[{ID}]: ".encode() + text.encode()


def logging_basic(text: str) -> bytes:
    return b"INFO:root:" + text.encode()


def logging_spaced(text: str) -> bytes:
    return b"2026-11-21 08:25:15,095 INFO shop.views " + text.encode()


def logging_dashed(text: str) -> bytes:
    return b"2026-11-21 08:25:15,095 - shop.views - INFO - " + text.encode()


def logging_verbose(text: str) -> bytes:
    return b"INFO 2026-11-21 08:25:15,095 views 123 140735 " + text.encode()


def gunicorn(text: str) -> bytes:
    return b"[2026-11-21 08:25:15 +0000] [123] [INFO] " + text.encode()


WRAPPERS: dict[Callable[[str], bytes], str] = {
    docker: "docker",
    cri: "cri",
    journald: "journald",
    journald_bytes: "journald",
    syslog_5424: "syslog",
    syslog_5424_bare: "syslog",
    syslog_3164: "syslog",
    rsyslog_traditional: "syslog",
    rsyslog_iso: "syslog",
    journalctl_short_iso: "syslog",
    journalctl_short_full: "syslog",
    rsyslog_of_5424: "syslog",
    rsyslog_of_untagged: "syslog",
    rsyslog_23: "syslog",
    heroku_drain: "heroku",
    heroku_shell: "heroku",
    cloudwatch_export: "cloudwatch",
    cloudwatch_tail: "cloudwatch",
    cloudwatch_subscription: "cloudwatch",
    cloudwatch_element: "cloudwatch",
    cloudwatch_last_element: "cloudwatch",
    lambda_text: "lambda",
    lambda_json: "lambda",
    firelens: "fluent",
    fluent_bit: "fluent",
    fluent_bit_file: "fluent",
    fluentd_file: "fluent",
    fluentd_stdout: "fluent",
    vector: "fluent",
    gcp_text: "gcp",
    gcp_message: "gcp",
    kubectl: "kubectl",
    docker_logs: "kubectl",
    compose: "compose",
    honcho: "compose",
    celery: "celery",
    celery_task: "celery",
    logging_basic: "logging",
    logging_spaced: "logging",
    logging_dashed: "logging",
    logging_verbose: "logging",
    gunicorn: "logging",
}
"""Each form, and the envelope that it is."""
