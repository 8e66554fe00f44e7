"""CloudWatch Logs: exports, tails and subscriptions, from the documented formats."""

import gzip
import json
from pathlib import Path
from random import Random

from .case import EVENT, Case, Line, dumps, lines, millis

_STREAM = "web/web/0b69d5c0d655419e8b3b3ca2dfef1a4a"
_BATCH = 40


def _kept(bare: bytes) -> list[Line]:
    """An event of CloudWatch is never empty."""
    return [line for line in lines(bare) if line.raw]


def export(bare: bytes, _scratch: Path) -> Case:
    found = [f"{line.when:%Y-%m-%dT%H:%M:%S}.{line.when:%f}"[:23].encode() + b"Z " + line.raw for line in _kept(bare)]
    order = Random(7)
    # Near in time is near in the file, but for the order of the streams' parts.
    blocks = [found[at : at + 50] for at in range(0, len(found), 50)]
    order.shuffle(blocks)
    data = gzip.compress(b"".join(line + b"\n" for block in blocks for line in block), mtime=0)
    how = """\
Built from the documented format: "Exporting log data to Amazon S3" of the CloudWatch Logs User Guide: gzipped objects
of lines, each with its time in milliseconds, not sorted by it."""
    return Case("cloudwatch", data, how, built=True, name="000000.gz", packed=True)


def tail(bare: bytes, _scratch: Path) -> Case:
    found = [f"{line.when:%Y-%m-%dT%H:%M:%S.%f}+00:00 {_STREAM} ".encode() + line.raw + b"\n" for line in _kept(bare)]
    how = """\
Built from the documented format: `aws logs tail` of the AWS CLI's Command Reference, `--format detailed`: the time, the
log stream and the message."""
    return Case("cloudwatch", b"".join(found), how, built=True)


def _messages(bare: bytes) -> list[str]:
    """What a subscription filter sends: batches of events, and now and then a check of the destination."""
    found, number = [_control("Checking health of destination Firehose.")], 0
    kept = _kept(bare)
    for at in range(0, len(kept), _BATCH):
        events = []
        for line in kept[at : at + _BATCH]:
            number += 1
            identity = f"{millis(line.when) * 10**24 + number:056d}"
            events.append({"id": identity, "timestamp": millis(line.when), "message": line.text})
        head = {"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/ecs/web", "logStream": _STREAM}
        found.append(dumps({**head, "subscriptionFilters": ["all"], "logEvents": events}))
    return found


def _control(what: str) -> str:
    event = {"id": "", "timestamp": 1795249514000, "message": f"CWL CONTROL MESSAGE: {what}"}
    head = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": ""}
    return dumps({**head, "subscriptionFilters": [], "logEvents": [event]})


_SUBSCRIPTION = """\
Built from the documented format: "Using CloudWatch Logs subscription filters" of the CloudWatch Logs User Guide: an
object holds a batch of events, or is a control message.\n"""


def subscription(bare: bytes, _scratch: Path) -> Case:
    data = "".join(message + "\n" for message in _messages(bare)).encode()
    return Case("cloudwatch", data, f"{_SUBSCRIPTION}Here they stand one a line.", built=True)


_FIREHOSE = "web-1-2026-11-21-08-25-16-0b69d5c0-d655-419e-8b3b-3ca2dfef1a4a"


def firehose(bare: bytes, _scratch: Path) -> Case:
    """One message arrives twice: Firehose delivers at least once."""
    messages = _messages(bare)
    again = messages[7]
    data = b"".join(gzip.compress(message.encode(), mtime=0) for message in [*messages[:9], again, *messages[9:]])
    how = f"""\
{_SUBSCRIPTION}Firehose writes them to S3 without a newline between them, each gzipped as CloudWatch sent it, so that
the object is a series of gzip's members, and its name does not end in `.gz`. One message was delivered twice."""
    duplicates = sum(event["message"].startswith(EVENT.decode()) for event in json.loads(again)["logEvents"])
    return Case("cloudwatch", data, how, built=True, name=_FIREHOSE, packed=True, duplicates=duplicates)


def firehose_twice(bare: bytes, _scratch: Path) -> Case:
    members = b"".join(gzip.compress(message.encode(), mtime=0) for message in _messages(bare))
    how = f"""\
{_SUBSCRIPTION}With Firehose's own compression switched on, what CloudWatch had gzipped is gzipped again."""
    data = gzip.compress(members, mtime=0)
    return Case("cloudwatch", data, how, built=True, name=f"{_FIREHOSE}.gz", packed=True)


def firehose_plain(bare: bytes, _scratch: Path) -> Case:
    how = f"""\
{_SUBSCRIPTION}With Firehose's decompression switched on, the objects lie in S3 without a newline between or after
them."""
    return Case("cloudwatch", "".join(_messages(bare)).encode(), how, built=True)


RECORDERS = {
    "cloudwatch-export": export,
    "cloudwatch-tail": tail,
    "cloudwatch-subscription": subscription,
    "cloudwatch-firehose": firehose,
    "cloudwatch-firehose-twice": firehose_twice,
    "cloudwatch-firehose-plain": firehose_plain,
}
