"""`logemit audit` and `logemit migrate`, called as their users call them."""

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cli.leaving.audit import NAMES
from tests.command.calls import logemit, message
from tests.show.terminal import CONTROL, terminal

from .conftest import git

HOSTILE = "\x1b]0;title\x07\x1b[31m[bold]red[/bold] \u202e"


def documented(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(logemit(*arguments, "--json").stdout)
    return found


# audit


def test_traces_are_told_by_stage_and_file(shop: Path) -> None:
    done = logemit("audit", shop, variables={"COLUMNS": 120})
    assert (done.returncode, done.stderr) == (1, "")
    heads = ["Models, databases, caches", "Middleware", "URLs", "Settings", "Dependencies and documentation"]
    assert [line for line in done.stdout.splitlines() if line in heads] == heads
    assert '"django_prometheus",  # metrics' in done.stdout
    assert "by hand" not in done.stdout.rpartition("traces in")[0]


def test_a_clean_project_ends_with_0(shop: Path) -> None:
    assert logemit("migrate", shop, "--write").returncode == 0
    done = logemit("audit", shop)
    assert (done.returncode, done.stdout) == (0, "No trace of django-prometheus.\n")
    assert (logemit("audit", shop, "--verify").returncode, logemit("audit", shop, "--verify").stdout) == (0, "")


def test_json_tells_all(shop: Path) -> None:
    found = documented("audit", shop)
    assert found["not_read"] == []
    lines = {(trace["file"], trace["line"]) for trace in found["traces"]}
    for path in ("config/settings.py", "shop/urls.py", "requirements.txt"):
        for number, line in enumerate((shop / path).read_text().splitlines(), 1):
            assert ((path, number) in lines) == bool(NAMES.search(line)), line
    kinds = {trace["kind"] for trace in found["traces"]}
    assert kinds == {"database engine", "installed app", "middleware", "url", "dependency"}
    assert all(trace["by_hand"] is None for trace in found["traces"])
    names = {metric["name"] for metric in found["metrics"]}
    assert {"django_http_requests_before_middlewares_total", "django_db_execute_total"} <= names


def test_verify_prints_a_line_for_each_trace(shop: Path) -> None:
    done = logemit("audit", "--verify", cwd=shop)
    assert done.returncode == 1
    told = [line.split(": ")[:2] for line in done.stdout.splitlines()]
    assert told == [
        [f"{trace['file']}:{trace['line']}", trace["kind"]] for trace in documented("audit", shop)["traces"]
    ]


def test_files_are_left_out(shop: Path) -> None:
    assert {trace["file"] for trace in documented("audit", shop, "--exclude", "config/*")["traces"]} == {
        "shop/urls.py",
        "requirements.txt",
    }


def test_nothing_hostile_reaches_a_terminal(tmp_path: Path) -> None:
    (tmp_path / f"odd{HOSTILE.replace('/', '')}.txt").write_text(f"django-prometheus {HOSTILE}\n")
    with terminal("audit", tmp_path, columns=200) as shown:
        shown.end()
    text = CONTROL.sub("", shown.seen).replace("\r\n", "\n")
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "[bold]red[/bold]" in text


def test_no_project_is_one_clear_line(tmp_path: Path) -> None:
    done = logemit("audit", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (66, "")
    assert message(done) == f"logemit: {tmp_path}/nowhere: does not exist; name the folder of a Django project"


def test_two_forms_are_refused(shop: Path) -> None:
    assert logemit("audit", shop, "--verify", "--json").returncode == 2
    assert logemit("audit", shop, "--verify", "--metrics").returncode == 2
    assert logemit("migrate", shop, "--write", "--diff").returncode == 2


def test_lines_end_where_their_words_end(shop: Path) -> None:
    (shop / "shop/tasks.py").write_text(
        "from prometheus_client import push_to_gateway\n\npush_to_gateway('a:1', 'b', c)\n"
    )
    (shop / "rules.yml").write_text("groups: [{rules: [{expr: 'rate(django_http_ajax_requests_total[1m])'}]}]\n")
    arguments = ("audit", shop, "--metrics", "--promql", shop / "rules.yml")
    for columns in (20, 60, 120):
        done = logemit(*arguments, variables={"COLUMNS": columns})
        assert [line for line in done.stdout.splitlines() if line != line.rstrip()] == []
        assert "by hand: it" in done.stdout
        assert "to do: take" in done.stdout
        assert "is too short" in " ".join(done.stdout.split())


def test_lines_for_logemit_toml_can_be_copied(shop: Path) -> None:
    with (shop / "config/settings.py").open("a") as file:
        file.write('PROMETHEUS_METRIC_NAMESPACE = "a_shop_with_a_long_name"\n')
    shown = logemit("audit", shop, "--metrics", variables={"COLUMNS": 40}).stdout
    copied = "\n".join(
        line.strip() for line in shown.splitlines() if line.startswith(" " * 10) and " by hand" not in line
    )
    names = {each["name"] for each in tomllib.loads(copied)["metric"]}
    wanted = {each["old"] for each in documented("audit", shop)["metrics"] if each["definition"]}
    assert names == wanted
    assert "a_shop_with_a_long_name_django_http_requests_before_middlewares_total" in names


# migrate


def test_the_diff_applies(shop: Path, tmp_path: Path) -> None:
    before = git(shop, "status", "--porcelain")
    done = logemit("migrate", shop)
    assert done.returncode == 0
    assert git(shop, "status", "--porcelain") == before
    (tmp_path / "all.patch").write_text(done.stdout)
    git(shop, "apply", str(tmp_path / "all.patch"))
    assert logemit("audit", shop).returncode == 0
    assert "models        1 file would change" in done.stderr


def test_patches_are_written_for_each_stage(shop: Path, tmp_path: Path) -> None:
    done = logemit("migrate", shop, "--patches", tmp_path / "patches")
    assert done.returncode == 0
    names = sorted(path.name for path in (tmp_path / "patches").iterdir())
    assert names[0] == "01-models.patch"
    assert names[-1] == "07-logemit.patch"
    for name in names:
        git(shop, "apply", str(tmp_path / "patches" / name))
    assert logemit("audit", shop).returncode == 0


def test_a_patch_has_the_number_of_its_stage(shop: Path, tmp_path: Path) -> None:
    assert logemit("migrate", shop, "--stage", "urls", "--patches", tmp_path / "patches").returncode == 0
    assert [path.name for path in (tmp_path / "patches").iterdir()] == ["04-urls.patch"]


def test_one_stage_is_written(shop: Path) -> None:
    done = logemit("migrate", shop, "--write", "--stage", "middleware")
    assert done.returncode == 0
    assert git(shop, "status", "--porcelain").split() == ["M", "config/settings.py"]
    text = (shop / "config/settings.py").read_text()
    assert "PrometheusBeforeMiddleware" not in text
    assert '"django_prometheus",' in text


def test_a_stage_that_there_is_not_is_told(shop: Path) -> None:
    done = logemit("migrate", shop, "--stage", "everything")
    assert done.returncode == 2
    assert "models" in done.stderr


def test_a_dirty_tree_is_refused_until_told(shop: Path) -> None:
    (shop / "new.txt").write_text("")
    refused = logemit("migrate", shop, "--write")
    assert refused.returncode == 2
    assert "not committed, such as new.txt" in message(refused)
    assert git(shop, "diff", "--name-only") == ""
    assert logemit("migrate", shop, "--write", "--allow-dirty").returncode == 0
    assert "config/settings.py" in git(shop, "diff", "--name-only")


def test_what_is_left_is_told_with_its_reason(shop: Path) -> None:
    (shop / "README.md").write_text("We use django-prometheus.\n")
    git(shop, "add", ".")
    git(shop, "commit", "-qm", "more")
    done = logemit("migrate", shop, "--write", variables={"COLUMNS": 120})
    assert done.returncode == 0
    left = done.stdout.partition("\nLeft: 1 trace in 1 file\n")[2]
    assert "README.md" in left
    assert "by hand: " in left
    found = documented("migrate", shop)
    assert [trace["file"] for trace in found["left"]] == ["README.md"]
    assert [step["files"] for step in found["stages"]] == [[]] * 7


def test_without_settings_logemit_is_for_hands(shop: Path) -> None:
    assert "by hand" not in logemit("migrate", shop).stderr
    (shop / "config/settings.py").write_text("class Base:\n    MIDDLEWARE = []\n")
    done = logemit("migrate", shop)
    assert done.returncode == 0
    assert "no settings were found that list MIDDLEWARE; add logemit's two lines by hand" in done.stderr


def test_a_project_in_a_folder_of_a_repository(tmp_path: Path, shop: Path) -> None:
    outer = tmp_path / "outer"
    (outer / "backend").mkdir(parents=True)
    for path in git(shop, "ls-files").split():
        (outer / "backend" / path).parent.mkdir(parents=True, exist_ok=True)
        (outer / "backend" / path).write_text((shop / path).read_text())
    git(outer, "init", "-q")
    git(outer, "add", ".")
    git(outer, "commit", "-qm", "as it was")
    patch = logemit("migrate", outer / "backend").stdout
    subprocess.run(["git", "apply", "--directory=backend", "-"], cwd=outer, input=patch, text=True, check=True)
    assert logemit("audit", outer / "backend").returncode == 0


@pytest.mark.parametrize("command", ["audit", "migrate"])
def test_help_teaches(command: str) -> None:
    done = logemit(command, "--help", variables={"COLUMNS": 200})
    assert done.returncode == 0
    assert "Exit codes" in done.stdout
