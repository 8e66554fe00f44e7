"""Lines as they stand in the files of container runtimes."""

from collections.abc import Callable, Mapping

import orjson

Envelope = Callable[[bytes, bytes], bytes]
"""(line without its end, when it was written) to the line in the file."""


def bare(line: bytes, _stamp: bytes) -> bytes:
    return line


def docker(line: bytes, stamp: bytes) -> bytes:
    """Docker's json-file driver."""
    return b'{"log":%s,"stream":"stdout","time":"%s000Z"}' % (orjson.dumps(line.decode() + "\n"), stamp[:-1])


def cri(line: bytes, stamp: bytes) -> bytes:
    """containerd and CRI-O, under Kubernetes."""
    return b"%s000Z stdout F %s" % (stamp[:-1], line)


ENVELOPES: Mapping[str, Envelope] = {"bare": bare, "docker": docker, "cri": cri}
