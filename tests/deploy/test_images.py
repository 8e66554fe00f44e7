"""Dockerfiles, read: no daemon is here to build them."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from logemit import __version__
from tests.conftest import ROOT

from .files import DEPLOY, DOCKERFILES, documents, instructions

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
KNOWN = {Requirement(line).name for lines in EXTRAS.values() for line in lines}
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+|python:\d\.\d+-slim-[a-z]+")
"""Of Python the line, with the system that is below it: a build takes what was mended since."""

every_dockerfile = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.parent.name))


def of(path: Path, word: str) -> list[str]:
    return [rest for each, rest in instructions(path) if each == word]


@every_dockerfile
def test_instructions_are_docker_s_and_begin_with_an_image(path: Path) -> None:
    words = [word for word, _ in instructions(path)]
    assert words[0] == "FROM"
    assert set(words) <= {"FROM", "RUN", "LABEL", "WORKDIR", "COPY", "USER", "ENV", "EXPOSE", "ENTRYPOINT", "CMD"}
    for command in [*of(path, "ENTRYPOINT"), *of(path, "CMD")]:
        assert all(isinstance(word, str) for word in json.loads(command))


@every_dockerfile
def test_what_is_copied_is_there_and_is_all_that_the_package_is_built_of(path: Path) -> None:
    here = [rest for rest in of(path, "COPY") if not rest.startswith("--from=")]
    copied = [source for rest in here for source in rest.split()[:-1] if not source.startswith("--")]
    assert all((ROOT / source).exists() for source in copied)
    project = PROJECT["project"]
    needed = {"pyproject.toml", project["readme"], *project["license-files"]}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(copied) >= needed | {*wheel["packages"], *wheel["force-include"]}


@every_dockerfile
def test_what_pip_installs_is_what_the_project_knows(path: Path) -> None:
    lines = [line for rest in of(path, "RUN") for line in rest.split(" && ") if line.startswith("pip install")]
    assert lines
    for line in lines:
        assert "--no-cache-dir" in line
        for requirement in re.findall(r"'([^']+)'", line):
            if requirement.startswith("."):
                assert set(Requirement(f"logemit{requirement[1:]}").extras) <= set(EXTRAS)
            else:
                assert Requirement(requirement).name in KNOWN


@pytest.mark.parametrize("path", [path for path in DOCKERFILES if path.parent.name != "lambda"], ids=str)
def test_nothing_runs_as_root(path: Path) -> None:
    """The last user, by number, as Kubernetes can tell only of a number that it is not root; the same in all images."""
    assert of(path, "USER") == ["10001"]
    assert "useradd --uid 10001 " in " ".join(of(path, "RUN"))


def stages(path: Path) -> list[list[tuple[str, str]]]:
    """Instructions, from each FROM to the next."""
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions(path):
        found += [[]] if word == "FROM" else []
        found[-1].append((word, rest))
    return found


def variables(stage: list[tuple[str, str]]) -> dict[str, str]:
    return dict(each.split("=", 1) for word, rest in stage if word == "ENV" for each in rest.split())


def test_machine_code_is_made_in_the_image_for_all_who_run_it() -> None:
    """As it was made: of the same Python, at the same place, found by the same variables."""
    build, last = stages(DEPLOY / "image/Dockerfile")
    made = [word if word != "RUN" else rest for word, rest in build]
    assert made.index("pip install --no-cache-dir '.[aggregator,dask,grafana,remote]'") < made.index("logemit compile")
    assert build[0] == ("FROM", f"{last[0][1]} AS build")
    assert variables(build) == variables(last)
    place = variables(last)["PATH"].partition("/bin:")[0]
    assert ("RUN", f"python -m venv {place}") in build
    assert ("COPY", f"--from=build {place} {place}") in last
    assert variables(last)["NUMBA_CACHE_DIR"].startswith(f"{place}/")
    assert variables(last)["NUMBA_CPU_NAME"] == "generic"


def test_the_image_leaves_out_what_it_was_built_with() -> None:
    _, last = stages(DEPLOY / "image/Dockerfile")
    copied = [rest.split()[-1] for word, rest in last if word == "COPY"]
    assert copied == ["/etc/logrotate.d/logemit", "/opt/logemit"]
    assert not any("pip" in rest for word, rest in last if word == "RUN")


def test_labels_tell_what_the_project_does() -> None:
    _, last = stages(DEPLOY / "image/Dockerfile")
    ((_, text),) = [each for each in last if each[0] == "LABEL"]
    labels = dict(re.findall(r'org\.opencontainers\.image\.([a-z]+)="([^"]+)"', text))
    assert labels.keys() == {"title", "description", "version", "licenses"}
    assert labels["version"] == __version__
    assert labels["licenses"] == PROJECT["project"]["license"]


@every_dockerfile
def test_packages_of_debian_leave_no_lists(path: Path) -> None:
    for commands in (rest.split() for rest in of(path, "RUN") if "apt-get" in rest):
        begin, end = commands.index("install"), commands.index("rm")
        assert commands[: begin + 1] == "apt-get update && apt-get install".split()
        assert {"--yes", "--no-install-recommends"} <= {*commands[begin:end]}
        assert commands[end:] == ["rm", "-rf", "/var/lib/apt/lists/*"]


def test_images_are_pinned_by_a_version() -> None:
    named = [rest.removesuffix(" AS build") for path in DOCKERFILES for rest in of(path, "FROM")]
    named += [service["image"] for service in documents("compose/compose.yaml")[0]["services"].values()]
    for folder in ("bucket", "cluster"):
        (kustomized,) = documents(f"kubernetes/{folder}/kustomization.yaml")[0]["images"]
        named.append(f"{kustomized['newName']}:{kustomized['newTag']}")
    assert [image for image in named if not PINNED.fullmatch(image)] == []
    assert len({image for image in named if image.startswith("logemit:")}) == 1
    assert len({image for image in named if image.startswith("python:")}) == 1


def test_volumes_take_over_folders_that_the_images_made_for_the_user() -> None:
    """Else a fresh volume belongs to root, and nobody can write there."""
    services = documents("compose/compose.yaml")[0]["services"]
    for service in services.values():
        if "build" in service:
            made = " ".join(of(ROOT / service["build"]["dockerfile"], "RUN"))
            targets = [volume.split(":")[1] for volume in service["volumes"]]
            assert all(re.search(rf"{target}( |$)", made) for target in targets)
