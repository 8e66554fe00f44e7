"""Where logemit is required once it is used: beside what it replaces, and written as that is."""

import ast
import tomllib
from pathlib import Path

import pytest
import yaml

from cli.leaving.additions import additions
from cli.leaving.traces import Edit, Kind, Stage, Trace, edited
from logemit import __version__

from .small import project, without_traces

PINNED = f"logemit>={__version__}"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("requirements.txt", "Django==5\ndjango-prometheus==2.3\ngunicorn\n", f"Django==5\n{PINNED}\ngunicorn\n"),
        ("requirements.txt", "Django\r\ndjango-prometheus\r\n", "Django\r\nlogemit\r\n"),
        ("requirements.txt", "Django\nprometheus-client", "Django\nlogemit\n"),
        ("requirements.txt", "django-prometheus\nlogemit>=0.0.1\n", "logemit>=0.0.1\n"),
        ("constraints.txt", "django-prometheus==2\n", ""),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    django-prometheus>=2\n",
            f"[options]\ninstall_requires =\n    {PINNED}\n",
        ),
        ("Pipfile", "[packages]\ndjango-prometheus = '*'\n", '[packages]\nlogemit = "*"\n'),
    ],
)
def test_it_takes_the_place_of_what_it_replaces(tmp_path: Path, name: str, before: str, after: str) -> None:
    assert without_traces(project(tmp_path, {name: before}), adding=True)[name] == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["django-prometheus"]', ["logemit"]),
        ('["django-prometheus>=2", "b"]', [PINNED, "b"]),
        ('["a", "django-prometheus>=2", "b"]', ["a", PINNED, "b"]),
        ('["a", "django-prometheus>=2"]', ["a", PINNED]),
        ('["prometheus-client", "django-prometheus>=2"]', [PINNED]),
        ('["a", "prometheus-client", "django-prometheus", "b"]', ["a", "logemit", "b"]),
        ("[\n  'prometheus-client',\n  'django-prometheus',\n]", ["logemit"]),
        ("[\n  'a', 'prometheus-client',\n  'django-prometheus',\n]", ["a", "logemit"]),
        ("[\n  'a',\n  'django-prometheus~=2'  # c\n]", ["a", PINNED]),
        ("[\n  'django-prometheus',\n]", ["logemit"]),
        ("['a',\n  'django-prometheus', 'b'\n]", ["a", "logemit", "b"]),
    ],
)
def test_any_list_takes_it(tmp_path: Path, before: str, after: list[str]) -> None:
    texts = {
        "pyproject.toml": f"[project]\ndependencies = {before}\n",
        "setup.py": f"setup(install_requires={before})\n",
    }
    found = without_traces(project(tmp_path, texts), adding=True)
    assert tomllib.loads(found["pyproject.toml"])["project"]["dependencies"] == after
    (listed,) = (node for node in ast.walk(ast.parse(found["setup.py"])) if isinstance(node, ast.List))
    assert ast.literal_eval(listed) == after


def test_poetry_and_conda_take_it(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[tool.poetry.dependencies]\ndjango-prometheus = '^2'\npython = '3'\n",
        "environment.yml": "dependencies:\n  - pip:\n    - django\n    - django-prometheus==2\n",
    }
    found = without_traces(project(tmp_path, files), adding=True)
    dependencies = {"logemit": f">={__version__}", "python": "3"}
    assert tomllib.loads(found["pyproject.toml"])["tool"]["poetry"]["dependencies"] == dependencies
    assert yaml.safe_load(found["environment.yml"]) == {"dependencies": [{"pip": ["django", PINNED]}]}


def test_each_file_that_required_it_requires_logemit(tmp_path: Path) -> None:
    files = {
        "requirements/base.txt": "django-prometheus\n",
        "requirements/dev.txt": "prometheus-client\n",
        "reqs.in": "Django\n",
    }
    found = without_traces(project(tmp_path, files), adding=True)
    assert found == {"requirements/base.txt": "logemit\n", "requirements/dev.txt": "", "reqs.in": "Django\n"}


def test_without_anything_to_replace_it_stands_beside_django(tmp_path: Path) -> None:
    found = project(tmp_path, {"requirements.txt": "celery\nDjango>=5\n"})
    assert list(additions(found, Stage.DEPENDENCIES, [])) == []
    ((path, edit),) = additions(found, Stage.LOGEMIT, [])
    assert edited(found.texts[path], [edit]) == f"celery\n{PINNED}\nDjango>=5\n"
    assert list(additions(found.with_texts({path: "logemit\nDjango\n"}), Stage.LOGEMIT, [])) == []


@pytest.mark.parametrize("text", ["from logemit import Counter", "import logemit\n"])
def test_it_is_required_as_soon_as_an_edit_uses_it(tmp_path: Path, text: str) -> None:
    found = project(tmp_path, {"requirements.txt": "Django\ndjango-prometheus\n", "shop/x.py": "x\n"})
    trace = Trace("shop/x.py", 1, Kind.INSTRUMENT, Stage.CODE, "x", "", edits=(Edit(0, 1, text),))
    assert [path for path, _ in additions(found, Stage.CODE, [trace])] == ["requirements.txt"]
    assert list(additions(found, Stage.CODE, [])) == []
