"""Requirements wherever projects write them: found in any spelling, taken out without touching their neighbours."""

import ast
import configparser
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.leaving.files.packages import package
from cli.leaving.files.toml_places import places
from cli.leaving.files.toml_places import without as without_paths
from cli.leaving.files.yaml_places import documents, without_entries
from cli.leaving.project import Project
from cli.leaving.traces import Kind, edited

from ..scale import scaled
from .small import lines, project, traces, without_traces


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("django-prometheus", "django-prometheus"),
        ("Django.Prometheus >= 2.3 ; python_version > '3'", "django-prometheus"),
        ("django_prometheus[extra]~=2.3", "django-prometheus"),
        ("DJANGO--PROMETHEUS==2", "django-prometheus"),
        ("prometheus_client (>=0.20)", "prometheus-client"),
        ("django-prometheus @ git+https://example.com/django-prometheus.git@v2", "django-prometheus"),
        ("git+https://example.com/korfuri/django-prometheus.git@master", "django-prometheus"),
        ("-e git+ssh://git@example.com/fork.git#egg=django_prometheus", "django-prometheus"),
        ("https://example.com/files/prometheus_client-0.20.0-py3-none-any.whl", "prometheus-client"),
        ("python3-prometheus-client", "prometheus-client"),
        ("conda-forge::prometheus_client=0.20", "prometheus-client"),
        ("django-prometheus-extra", None),
        ("my-django-prometheus", None),
        ("prometheus-fastapi-instrumentator", None),
        ("prometheus-client-extra==1", None),
        ("django", None),
        ("prometheus", None),
        ("prom/prometheus:latest", None),
        ("django_prometheus.middleware.PrometheusBeforeMiddleware", None),
        ("", None),
    ],
)
def test_a_requirement_is_known_in_any_spelling(requirement: str, expected: str | None) -> None:
    assert package(requirement) == expected


PYPROJECT = """\
# the shop
[project]
name = "shop"  # not "django-prometheus"
dependencies = [
    "Django>=5.2",
    "django-prometheus>=2.3",  # metrics
    "gunicorn",
    'Prometheus_Client[twisted]>=0.20; python_version > "3"',
]
[project.optional-dependencies]
both = ["a", "django-prometheus", "prometheus.client", "b"]
one = ["prometheus-client"]
[dependency-groups]
last = ["a",
        "django.prometheus"]

[tool.uv.sources]
django-prometheus = { git = "https://example.com/x/django-prometheus" }
other = { path = "../other" }

[tool.uv]
constraint-dependencies = ["prometheus-client<1", "x<2"]

[[tool.mypy.overrides]]
module = ["django_prometheus.*", "rest_framework.*"]
ignore_missing_imports = true

[[tool.mypy.overrides]]
# stubs are missing
module = "prometheus_client.*"
ignore_missing_imports = true

[tool.ruff.lint.isort]
known-third-party = ["django", "django_prometheus"]

[tool.deptry.per_rule_ignores]
DEP002 = ["django-prometheus", "gunicorn"]

[tool.poetry.dependencies]
python = "^3.11"
django-prometheus = "^2.3"
prometheus-client = {version = "*", extras = ["x"]}

[tool.poetry.group.dev.dependencies."Django_Prometheus"]
version = "2"

[tool.other]
words = ["a"]
"""
PYPROJECT_AFTER: dict[str, Any] = {
    "project": {
        "name": "shop",
        "dependencies": ["Django>=5.2", "gunicorn"],
        "optional-dependencies": {"both": ["a", "b"], "one": []},
    },
    "dependency-groups": {"last": ["a"]},
    "tool": {
        "uv": {"sources": {"other": {"path": "../other"}}, "constraint-dependencies": ["x<2"]},
        "mypy": {"overrides": [{"module": ["rest_framework.*"], "ignore_missing_imports": True}]},
        "ruff": {"lint": {"isort": {"known-third-party": ["django"]}}},
        "deptry": {"per_rule_ignores": {"DEP002": ["gunicorn"]}},
        "poetry": {"dependencies": {"python": "^3.11"}},
        "other": {"words": ["a"]},
    },
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_pyproject_keeps_all_but_the_requirements(tmp_path: Path, line_end: str) -> None:
    found = project(tmp_path, {"pyproject.toml": PYPROJECT.replace("\n", line_end)})
    after = without_traces(found)["pyproject.toml"]
    assert tomllib.loads(after) == PYPROJECT_AFTER
    assert set(after.splitlines()) <= set(PYPROJECT.splitlines()) | {
        'both = ["a", "b"]',
        "one = []",
        'last = ["a"]',
        'last = ["a",',
        'constraint-dependencies = ["x<2"]',
        'module = ["rest_framework.*"]',
        'known-third-party = ["django"]',
        'DEP002 = ["gunicorn"]',
        "        ]",
    }
    assert line_end == "\n" or after.count("\r\n") == after.count("\n")


def test_pyproject_says_each_requirement_once_and_its_place(tmp_path: Path) -> None:
    found = project(tmp_path, {"pyproject.toml": PYPROJECT})
    at = [(each.line, each.subject) for each in traces(found)]
    text = PYPROJECT.splitlines()
    assert len(at) == len(set(at)) == 15
    names = {"django-prometheus": "django", "prometheus-client": "client"}
    assert all(names[subject] in "".join(text[line - 1 : line + 2]).lower() for line, subject in at)
    claimed = {line for each in traces(found) for line in each.lines}
    assert 3 not in claimed  # a comment beside something else


@pytest.mark.parametrize(
    ("use", "waits"),
    [
        ("from prometheus_client import Counter\n", "shop/x.py, which needs it"),
        ("import os, prometheus_client.core\n", "shop/x.py, which needs it"),
        ('load("prometheus_client.registry")\n', "shop/x.py, which needs it"),
        ("# import prometheus_client\n", ""),
        ('"""prometheus_client was here"""\n', ""),
        ("from my_prometheus_client import x\n", ""),
        ("from . import metrics\n", ""),
    ],
)
def test_a_requirement_waits_for_what_imports_it(tmp_path: Path, use: str, waits: str) -> None:
    files = {"requirements.txt": "prometheus-client\n", "shop/x.py": use}
    (trace,) = (each for each in traces(project(tmp_path, files)) if each.file == "requirements.txt")
    assert trace.waits == waits
    assert bool(trace.edits) is not bool(waits)
    assert not trace.by_hand


@pytest.mark.parametrize("nested", ["(", "1 + ", "not ", "x."])
def test_a_script_that_nests_too_deep_ends_nothing(tmp_path: Path, nested: str) -> None:
    script = f"setup(install_requires=['django-prometheus'])\nx = {nested * 20_000}x\n"
    found = traces(project(tmp_path, {"setup.py": script, "requirements.txt": "django-prometheus\n"}))
    assert [(each.line, bool(each.edits)) for each in found if each.file == "requirements.txt"] == [(1, True)]


def test_a_requirement_waits_for_an_engine_in_the_environment(tmp_path: Path) -> None:
    files = {"requirements.txt": "django-prometheus\n", ".env": "DB_ENGINE=django_prometheus.db.backends.postgresql\n"}
    found = project(tmp_path, files)
    assert [each.waits for each in traces(found) if each.file == "requirements.txt"] == [".env, which needs it"]
    after = without_traces(found)
    assert after["requirements.txt"] == ""
    assert after[".env"] == "DB_ENGINE=django.db.backends.postgresql\n"


REQUIREMENTS = """\
# django stays
Django==5.2
django-prometheus==2.3.1 \\
    --hash=sha256:aaa \\
    --hash=sha256:bbb
    # via -r base.in
gunicorn==23  # not django-prometheus
-e git+https://example.com/django-prometheus.git@master#egg=django_prometheus
-r other.txt
prometheus_client==0.20"""


@pytest.mark.parametrize(
    "path", ["requirements.txt", "requirements/base.in", "dev-requirements.txt", "deps/constraints.txt"]
)
def test_requirements_go_with_their_hashes(tmp_path: Path, path: str) -> None:
    found = project(tmp_path, {path: REQUIREMENTS})
    expected = "# django stays\nDjango==5.2\ngunicorn==23  # not django-prometheus\n-r other.txt\n"
    assert without_traces(found)[path] == expected
    assert [line for line, _, _ in lines(found, path)] == [3, 8, 10]


COMPILED = """\
#
# This file is autogenerated by pip-compile with Python 3.11
# by the following command:
#
#    pip-compile --output-file=requirements.txt base.in
#
django==5.2
    # via
    #   -r base.in
    #   django-prometheus
django-prometheus==2.3.1 \\
    --hash=sha256:aaa
    # via -r base.in
gunicorn==23
"""


def test_compiled_requirements_are_compiled_anew(tmp_path: Path) -> None:
    found = project(tmp_path, {"requirements.txt": COMPILED})
    assert lines(found, "requirements.txt") == [(10, "lock file", False), (11, "lock file", False)]
    assert all("pip-compile --output-file=requirements.txt base.in" in each.doubt for each in traces(found))


LOCKS = {
    "uv.lock": """\
version = 1

[[package]]
name = "django"
version = "5.2"

[[package]]
name = "django-prometheus"
version = "2.3"
dependencies = [
    { name = "prometheus-client" },
]

[[package]]
name = "flower"
dependencies = [
    { name = "prometheus-client" },
]

[[package]]
name = "shop"
source = { virtual = "." }
dependencies = [
    { name = "django" },
    { name = "django-prometheus" },
]

[package.metadata]
requires-dist = [{ name = "django-prometheus", specifier = ">=2" }]
""",
    "poetry.lock": """\
[[package]]
name = "django-prometheus"
version = "2.3"

[package.dependencies]
prometheus-client = ">=0.7"

[[package]]
name = "prometheus-client"
version = "0.20"
files = [{file = "prometheus_client-0.20.tar.gz"}]

[extras]
a = ["b"]
""",
    "Pipfile.lock": """\
{
    "_meta": {},
    "default": {
        "django": {
            "version": "==5"
        },
        "django-prometheus": {
            "version": "==2.3"
        },
        "prometheus-client": {
            "index": "pypi",
            "version": "==0.2"
        }
    }
}
""",
}


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        ("uv.lock", ["django-prometheus", "flower", "shop"]),
        ("poetry.lock", ["django-prometheus", "prometheus-client"]),
        ("Pipfile.lock", ["django-prometheus", "prometheus-client"]),
    ],
)
def test_lock_files_are_locked_anew(tmp_path: Path, name: str, subjects: list[str]) -> None:
    found = traces(project(tmp_path, {name: LOCKS[name]}))
    assert [each.subject for each in found] == subjects
    assert {each.kind for each in found} == {Kind.LOCK}
    assert not any(each.edits for each in found)
    assert [each.subject for each in found if "writes it anew" not in each.doubt] == ["flower"] * ("flower" in subjects)
    named = {n for n, line in enumerate(LOCKS[name].splitlines(), 1) if "prometheus" in line}
    assert named <= {line for each in found for line in each.lines}


def test_setup_py_is_read_as_python(tmp_path: Path) -> None:
    text = """\
from setuptools import setup
NAME = "django-prometheus"
metrics = [
    "Django",
    "django-prometheus>=2",  # metrics
]
setup(name="x", install_requires=metrics, extras_require={"m": ["prometheus-client"], "n": ["é", "prometheus_client"]})
"""
    after = without_traces(project(tmp_path, {"setup.py": text}))["setup.py"]
    lists = [ast.literal_eval(node) for node in ast.walk(ast.parse(after)) if isinstance(node, ast.List)]
    assert sorted(lists) == [[], ["Django"], ["é"]]
    assert after.splitlines()[:2] == text.splitlines()[:2]


INI = """\
[options]
install_requires =
    Django
    django-prometheus>=2
    gunicorn

[testenv]
deps =
    py311: prometheus-client
    pytest
commands =
    pip check django-prometheus
setenv =
    A = 1
    PROMETHEUS_MULTIPROC_DIR = /tmp/prom

[mypy-django_prometheus.*]
ignore_missing_imports = True

[mypy-rest_framework.*]
ignore_missing_imports = True

[isort]
known_third_party = django,django_prometheus,prometheus_client,rest
"""


@pytest.mark.parametrize("name", ["setup.cfg", "tox.ini"])
def test_ini_files_keep_all_but_the_requirements(tmp_path: Path, name: str) -> None:
    after = configparser.RawConfigParser()
    after.read_string(without_traces(project(tmp_path, {name: INI}))[name])
    before = configparser.RawConfigParser()
    before.read_string(INI)
    wanted = {section: dict(before[section]) for section in before.sections()}
    wanted["options"]["install_requires"] = "\nDjango\ngunicorn"
    wanted["testenv"] |= {"deps": "\npytest", "setenv": "\nA = 1"}
    wanted["isort"]["known_third_party"] = "django,rest"
    del wanted["mypy-django_prometheus.*"]
    assert {section: dict(after[section]) for section in after.sections()} == wanted


def test_conda_and_pre_commit(tmp_path: Path) -> None:
    files = {
        "environment.yml": "dependencies:\n  - python=3.12\n  - conda-forge::django-prometheus=2\n  - pip:\n"
        "    - prometheus-client\n    - django\n",
        ".pre-commit-config.yaml": "repos:\n- hooks:\n  - id: mypy\n"
        "    additional_dependencies: [django-stubs, django-prometheus, celery-types]\n",
        "other.yml": "packages:\n  - django-prometheus\n",
    }
    after = without_traces(project(tmp_path, files))
    assert yaml.safe_load(after["environment.yml"]) == {"dependencies": ["python=3.12", {"pip": ["django"]}]}
    (repo,) = yaml.safe_load(after[".pre-commit-config.yaml"])["repos"]
    assert repo["hooks"] == [{"id": "mypy", "additional_dependencies": ["django-stubs", "celery-types"]}]
    assert after["other.yml"] == files["other.yml"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "dependencies = ['django-prometheus'"),
        ("pyproject.toml", "a = " + "[" * 5000 + "'django-prometheus'" + "]" * 5000),
        ("environment.yml", "- django-prometheus\n - : {"),
        ("environment.yml", "- django-prometheus\n- " + "[" * 5000),
        ("environment.yml", "- django-prometheus\n- !!python/object/apply:os.system ['touch /tmp/never']\n"),
        ("setup.py", "setup(install_requires=['django-prometheus'"),
        ("setup.py", "x = " + "(" * 3000 + ")" * 3000),
        ("uv.lock", "[[package]]\nname = \x01django-prometheus"),
        ("docker-compose.yml", "a: &a [PROMETHEUS_MULTIPROC_DIR=x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\n"),
        ("docker-compose.yml", "PROMETHEUS_MULTIPROC_DIR: &a [*a]\n"),
        ("Dockerfile", "RUN pip install \\"),
        ("Makefile", "metrics:\n\tcurl localhost:8000/metrics"),
        (".env", "\udcff=PROMETHEUS_MULTIPROC_DIR\n"),
        ("requirements.txt", "\\\n\\\n"),
    ],
)
def test_nothing_that_is_written_stops_the_search(tmp_path: Path, name: str, text: str) -> None:
    without_traces(project(tmp_path, {name: text}))
    assert not Path("/tmp/never").exists()


def test_aliases_of_aliases_take_no_time(tmp_path: Path) -> None:
    bomb = "a0: &a0 {PROMETHEUS_MULTIPROC_DIR: x}\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
    after = without_traces(project(tmp_path, {"compose.yml": bomb}))["compose.yml"]
    assert after.startswith("a0: &a0 {}\n")


# Any file around a planted entry: the rest is what it was, as the format's own reader tells.

WORDS = st.text("abcdefgh-_", min_size=1, max_size=8)
OURS = st.sampled_from(["django-prometheus", "Django_Prometheus>=2", "prometheus-client[x]~=0.2", "prometheus.client"])
COMMENT = st.sampled_from(["", "  # a comment, with [brackets]", " #"])
SPACE = st.sampled_from(["", " ", "  "])


@st.composite
def arrays(draw: st.DrawFn) -> tuple[str, list[str]]:
    """An array as TOML writes it, and what it holds but for requirements of the two packages."""
    items = draw(st.lists(st.one_of(WORDS.filter(lambda word: package(word) is None), OURS), min_size=1, max_size=5))
    quote = draw(st.sampled_from("\"'"))
    is_long = draw(st.booleans())
    between = draw(st.sampled_from(["\n    ", "\n\t"])) if is_long else draw(SPACE)
    parts = []
    for number, item in enumerate(items):
        comma = "," if number + 1 < len(items) or draw(st.booleans()) else ""
        parts.append(f"{between}{quote}{item}{quote}{draw(SPACE)}{comma}{draw(COMMENT) if is_long else ''}")
    return f"[{''.join(parts)}{chr(10) if is_long else draw(SPACE)}]", [each for each in items if package(each) is None]


@given(st.lists(arrays(), min_size=1, max_size=3), st.booleans())
def test_any_array_keeps_its_neighbours(found: list[tuple[str, list[str]]], is_inline: bool) -> None:
    if is_inline and not any("\n" in text for text, _ in found):
        pairs = ", ".join(f"g{number} = {text}" for number, (text, _) in enumerate(found))
        text = f"[project]\noptional-dependencies = {{ {pairs} }}\n"
    else:
        pairs = "\n".join(f"g{number} = {text}" for number, (text, _) in enumerate(found))
        text = f'[project.optional-dependencies]\n{pairs}\n[z]\nz = """a"b"""\n'
    of = Project(Path("/nonexistent"), ("pyproject.toml",), {"pyproject.toml": text})
    after = without_traces(of)["pyproject.toml"]
    kept = {f"g{number}": items for number, (_, items) in enumerate(found)}
    assert tomllib.loads(after)["project"]["optional-dependencies"] == kept


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("ab.\"' ", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(c if c.isalnum() or c == " " else f"\\U{ord(c):08x}" for c in value) + '"'
    if isinstance(value, list):
        return f"[ {', '.join(map(_toml, value))} ]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    return repr(value)


@settings(max_examples=scaled(40, 100, 2000))
@given(st.dictionaries(WORDS, VALUES, max_size=3), st.dictionaries(WORDS, VALUES, max_size=3))
def test_every_place_of_a_toml_text_is_where_it_says(first: dict[str, Any], second: dict[str, Any]) -> None:
    text = "".join(f"{_toml(key)} = {_toml(value)}\n" for key, value in first.items() if key != "t")
    text += "[[t]] # one\n" + "".join(f"{key}.x = {_toml(value)}  # c\n" for key, value in second.items())
    text += "\n[[t]]\na = '''\n['''\n[t.b]\nc = 1979-05-27 07:32:00\n"
    data = tomllib.loads(text)
    found = [place for place in places(text) if not place.is_table]
    for place in found:
        value: Any = data
        for part in place.path:
            value = value[part]
        written = text[place.start : place.end]
        written = written if isinstance(place.path[-1], int) else written.partition(" = ")[2]
        assert place.value is None or place.value == value
        if " = " not in str(place.path):
            assert tomllib.loads(f"v = {written}")["v"] == value
    assert without_paths(data, {("t",)}) == {key: value for key, value in data.items() if key != "t"}


@st.composite
def blocks(draw: st.DrawFn, depth: int = 0) -> Any:
    names = st.sampled_from(["a", "b", "environment", "env", "c d", "ä"])
    if depth == 3 or draw(st.integers(0, 2)) == 0:
        return draw(st.one_of(WORDS, st.integers(), st.none(), st.just("x: y # z"), st.just("two\nlines\n")))
    if draw(st.booleans()):
        return draw(st.lists(blocks(depth + 1), min_size=1, max_size=3))
    return draw(st.dictionaries(names, blocks(depth + 1), min_size=1, max_size=3))


PLANTED = "PROMETHEUS_MULTIPROC_DIR"


def _planted(data: Any, draw: Any) -> Any:
    """With the variable in some mappings and lists."""
    if isinstance(data, dict):
        pairs = [(key, _planted(value, draw)) for key, value in data.items()]
        if draw(st.booleans()):
            pairs.insert(draw(st.integers(0, len(pairs))), (PLANTED, draw(st.sampled_from(["/tmp/prom", "x\ny", 1]))))
        return dict(pairs)
    if isinstance(data, list):
        items = [_planted(each, draw) for each in data]
        if draw(st.booleans()):
            items.insert(draw(st.integers(0, len(items))), f"{PLANTED}=/tmp/prom")
        return items
    return data


def _without_planted(data: Any) -> Any:
    """An environment of which nothing is left goes as well."""
    if isinstance(data, dict):
        pairs = [(key, value, _without_planted(value)) for key, value in data.items() if key != PLANTED]
        return {key: rest for key, value, rest in pairs if rest or rest == value or key not in {"environment", "env"}}
    if isinstance(data, list):
        return [_without_planted(each) for each in data if not str(each).startswith(f"{PLANTED}=")]
    return data


def _is_emptied(data: Any) -> bool:
    """Whether some mapping or list holds nothing else: then what is around it is for people to change."""
    inner = list(data.values()) if isinstance(data, dict) else data if isinstance(data, list) else []
    rest = _without_planted(data)
    return bool(inner and not rest and rest != data) or any(_is_emptied(each) for each in inner)


@settings(max_examples=scaled(40, 100, 2000))
@given(st.data(), st.sampled_from([None, False, True]), st.integers(2, 4), st.booleans())
def test_any_yaml_keeps_its_neighbours(data: st.DataObject, flow: bool | None, indent: int, is_wide: bool) -> None:
    value = data.draw(st.dictionaries(st.sampled_from(["x", "y", "environment"]), blocks(), min_size=1, max_size=3))
    planted = _planted(value, data.draw)
    width = 1000 if is_wide else 30
    text = yaml.safe_dump(
        planted, default_flow_style=flow, indent=indent, width=width, allow_unicode=True, sort_keys=False
    )
    every = documents(text)[0]
    doomed = [
        each
        for each in every
        if each.path[-1] == PLANTED or (isinstance(each.path[-1], int) and each.value.startswith(f"{PLANTED}="))
    ]
    edits = without_entries(text, every, doomed)
    if edits:
        after = edited(text, [edit for each in edits.values() for edit in each])
        assert yaml.safe_load(after) == _without_planted(planted)
    else:
        assert not doomed or (flow is not True and _is_emptied(planted))


@given(
    st.lists(
        st.tuples(st.one_of(WORDS.filter(lambda word: package(word) is None and word[0].isalpha()), OURS), COMMENT)
    )
)
def test_any_requirements_keep_their_neighbours(entries: list[tuple[str, str]]) -> None:
    text = "".join(f"{name}{comment}\n" for name, comment in entries)
    of = Project(Path("/nonexistent"), ("requirements.txt",), {"requirements.txt": text})
    after = without_traces(of)["requirements.txt"]
    assert after == "".join(f"{name}{comment}\n" for name, comment in entries if package(name) is None)
