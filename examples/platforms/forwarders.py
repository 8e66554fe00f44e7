"""Fluent Bit, Fluentd and Vector: from their documented formats, as none is to be had from Debian or PyPI."""

from pathlib import Path
from typing import Any

from .case import Case, Line, dumps, lines, nanos

_CONTAINER = "0b69d5c0d655419e8b3b3ca2dfef1a4a0b69d5c0d655419e8b3b3ca2dfef1a4a"
_POD = {
    "pod_name": "web-6d4cf56db6-x7q2p",
    "namespace_name": "live",
    "pod_id": "8f5ba1e5-6d4f-4d6f-9d5e-20b7f8c1a2b3",
    "labels": {"app": "web", "pod-template-hash": "6d4cf56db6"},
    "host": "node-1",
    "container_name": "web",
    "container_image": "registry.example/web:7",
}
_PIPE = 8192


def _stream(line: Line) -> str:
    return "stdout" if line.is_event else "stderr"


def _json_lines(records: list[dict[str, Any]], *, ascii_only: bool = False) -> bytes:
    return "".join(dumps(record, ascii_only=ascii_only) + "\n" for record in records).encode()


_FLUENT_BIT = """\
Built from the documented format: the pages "Tail", "Kubernetes" and "File" of Fluent Bit's manual; all but ASCII is
escaped, as Fluent Bit does unless told otherwise. """


def _fluent_bit(line: Line, log: str, tag: str = "F") -> dict[str, Any]:
    head = {"date": round(line.when.timestamp(), 6), "time": nanos(line.when), "stream": _stream(line)}
    return {**head, "_p": tag, "log": log}


def fluent_bit(bare: bytes, _scratch: Path) -> Case:
    records = [{**_fluent_bit(line, line.text), "kubernetes": _POD} for line in lines(bare)]
    how = "A container's log through `tail` with its CRI parser and the filter `kubernetes`."
    return Case("fluent", _json_lines(records, ascii_only=True), _FLUENT_BIT + how, built=True)


def fluent_bit_parts(bare: bytes, _scratch: Path) -> Case:
    """Cut where a reader of 8 KiB at once would cut, as conmon does."""
    records, written = [], 0
    for line in lines(bare):
        text, cut = line.text, _PIPE - written % _PIPE
        written += len(text) + 1
        while len(text) > cut:
            records.append(_part(line, "P", text[:cut]))
            text, cut = text[cut:], _PIPE
        records.append(_part(line, "F", text))
    how = """\
A container's log through `tail` with the parser `cri` of the file `parsers.conf`, which names the fields otherwise and
leaves partial lines apart."""
    return Case("fluent", _json_lines(records, ascii_only=True), _FLUENT_BIT + how, built=True)


def _part(line: Line, tag: str, text: str) -> dict[str, Any]:
    head = {"date": round(line.when.timestamp(), 6), "time": nanos(line.when), "stream": _stream(line)}
    return {**head, "logtag": tag, "message": text}


def fluent_bit_merged(bare: bytes, _scratch: Path) -> Case:
    records = [_merged(line, _fluent_bit(line, line.text)) for line in lines(bare)]
    how = "The filter with `Merge_Log On`: an event's own keys stand beside `log`, which stays (`Keep_Log On`)."
    return Case("fluent", _json_lines(records, ascii_only=True), _FLUENT_BIT + how, built=True)


def fluent_bit_merged_only(bare: bytes, _scratch: Path) -> Case:
    records = []
    for line in lines(bare):
        head = _fluent_bit(line, line.text)
        if line.is_event:
            del head["log"]
        records.append(_merged(line, head))
    how = "The filter with `Merge_Log On` and `Keep_Log Off`: an event's own keys stand at the top, after others."
    return Case("fluent", _json_lines(records, ascii_only=True), _FLUENT_BIT + how, built=True)


def fluent_bit_merged_key(bare: bytes, _scratch: Path) -> Case:
    records = []
    for line in lines(bare):
        head = _fluent_bit(line, line.text)
        processed = {"log_processed": line.event} if line.is_event else {}
        records.append({**head, **processed, "kubernetes": _POD})
    how = "The filter with `Merge_Log On` and `Merge_Log_Key log_processed`: the event as text and as object."
    return Case("fluent", _json_lines(records, ascii_only=True), _FLUENT_BIT + how, built=True)


def _merged(line: Line, head: dict[str, Any]) -> dict[str, Any]:
    return {**head, **(line.event if line.is_event else {}), "kubernetes": _POD}


_FLUENTD = 'Built from the documented format: the pages "{}" of Fluentd\'s documentation. '


def _fluentd_record(line: Line) -> dict[str, Any]:
    name = {"container_id": _CONTAINER, "container_name": "/web", "source": _stream(line)}
    return {"log": line.text, **name}


def fluentd(bare: bytes, _scratch: Path) -> Case:
    written = [
        f"{line.when:%Y-%m-%dT%H:%M:%S}+00:00\tdocker.web\t{dumps(_fluentd_record(line))}\n" for line in lines(bare)
    ]
    how = _FLUENTD.format('out_file" and "file') + "Time, tag and record, with tabs between, as `out_file` writes them."
    return Case("fluent", "".join(written).encode(), how, built=True)


def fluentd_json(bare: bytes, _scratch: Path) -> Case:
    records = []
    for line in lines(bare):
        names = {"docker": {"container_id": _CONTAINER}, "kubernetes": _POD}
        records.append({"log": line.text + "\n", "stream": _stream(line), "time": nanos(line.when), **names})
    how = _FLUENTD.format('json" and "kubernetes_metadata') + "Docker's logs, read with `in_tail`, a record a line."
    return Case("fluent", _json_lines(records), how, built=True)


def fluentd_stdout(bare: bytes, _scratch: Path) -> Case:
    written = []
    for line in lines(bare):
        when = f"{line.when:%Y-%m-%d %H:%M:%S.%f}417 +0000"
        written.append(f"{when} docker.web: {dumps(_fluentd_record(line))}\n")
    how = _FLUENTD.format('stdout" and "out_stdout') + "Time, tag, a colon and the record."
    return Case("fluent", "".join(written).encode(), how, built=True)


_VECTOR = (
    'Built from the documented format: the page "{}" of Vector\'s reference, with the codec `json`; keys are sorted. '
)


def _vector_record(line: Line) -> dict[str, Any]:
    return {
        "container_created_at": "2026-11-21T08:25:13.120417Z",
        "container_id": _CONTAINER,
        "container_name": "web",
        "host": "node-1",
        "image": "registry.example/web:7",
        "label": {"app": "web"},
        "message": line.text,
        "source_type": "docker_logs",
        "stream": _stream(line),
        "timestamp": nanos(line.when),
    }


def vector(bare: bytes, _scratch: Path) -> Case:
    records = [_vector_record(line) for line in lines(bare)]
    return Case("fluent", _json_lines(records), _VECTOR.format("Docker logs"), built=True)


def vector_merged(bare: bytes, _scratch: Path) -> Case:
    records = []
    for line in lines(bare):
        record = _vector_record(line)
        if line.is_event:
            del record["message"]
            record |= line.event
        records.append(dict(sorted(record.items())))
    how = """\
A `remap` puts the keys of a message that is JSON in its place: `. = merge(., parse_json!(del(.message)))`. The event's
`timestamp` takes the place of Vector's."""
    return Case("fluent", _json_lines(records), _VECTOR.format("Remap with VRL") + how, built=True)


def glued(bare: bytes, _scratch: Path) -> Case:
    """As processes do whose newline was lost, or whose lines a forwarder joins."""
    found, written = lines(bare), []
    for at, line in enumerate(found[:-1]):
        joined = line.is_event and found[at + 1].is_event and at % 3
        written.append(line.raw + (b"" if joined else b"\n"))
    how = (
        "Built: two events in three have no newline after them, where another follows, so that several stand on a line."
    )
    return Case("bare", b"".join([*written, found[-1].raw + b"\n"]), how, built=True)


RECORDERS = {
    "fluent-bit": fluent_bit,
    "fluent-bit-parts": fluent_bit_parts,
    "fluent-bit-merged": fluent_bit_merged,
    "fluent-bit-merged-only": fluent_bit_merged_only,
    "fluent-bit-merged-key": fluent_bit_merged_key,
    "fluentd": fluentd,
    "fluentd-json": fluentd_json,
    "fluentd-stdout": fluentd_stdout,
    "vector": vector,
    "vector-merged": vector_merged,
    "glued": glued,
}
