"""A short stretch through the programs that are here, recorded now: what is kept in sample_logs/ is what they write."""

import gzip
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, tool
from tests.envelopes.test_recorded import CASES, outcome

sys.path.insert(0, str(ROOT / "examples"))

from platforms import containers, processes, syslog

LINES = 400

Recorder = Callable[[bytes, Path], Any]


@pytest.mark.parametrize(
    ("recorder", "needs"),
    [
        (containers.conmon, ["conmon", "conmon"]),
        (syslog.traditional, ["rsyslogd", "rsyslog", ["/usr/sbin"]]),
        (processes.RECORDERS["celery-task"], ["redis-server", "redis-server"]),
        (processes.honcho, None),
    ],
    ids=["conmon", "rsyslog", "celery", "honcho"],
)
def test_a_stretch_recorded_now_gives_the_bare_summaries(
    tmp_path: Path, recorder: Recorder, needs: Sequence[Any] | None
) -> None:
    if needs:
        tool(*needs)
    stretch = gzip.decompress((CASES / "bare" / "stdout.log.gz").read_bytes()).split(b"\n")[:LINES]
    scratch = tmp_path / "recorder"
    scratch.mkdir()
    bare, log = tmp_path / "bare.log", tmp_path / "enveloped.log"
    bare.write_bytes(b"".join(line + b"\n" for line in stretch))
    log.write_bytes(recorder(bare.read_bytes(), scratch).data)
    assert outcome(log, tmp_path / "out") == outcome(bare, tmp_path / "wanted")
