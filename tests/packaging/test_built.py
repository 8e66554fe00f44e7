"""The wheel and the sdist as files: what is in them, and what they say of themselves."""

import re
import shutil
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

from packaging.metadata import Metadata
from packaging.specifiers import SpecifierSet

import logemit
from tests.conftest import ROOT
from tests.deploy.files import DEPLOY, instructions

from .conftest import BIN, Built, run

PACKAGES = ("logemit", "aggregator", "cli")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ABOUT = f"logemit-{logemit.__version__}.dist-info"


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Metadata:
    return Metadata.from_email(contents(wheel)[f"{ABOUT}/METADATA"])


def test_the_wheel_has_each_file_of_the_three_packages_and_no_other(built: Built) -> None:
    found = contents(built.wheel)
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    here = {str(path.relative_to(ROOT)): path.read_bytes() for path in files if path.suffix != ".pyc"}
    deploy = (path for path in (ROOT / "deploy").rglob("*") if path.is_file() and "secrets" not in path.parts)
    here |= {f"cli/starters/{path.relative_to(ROOT)}": path.read_bytes() for path in deploy if path.suffix != ".pyc"}
    about = {f"{ABOUT}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    assert found.keys() == here.keys() | about
    assert all(found[name] == data for name, data in here.items())
    assert {f"{package}/py.typed" for package in PACKAGES} <= found.keys()


def test_the_wheel_goes_with_any_platform_and_brings_the_command(built: Built) -> None:
    assert built.wheel.name == f"logemit-{logemit.__version__}-py3-none-any.whl"
    assert contents(built.wheel)[f"{ABOUT}/entry_points.txt"].decode() == "[console_scripts]\nlogemit = cli:main\n"


def test_the_sdist_builds_the_same_wheel(built: Built, tmp_path: Path) -> None:
    """By pip, with all that it needs to build in the archive."""
    assert wheel_of(built.sdist, tmp_path / "wheels") == built.wheel.read_bytes()


def test_what_the_image_copies_builds_the_same_wheel(built: Built, tmp_path: Path) -> None:
    """And so it does in the other images: tests/deploy holds that they copy the same."""
    source = tmp_path / "src"
    source.mkdir()
    copied = [rest.split() for word, rest in instructions(DEPLOY / "image/Dockerfile") if word == "COPY"]
    for *files, target in (each for each in copied if not each[0].startswith("--")):
        for file in files:
            if (ROOT / file).is_dir():
                shutil.copytree(ROOT / file, source / target)
            else:
                shutil.copy(ROOT / file, source / target)
    assert wheel_of(source, tmp_path / "wheels") == built.wheel.read_bytes()


def wheel_of(source: Path, folder: Path) -> bytes:
    """As pip makes it."""
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--quiet")
    done = run(*pip, "--wheel-dir", folder, source, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.iterdir()
    return wheel.read_bytes()


def test_the_sdist_has_what_the_work_needs_and_nothing_that_was_made(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "docs/architecture.md", "tests/packaging/test_built.py", "deploy/image/Dockerfile"} <= names
    assert any(name.startswith("sample_logs/") for name in names)
    odd = re.compile(r"(^|/)(\.(?!gitignore$|env$)[^/]*|__pycache__|[^/]+\.egg-info|demo-out|dist|build)(/|$)")
    made = [name for name in names if odd.search(name) and not name.startswith("tests/leaving/projects/")]
    assert made == []


def test_twine_finds_nothing_to_complain_about(built: Built) -> None:
    done = run(BIN / "twine", "--no-color", "check", "--strict", built.wheel, built.sdist, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_metadata_is_complete(built: Built) -> None:
    found = metadata(built.wheel)
    assert (found.name, str(found.version)) == ("logemit", logemit.__version__)
    assert found.metadata_version == "2.4"
    assert found.summary == PROJECT["description"]
    assert found.description == (ROOT / "README.md").read_text("utf-8")
    assert found.description_content_type == "text/markdown"
    assert (found.license_expression, found.license_files) == ("MIT", ["LICENSE"])
    assert f"Copyright (c) 2026 {found.author}\n" in (ROOT / "LICENSE").read_text()
    assert found.keywords
    assert found.provides_extra is not None
    assert {*found.provides_extra} == {*PROJECT["optional-dependencies"]}
    assert found.project_urls in (None, {})  # there is no public home yet


def test_classifiers_say_what_the_requirements_do(built: Built) -> None:
    found = metadata(built.wheel)
    classifiers = found.classifiers or []
    versions = [each.rpartition(" ")[2] for each in classifiers if re.search(r"Python :: 3\.\d+$", each)]
    assert versions
    assert found.requires_python == SpecifierSet(f">={versions[0]}")
    (django,) = (each for each in found.requires_dist or () if str(each.marker) == 'extra == "django"')
    supported = [each.rpartition(" ")[2] for each in classifiers if re.search(r"Django :: \d+\.\d+$", each)]
    assert supported
    assert django.specifier == SpecifierSet(f">={supported[0]}")
    assert not any(each.startswith(("License ::", "Private ::")) for each in classifiers)
