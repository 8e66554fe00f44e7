"""deploy/ as its readers see it: documents, images, and every call of `logemit` in it."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer.main
import yaml

from cli.app import app
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILES = sorted(DEPLOY.rglob("Dockerfile"))


class Call(NamedTuple):
    where: str
    arguments: list[str]


class _Loader(yaml.SafeLoader):
    """Also reads CloudFormation's tags: `!Sub x` is `{"Fn::Sub": "x"}`."""


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    assert isinstance(node, yaml.ScalarNode)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": loader.construct_scalar(node)}


_Loader.add_multi_constructor("!", _tagged)


def documents(path: str) -> list[Any]:
    return list(yaml.load_all((DEPLOY / path).read_text("utf-8"), _Loader))


def document(path: str) -> Any:
    (found,) = documents(path)
    return found


def settings(path: str) -> list[tuple[str, str]]:
    """The lines `Name=value` of a unit, in order; a name may stand there twice."""
    lines = (DEPLOY / path).read_text("utf-8").splitlines()
    return [(name, value) for line in lines if line[:1].isalpha() for name, _, value in [line.partition("=")]]


def setting(path: str, name: str) -> str:
    """The last one of a name."""
    return [value for each, value in settings(path) if each == name][-1]


def cron_lines() -> list[tuple[str, str, str]]:
    """Times, user and command."""
    lines = (DEPLOY / "cron/crontab").read_text("utf-8").splitlines()
    jobs = [line.split(maxsplit=6) for line in lines if re.match(r"[\d*]", line)]
    return [(" ".join(job[:5]), job[5], job[6]) for job in jobs]


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Of a Dockerfile: the word and the rest, continued lines joined."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text("utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for line in lines if line.strip() for word, _, rest in [line.partition(" ")]]


def interpolated(text: str) -> str:
    """With the defaults that Compose would fill in."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def calls_in(script: str) -> Iterator[list[str]]:
    """What `logemit` is called with in a shell script."""
    for line in script.splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        command: list[str] = []
        for word in [*words, ";"]:
            if not set(word) <= set(";&|<>()"):
                command.append(word)
                continue
            if command and command[0].rpartition("/")[2] == "logemit":
                yield command[1:]
            command = []


def calls() -> Iterator[Call]:
    for where, script in _scripts():
        yield from (Call(where, call) for call in calls_in(script))
    for name, service in document("compose/compose.yaml")["services"].items():
        if service["image"].startswith("logemit:"):
            yield from (Call(f"compose {name}", call) for call in _of_service(service))
    for path in ("bucket/cronjob.yaml", "node/cronjob.yaml", "cluster/cronjob.yaml", "bucket/serve.yaml"):
        for container in containers(documents(f"kubernetes/{path}")[0]):
            yield Call(f"kubernetes {path}", container["args"])


def _scripts() -> Iterator[tuple[str, str]]:
    yield from (("cron", command) for _, _, command in cron_lines())
    yield from (
        (unit, setting(f"systemd/{unit}", "ExecStart")) for unit in ("logemit.service", "logemit-serve.service")
    )
    for dockerfile in DOCKERFILES:
        where = str(dockerfile.relative_to(ROOT))
        yield from ((where, rest) for word, rest in instructions(dockerfile) if word == "RUN")


def _of_service(service: dict[str, Any]) -> Iterator[list[str]]:
    if service.get("entrypoint", ["logemit"])[0] == "sh":
        yield from calls_in(interpolated(service["command"][0]))
    else:
        yield service["command"]


def containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    return list(pod_of(workload)["containers"])


def pod_of(workload: dict[str, Any]) -> dict[str, Any]:
    """The pod's spec of a CronJob or a Deployment."""
    spec = workload["spec"]
    spec = spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec
    return dict(spec["template"]["spec"])


def check_call(arguments: Sequence[str]) -> None:
    """The command can read these arguments. Raises what tells a user that it cannot."""
    name, *rest = arguments
    group: Any = typer.main.get_command(app)  # a Group of click's, or of the click that Typer brings
    assert name in group.commands, f"there is no logemit {name}"
    group.commands[name].make_context(name, list(rest))
