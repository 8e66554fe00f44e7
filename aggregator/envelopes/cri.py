"""CRI, of containerd, CRI-O, conmon and podman's k8s-file: `TIME stdout P|F text`.

Parts of a line are P, the last one is F and may be empty. Tags may follow: `F:tag`.
"""

import re

from .envelope import Envelope, Part, Parts

_LINE = re.compile(
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([PF])(?::[^ ]*)?(?: (.*))?",
    re.DOTALL,
)


def _opened(line: bytes) -> Parts:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    stream, tag, text = found.groups()
    return [Part(text or b"", stream.decode(), tag == b"F")]


ENVELOPE = Envelope("cri", "CRI: containerd, CRI-O, podman", of_text=_opened, splits=True, words=(b"",))
