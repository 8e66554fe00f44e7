"""Containers: conmon writes CRI's format, Docker its json-file; Docker's fluentd driver is what FireLens receives."""

import io
import os
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from .case import EVENT, Case, dumps, lines, nanos, program, running, version, wait_until

_PIECES = 20
_SPLIT = 'for err in "{0}"/err.*; do cat "$err" >&2; done & cat "{0}/out"; wait'
"""Events on stdout, all else on stderr at the same time, as fast as the reader takes them."""

_RUNTIME = """\
#!/bin/sh
# All of an OCI runtime that conmon asks for: `create` starts the program and leaves its pid.
while [ $# -gt 0 ]; do
  [ "$1" = --pid-file ] && pid_file=$2
  shift
done
[ -n "$pid_file" ] || exit 0
setsid sh -c '{command}' &
echo $! > "$pid_file"
"""


def _split(bare: bytes, folder: Path) -> None:
    found = [line + b"\n" for line in bare.split(b"\n")[:-1]]
    others = [line for line in found if not line.startswith(EVENT)]
    (folder / "out").write_bytes(b"".join(line for line in found if line.startswith(EVENT)))
    (folder / "err").write_bytes(b"".join(others))
    for number in range(_PIECES):
        piece = others[number * len(others) // _PIECES : (number + 1) * len(others) // _PIECES]
        (folder / f"err.{number:02}").write_bytes(b"".join(piece))


def conmon(bare: bytes, scratch: Path) -> Case:
    _split(bare, scratch)
    runtime, log = scratch / "runtime", scratch / "container.log"
    runtime.write_text(_RUNTIME.format(command=_SPLIT.format(scratch)))
    runtime.chmod(0o755)
    (scratch / "bundle").mkdir()
    command = [program("conmon", "conmon"), "--sync", "--cid=web", "--cuuid=web", "--name=web", f"--runtime={runtime}"]
    command += [f"--bundle={scratch}/bundle", f"--container-pidfile={scratch}/pid", f"--log-path=k8s-file:{log}"]
    command += [f"--socket-dir-path={scratch}/bundle", f"--exit-dir={scratch}/bundle"]
    # Its exit code is that of a podman which is not there.
    subprocess.run(command, check=False, timeout=60, capture_output=True)
    how = f"""\
Recorded with conmon ({version("conmon")}), which podman and CRI-O start to write each container's log. A small shell
script stood in for the OCI runtime; the program wrote the events to stdout and all other lines to stderr, as fast as
they were read. conmon reads up to 8 KiB at once and does not wait for the rest of a line: events are cut anywhere, also
inside a character, into `P` parts and an `F` which may be empty."""
    return Case("cri", log.read_bytes(), how)


def containerd(bare: bytes, _scratch: Path) -> Case:
    """As kubelet's "CRI: Log management for container stdout/stderr streams" has it."""
    size, written = 16 * 1024, []
    for line in lines(bare):
        start = f"{nanos(line.when)} {'stdout' if line.is_event else 'stderr'}".encode()
        parts = [line.raw[at : at + size] for at in range(0, len(line.raw) or 1, size)]
        written += [b"%s P %s\n" % (start, part) for part in parts[:-1]] + [b"%s F %s\n" % (start, parts[-1])]
    how = """\
Built from the documented format: "CRI: Log management for container stdout/stderr streams", a design proposal of
Kubernetes. containerd writes UTC with a `Z` where conmon writes an offset, leaves out trailing zeros of a second's
fraction, and cuts at 16 KiB, so that no event is ever cut."""
    return Case("cri", b"".join(written), how, built=True)


@contextmanager
def _docker(scratch: Path) -> Iterator[dict[str, str]]:
    """The environment for `docker` with a daemon of its own, which touches no network."""
    host, daemon = f"unix://{scratch}/docker.sock", program("dockerd", "docker.io")
    command = [daemon, f"--host={host}", f"--data-root={scratch}/data", f"--exec-root={scratch}/exec"]
    command += [f"--pidfile={scratch}/docker.pid", "--bridge=none", "--iptables=false", "--ip6tables=false"]
    command += ["--storage-driver=vfs", "--exec-opt=native.cgroupdriver=cgroupfs"]
    env = {**os.environ, "DOCKER_HOST": host}

    def answers() -> bool:
        return subprocess.run(["docker", "version"], env=env, check=False, capture_output=True).returncode == 0

    with running(command, scratch / "dockerd.log", answers):
        files = ["/bin/cat", "/bin/sh", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]
        image = io.BytesIO()
        with tarfile.open(fileobj=image, mode="w", dereference=True) as tar:
            for file in files:
                tar.add(file)
        subprocess.run(
            ["docker", "import", "-", "app"], env=env, input=image.getvalue(), check=True, capture_output=True
        )
        yield env


def _run(env: dict[str, str], scratch: Path, *options: str) -> None:
    command = ["docker", "run", "--name=web", "--network=none", f"--volume={scratch}:/in:ro", *options, "app"]
    subprocess.run([*command, "/bin/sh", "-c", _SPLIT.format("/in")], env=env, check=True, capture_output=True)


def docker(bare: bytes, scratch: Path) -> Case:
    _split(bare, scratch)
    with _docker(scratch) as env:
        _run(env, scratch)
        (log,) = (scratch / "data" / "containers").glob("*/*-json.log")
        data = log.read_bytes()
    how = f"""\
Recorded with Docker ({version("docker.io")}) and its json-file driver: the container wrote the events to stdout and all
other lines to stderr. Go escapes `<`, `>`, `&`, U+2028 and U+2029 as `\\u…`, and writes U+FFFD for what is no UTF-8.
A line of over 16 KiB comes in parts: all but the last have a `log` without `\\n` at its end."""
    return Case("docker", data, how)


def docker_attrs(bare: bytes, scratch: Path) -> Case:
    _split(bare, scratch)
    with _docker(scratch) as env:
        _run(env, scratch, "--label=app=web", "--env=STAGE=live", "--log-opt=labels=app", "--log-opt=env=STAGE")
        (log,) = (scratch / "data" / "containers").glob("*/*-json.log")
        data = log.read_bytes()
    how = f"""\
Recorded with Docker ({version("docker.io")}) and its json-file driver with the options `labels` and `env`, which add
`attrs` to each line."""
    return Case("docker", data, how)


def docker_logs(bare: bytes, scratch: Path) -> Case:
    _split(bare, scratch)
    with _docker(scratch) as env:
        _run(env, scratch)
        command = ["docker", "logs", "--timestamps", "web"]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        data = subprocess.run(command, env=env, check=True, **both).stdout
    how = f"Recorded with `docker logs --timestamps` ({version('docker.io')})."
    return Case("kubectl", data, how)


_COMPOSE = """\
version: "3"
services:
  web: {{image: app, network_mode: none, volumes: ["{0}:/in:ro"], command: cat /in/out}}
  worker: {{image: app, network_mode: none, volumes: ["{0}:/in:ro"], command: cat /in/err}}
"""


def _compose(bare: bytes, scratch: Path, ansi: str) -> Case:
    _split(bare, scratch)
    (scratch / "docker-compose.yml").write_text(_COMPOSE.format(scratch))
    command = [program("docker-compose", "docker-compose"), f"--ansi={ansi}"]
    with _docker(scratch) as env:
        subprocess.run([*command, "up", "--detach"], cwd=scratch, env=env, check=True, capture_output=True)
        subprocess.run(["docker", "wait", *_containers(env)], env=env, check=True, capture_output=True)
        data = subprocess.run([*command, "logs"], cwd=scratch, env=env, check=True, capture_output=True).stdout
    return Case("compose", data, f"Recorded with `docker-compose --ansi={ansi} logs` ({version('docker-compose')}).")


def _containers(env: dict[str, str]) -> list[str]:
    return subprocess.run(["docker", "ps", "-aq"], env=env, check=True, capture_output=True, text=True).stdout.split()


def compose_1(bare: bytes, scratch: Path) -> Case:
    return _compose(bare, scratch, "never")


def compose_1_colours(bare: bytes, scratch: Path) -> Case:
    return _compose(bare, scratch, "always")


def firelens(bare: bytes, scratch: Path) -> Case:
    _split(bare, scratch)
    address = scratch / "fluent.sock"
    records: list[tuple[float, dict[str, Any]]] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        server.listen()
        receiver = Thread(target=_receive, args=(server, records), daemon=True)
        receiver.start()
        with _docker(scratch) as env:
            options = [f"--log-opt=fluentd-address=unix://{address}", "--log-opt=fluentd-sub-second-precision=true"]
            _run(env, scratch, "--log-driver=fluentd", "--log-opt=tag=web-firelens-1", *options)
            wait_until(lambda: len(records) >= bare.count(b"\n"), "records are missing")
    metadata = {
        "ecs_cluster": "live",
        "ecs_task_arn": "arn:aws:ecs:eu-central-1:123456789012:task/live/0b69d5c0d655419e8b3b3ca2dfef1a4a",
        "ecs_task_definition": "web:7",
    }
    text = "".join(dumps({"date": stamp, **record, **metadata}, ascii_only=True) + "\n" for stamp, record in records)
    how = f"""\
The records are recorded: Docker ({version("docker.io")}) sent them with its fluentd driver, which is what FireLens puts
before a task's containers, and a small receiver took them. How they lie in a bucket is built from the documented
format of Fluent Bit's S3 output: a JSON line each, with `date` and what FireLens adds of ECS; all but ASCII is escaped,
as Fluent Bit does unless told otherwise. The `\\n` of a line is gone here; a line of over 16 KiB comes in parts
with `partial_message`, `partial_id`, `partial_ordinal` and `partial_last`, all of them texts."""
    return Case("fluent", text.encode(), how)


def _receive(server: socket.socket, records: list[tuple[float, dict[str, Any]]]) -> None:
    """Fluentd's forward protocol: an array of tag, time, record and options for each line."""
    import msgpack  # noqa: PLC0415 -- only this recorder needs it

    connection, _ = server.accept()
    unpacker = msgpack.Unpacker(ext_hook=lambda _code, data: data, unicode_errors="replace", strict_map_key=False)
    while data := connection.recv(65536):
        unpacker.feed(data)
        for _tag, stamp, record, *_ in unpacker:
            seconds, nanoseconds = int.from_bytes(stamp[:4], "big"), int.from_bytes(stamp[4:], "big")
            records.append((seconds + nanoseconds / 1e9, record))


RECORDERS = {
    "conmon": conmon,
    "containerd": containerd,
    "docker": docker,
    "docker-attrs": docker_attrs,
    "docker-logs": docker_logs,
    "compose-1": compose_1,
    "compose-1-colours": compose_1_colours,
    "firelens": firelens,
}
