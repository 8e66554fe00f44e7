"""Records sample_logs/envelopes/: the same 2,000 events as each platform delivers them.

The bare lines are made afresh only when asked for by name: the other cases are made of what is there.
"""

import argparse
import gzip
import json
import shutil
import tempfile
import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path

from platforms import aws, aws_lambda, bare, containers, forwarders, google, heroku, journal, processes, syslog
from platforms.case import Case

FOLDER = bare.SAMPLES / "envelopes"
BARE = FOLDER / "bare" / "stdout.log.gz"
MODULES = (containers, journal, syslog, processes, heroku, aws, aws_lambda, forwarders, google)
RECORDERS: dict[str, Callable[[bytes, Path], Case]] = {
    name: recorder for module in MODULES for name, recorder in module.RECORDERS.items()
}

README = """\
# Envelope: {name}

{how}

{made}

{sample}
"""


INDEX = """\
# The same events in every envelope

[bare](bare/README.md) holds 2,000 events and some lines that are none, as a program wrote them; every other folder, the
same lines as a platform delivers them: recorded with the real program, or built from the documented format, as its
README says. `case.toml` says which events are unreadable there and why. `python examples/record_envelopes.py` makes
them again (as root on Debian, with the extra `record` installed).

| case | envelope | how | events |
| --- | --- | --- | --- |
"""


def record(name: str) -> Path:
    """Record one case afresh into its folder."""
    with tempfile.TemporaryDirectory(prefix="envelope-") as scratch:
        case = bare.bare() if name == "bare" else RECORDERS[name](read_bare(), Path(scratch))
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / case.name).write_bytes(case.data if case.packed else gzip.compress(case.data, 9, mtime=0))
    (folder / "README.md").write_text(readme(name, case))
    (folder / "case.toml").write_text(toml(case))
    (FOLDER / "README.md").write_text(index())
    return folder


def index() -> str:
    """All cases, and whether they are recorded."""
    text = INDEX
    for folder in sorted(path.parent for path in FOLDER.glob("*/case.toml")):
        case = tomllib.loads((folder / "case.toml").read_text())
        what = "recorded" if case["recorded"] else "built"
        text += f"| [{folder.name}]({folder.name}/README.md) | {case['envelope']} | {what} | {case['events']:,} |\n"
    return text


def read_bare() -> bytes:
    return gzip.decompress(BARE.read_bytes())


def readme(name: str, case: Case) -> str:
    text = gzip.decompress(case.data) if case.packed else case.data
    text = gzip.decompress(text) if text.startswith(b"\x1f\x8b") else text
    found = text.replace(b"\x00", b"").decode(errors="replace").split("\n")
    # The events begin after a few lines of the server's own.
    first = next((at for at, line in enumerate(found) if "logemit" in line), 0)
    sample = "\n".join(f"    {line[:300]}{' …' * (len(line) > 300)}".rstrip() for line in found[first : first + 3])
    kept = ", which the platform packs so" if case.packed else "; packed to keep the repository small"
    made = f"Made by `python examples/record_envelopes.py {name}`{kept}. Lines {first + 1} to {first + 3} of it:"
    return README.format(name=name, how=_wrapped(case.how), made=_wrapped(made), sample=sample)


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def toml(case: Case) -> str:
    """What a test must know of a case."""
    text = f'envelope = "{case.envelope}"\nlog = "{case.name}"\nrecorded = {str(not case.built).lower()}\n'
    text += f"events = {bare.EVENTS - len(case.unreadable)}\nduplicates = {case.duplicates}\n"
    for (proc, seq), why in case.unreadable.items():
        text += f'\n[[unreadable]]\nproc = "{proc}"\nseq = {seq}\nwhy = {json.dumps(why)}\n'
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Record sample_logs/envelopes/ afresh.")
    others = ", ".join(RECORDERS)
    parser.add_argument("cases", nargs="*", metavar="case", help=f"bare, or of {others}; default: all but bare")
    for name in parser.parse_args().cases or RECORDERS:
        folder = record(name)
        sizes = ", ".join(f"{path.name} {path.stat().st_size:,} bytes" for path in sorted(folder.iterdir()))
        print(f"{name}: {sizes}")


if __name__ == "__main__":
    main()
