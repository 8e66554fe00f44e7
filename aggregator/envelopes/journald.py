"""The journal, by `journalctl -o json`: `{"__CURSOR":"…","__REALTIME_TIMESTAMP":"1795249515095123","MESSAGE":"…"}`.

A MESSAGE that is not printable UTF-8 is a list of its bytes, one of 4,096 bytes or more is null without `--all`, and
one that stands several times in an entry is a list of all that. `-o json-pretty` and `-o export` are not read;
`-o short`, `short-iso` and `short-full` are syslog's forms.
"""

from collections.abc import Mapping
from typing import Any

from .envelope import WORD, Envelope, Part, Parts

_OWN = {"__CURSOR", "__REALTIME_TIMESTAMP", "_BOOT_ID"}
_AS_BYTES = tuple(between.join(str(byte) for byte in WORD).encode() for between in (",", ", "))


def _opened(fields: Mapping[str, Any]) -> Parts:
    if "MESSAGE" not in fields or _OWN.isdisjoint(fields):
        return None
    message = fields["MESSAGE"]
    several = isinstance(message, list) and not all(isinstance(item, int) for item in message)
    return [Part(_text(each)) for each in (message if several else [message])]


def _text(message: Any) -> bytes:
    if isinstance(message, str):
        return message.encode("utf-8", "replace").removesuffix(b"\n")
    if not isinstance(message, list):
        return b""
    try:
        return bytes(message).removesuffix(b"\n")
    except (TypeError, ValueError):
        return b""


ENVELOPE = Envelope("journald", "the journal, by journalctl -o json", of_object=_opened, words=(WORD, *_AS_BYTES))
