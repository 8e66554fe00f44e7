import os
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.db import connections

import logemit.celery
from logemit import outside

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django_side.settings")
django.setup()
logemit.celery.connect()


@pytest.fixture(autouse=True)
def events_go_to_a_file(output: Path) -> Iterator[None]:
    outside.unit().drain()  # what another test did outside any unit
    yield
    connections.close_all()
