"""Models and migrations without the mixin, and the names that it was given."""

import ast
from typing import Any

import pytest

from cli.leaving.traces import Kind, Stage

from .pieces import doubts_of, left_of, traces_of

HEAD = "from django.db import models\nfrom django_prometheus.models import ExportModelOperationsMixin\n"
SETTINGS = 'INSTALLED_APPS = ["shop"]\n'


def bases_of(text: str) -> dict[str, list[str]]:
    return {
        node.name: [ast.unparse(each) for each in [*node.bases, *node.keywords]]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
    }


def without_mixin(text: str) -> str:
    return left_of({"shop/models.py": text}, Stage.MODELS)["shop/models.py"]


def settings_of(texts: dict[str, str], path: str = "shop/settings.py") -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(left_of(texts, Stage.MODELS)[path], names)
    return names


@pytest.mark.parametrize("call", ['ExportModelOperationsMixin("dog")', "ExportModelOperationsMixin(NAME)"])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("class Dog({}, models.Model): ...\n", ["models.Model"]),
        ("class Dog(models.Model, {}):\n    pass\n", ["models.Model"]),
        ("class Dog(Base, {}, models.Model, metaclass=M):  # why\n    pass\n", ["Base", "models.Model", "metaclass=M"]),
        ("class Dog(\n    {},  # counted\n    models.Model,\n): ...\n", ["models.Model"]),
        ("@register\nclass Dog(\n    {}\n):\n    é = 1\n", []),
        ("class Dog({}): ...\n", []),
        ("class Outer:\n    class Dog({}, models.Model):\n        x = {{'a': 1}}\n", ["models.Model"]),
    ],
)
def test_the_mixin_goes_and_other_bases_stay(text: str, left: list[str], call: str) -> None:
    before = HEAD + text.format(call)
    after = without_mixin(before)
    assert bases_of(after)["Dog"] == left
    assert after.count("\n") >= before.count("\n") - 3  # the import, and a base on lines of its own
    assert [line for line in after.splitlines() if "Dog" not in line and line not in before.splitlines()] == []


@pytest.mark.parametrize(
    "imported",
    [
        "from django_prometheus.models import ExportModelOperationsMixin as Mixin",
        "from shop.all import Mixin",
        "from shop.mixins import ExportModelOperationsMixin as Mixin",
    ],
)
def test_the_mixin_is_known_by_any_name_that_an_import_gives_it(imported: str) -> None:
    texts = {
        "shop/all.py": "from .mixins import ExportModelOperationsMixin as Mixin\n",
        "shop/mixins.py": "from django_prometheus.models import ExportModelOperationsMixin\n",
        "shop/models.py": f"from django.db import models\n{imported}\nclass Dog(Mixin('dog'), models.Model): ...\n",
    }
    assert bases_of(left_of(texts, Stage.MODELS)["shop/models.py"])["Dog"] == ["models.Model"]


def test_what_stands_between_goes_too() -> None:
    texts = {
        "shop/mixins.py": """
            from django_prometheus.models import ExportModelOperationsMixin

            Counted = ExportModelOperationsMixin("counted")


            class Base(ExportModelOperationsMixin("base"), models.Model):
                class Meta:
                    abstract = True
        """,
        "shop/models.py": """
            from django.db import models

            from .mixins import Base, Counted


            class Dog(Counted, models.Model): ...


            class Cat(Base): ...


            class Cow(Base):
                class Meta:
                    app_label = "farm"
        """,
        "shop/settings.py": SETTINGS,
    }
    after = left_of(texts, Stage.MODELS)
    assert bases_of(after["shop/models.py"]) == {"Dog": ["models.Model"], "Cat": ["Base"], "Cow": ["Base"], "Meta": []}
    assert bases_of(after["shop/mixins.py"])["Base"] == ["models.Model"]
    assert "Counted" not in after["shop/models.py"] + after["shop/mixins.py"]
    labels = {"shop.Dog": "counted", "shop.Cat": "base", "farm.Cow": "base"}
    assert settings_of(texts)["LOGEMIT"] == {"MODEL_LABELS": labels}


@pytest.mark.parametrize(
    "text",
    [
        'Dog = type("Dog", (ExportModelOperationsMixin("dog"), models.Model), {})\n',
        'def base():\n    return ExportModelOperationsMixin("dog")\n',
        'Named = ExportModelOperationsMixin("dog")\nprint(Named)\n',
    ],
)
def test_any_other_use_is_left_with_a_doubt(text: str) -> None:
    assert without_mixin(HEAD + text) == HEAD + text
    assert len(doubts_of({"shop/models.py": HEAD + text}, Kind.MODEL_MIXIN)) == 1


def test_a_mixin_of_the_same_name_from_elsewhere_is_none() -> None:
    text = "from shop.own import ExportModelOperationsMixin\nclass Dog(ExportModelOperationsMixin('x'), Base): ...\n"
    assert traces_of({"shop/models.py": text, "shop/own.py": "def ExportModelOperationsMixin(name): ...\n"}) == []


MIGRATION = """
import django_prometheus.models
from django.db import migrations, models
import shop.models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name='Dog',
            fields=[],
            options={{'abstract': False}},
            bases={},
        ),
    ]
"""


@pytest.mark.parametrize(
    ("bases", "left"),
    [
        ("(django_prometheus.models.ExportModelOperationsMixin('dog'), models.Model)", None),
        ("(models.Model, django_prometheus.models.ExportModelOperationsMixin('dog'))", None),
        ("(\n                django_prometheus.models.ExportModelOperationsMixin('dog'),\n models.Model,\n)", None),
        ("(django_prometheus.models.ExportModelOperationsMixin('dog'), shop.models.Base)", "(shop.models.Base,)"),
        (
            "(shop.models.Base, django_prometheus.models.ExportModelOperationsMixin('dog'), models.Model)",
            "(shop.models.Base, models.Model)",
        ),
        ("(django_prometheus.models.ExportModelOperationsMixin('dog'), 'shop.animal')", "('shop.animal',)"),
    ],
)
def test_a_migration_has_the_bases_that_are_left(bases: str, left: str | None) -> None:
    after = left_of({"shop/migrations/0001_initial.py": MIGRATION.format(bases)}, Stage.MODELS)
    text = after["shop/migrations/0001_initial.py"]
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    creation = next(node for node in calls if "CreateModel" in ast.unparse(node.func))
    arguments = {str(each.arg): ast.unparse(each.value) for each in creation.keywords}
    assert arguments.pop("bases", None) == left
    assert arguments == {"name": "'Dog'", "fields": "[]", "options": "{'abstract': False}"}


def test_a_migration_that_is_not_sure_is_left() -> None:
    text = MIGRATION.format("(django_prometheus.models.ExportModelOperationsMixin('dog'),)")
    texts = {"shop/migrations/0001_initial.py": text.lstrip("\n")}
    assert left_of(texts, Stage.MODELS) == texts
    assert len(doubts_of(texts, Kind.MIGRATION)) == 1


@pytest.mark.parametrize(
    ("apps", "path", "label"),
    [
        (None, "shop/models.py", "shop"),
        (None, "src/shop/models/dogs.py", "shop"),
        ("class ShopConfig(AppConfig):\n    name = 'src.store'\n", "src/shop/models.py", "store"),
        ("class ShopConfig(AppConfig):\n    name = 'shop'\n    label = 'kiosk'\n", "shop/models.py", "kiosk"),
        ("class ShopConfig(AppConfig):\n    name = computed()\n", "shop/models.py", None),
        ("class A(AppConfig):\n    name = 'a'\nclass B(AppConfig):\n    name = 'b'\n", "shop/models.py", None),
        (None, "shop/dogs.py", None),
        ("class ShopConfig(AppConfig):\n    name = 'shop'\n", "shop/dogs.py", "shop"),
    ],
)
def test_names_are_kept_by_the_labels_of_their_apps(apps: str | None, path: str, label: str | None) -> None:
    texts = {path: HEAD + 'class Dog(ExportModelOperationsMixin("a \\"dog\\""), models.Model): ...\n'}
    texts["shop/settings.py"] = SETTINGS
    if apps is not None:
        texts[path.partition("shop/")[0] + "shop/apps.py"] = apps
    found = settings_of(texts).get("LOGEMIT")
    assert found == (None if label is None else {"MODEL_LABELS": {f"{label}.Dog": 'a "dog"'}})
    advice = traces_of(texts, Kind.MODEL_MIXIN)[0].advice
    assert (f"{label}.Dog" in advice) if label else ("by hand" in advice)


@pytest.mark.parametrize(
    "known",
    [
        "LOGEMIT = {}",
        'LOGEMIT = {"SERVICE": "x"}',
        'LOGEMIT = {\n    "SERVICE": "x",  # why\n}',
        'LOGEMIT = {"MODEL_LABELS": {"shop.Cat": "cat"}}',
        'LOGEMIT = {\n    "MODEL_LABELS": {\n        "shop.Cat": "cat",\n    },\n}',
        'LOGEMIT = {"MODEL_LABELS": {}}',
        'LOGEMIT = dict(SERVICE="x")',
        'LOGEMIT = {}\nLOGEMIT["SERVICE"] = "x"',
        'OTHER = dict(\n    x=1)\nLOGEMIT = {"MODEL_LABELS": dict(OTHER)}',
        "x = 1",
        "x = 1\n\n# the end\n",
    ],
)
def test_labels_join_what_is_there(known: str) -> None:
    texts = {
        "shop/models.py": HEAD + 'class Dog(ExportModelOperationsMixin("dog"), models.Model): ...\n'
        'class Cow(ExportModelOperationsMixin("cow"), models.Model): ...\n',
        "shop/settings.py": SETTINGS + known,
    }
    before: dict[str, Any] = {}
    exec(texts["shop/settings.py"], before)
    expected = before.get("LOGEMIT", {})
    expected.setdefault("MODEL_LABELS", {}).update({"shop.Dog": "dog", "shop.Cow": "cow"})
    assert settings_of(texts)["LOGEMIT"] == expected


def test_without_settings_nothing_is_added() -> None:
    texts = {"shop/models.py": HEAD + 'class Dog(ExportModelOperationsMixin("dog"), models.Model): ...\n'}
    assert left_of(texts).keys() == {"shop/models.py"}
