"""How logemit comes to know of Celery, and what becomes of messages."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery, signals
from celery.app.trace import build_tracer
from kombu.entity import Queue

import logemit.celery
from logemit import emitter
from tests.conftest import ROOT

app = Celery("sender", broker="memory://", set_as_current=False, fixups=set())
CONNECTED = (
    "from celery import signals; assert any(key[0] == 'logemit._begin' for key, _ in signals.task_prerun.receivers)"
)


@app.task(name="sender.do", bind=True, max_retries=1)
def do(self: Any) -> None:
    self.retry(countdown=60)


@pytest.fixture
def messages() -> Iterator[Any]:
    """The next message of a fresh queue, and how to send one."""
    with app.connection_for_write() as connection:
        queue = Queue("messages")(connection.default_channel)
        queue.declare()
        queue.purge()
        yield lambda: queue.get(no_ack=True)


def python(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_message_tells_when_it_was_sent_and_leaves_the_senders_headers_alone(messages: Any) -> None:
    headers = {"tenant": "acme"}
    do.apply_async(queue="messages", headers=headers)
    sent = messages().headers
    assert (type(sent["logemit_sent"]), sent["tenant"], headers) == (float, "acme", {"tenant": "acme"})


def test_a_retry_is_sent_anew(messages: Any) -> None:
    """It takes the headers of the run before along."""
    came = {"id": "t1", "delivery_info": {"exchange": "", "routing_key": "messages"}}
    build_tracer(do.name, do, app=app)("t1", (), {}, {**came, "logemit_sent": 1.0, "tenant": "acme"})
    again = messages().headers
    assert (again["id"], again["retries"], again["tenant"]) == ("t1", 1, "acme")
    assert again["logemit_sent"] > 1


def test_the_old_protocol_is_sent_as_ever(messages: Any) -> None:
    old = Celery("old", broker="memory://", set_as_current=False, fixups=set())
    old.conf.task_protocol = 1
    old.send_task("sender.do", queue="messages")
    assert messages().payload["task"] == "sender.do"


@pytest.mark.parametrize("setting", ["LOGEMIT_CELERY", "LOGEMIT_ENABLED"])
def test_switched_off_messages_stay_as_they_were(messages: Any, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv(setting, "0")
    emitter.reset()
    do.apply_async(queue="messages")
    assert "logemit_sent" not in messages().headers


def test_an_error_of_ours_keeps_no_message_back(messages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logemit.celery._on", lambda: 1 / 0)
    do.apply_async(queue="messages")
    assert messages().headers["task"] == "sender.do"


def test_connecting_again_changes_nothing() -> None:
    before = [len(getattr(signals, name).receivers) for name in ("task_prerun", "before_task_publish")]
    logemit.celery.connect()
    assert [len(getattr(signals, name).receivers) for name in ("task_prerun", "before_task_publish")] == before


def test_a_process_without_celery_is_not_made_to_import_it() -> None:
    python(
        "import sys; sys.modules['celery'] = None; sys.modules['billiard'] = None\n"  # as if not installed
        "import logemit, logemit.celery\n"
        "logemit.celery.connect_when_used(); logemit.celery.connect_when_used()\n"
        "assert sum(type(finder).__name__ == '_Watch' for finder in sys.meta_path) == 1\n"
        "import logemit.spans, json.tool\n"
        "assert not any(name.startswith(('celery.', 'kombu', 'billiard.')) for name in sys.modules)"
    )


def test_celery_is_found_when_it_is_imported_later() -> None:
    python(
        "import sys, inspect, logemit.celery\n"
        "logemit.celery.connect_when_used()\n"
        "from celery import Celery; Celery('app')\n"
        f"{CONNECTED}\n"
        "assert not any(type(finder).__name__ == '_Watch' for finder in sys.meta_path)\n"
        "assert 'task_prerun' in inspect.getsource(signals)"
    )


def test_celery_is_found_when_it_was_imported_before() -> None:
    python(
        f"import logemit.celery; from celery import Celery; Celery(); logemit.celery.connect_when_used(); {CONNECTED}"
    )


def test_an_app_without_django_connects_itself() -> None:
    python(
        f"import sys, logemit.celery; logemit.celery.connect(); {CONNECTED}; assert 'django.conf' not in sys.modules"
    )


@pytest.mark.parametrize("first", ["celery.app", "django"])
def test_django_connects_it_before_or_after_celery_is_imported(first: str) -> None:
    imports = ["import django; django.setup()", "import celery.app"]
    lines = imports if first == "django" else imports[::-1]
    python(
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.django_side.settings'\n"
        + "\n".join([*lines, CONNECTED])
    )


def test_django_does_not_import_celery_by_itself() -> None:
    python(
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.django_side.settings'\n"
        "import django; django.setup(); import django.test\n"
        "assert 'celery' not in sys.modules"
    )
