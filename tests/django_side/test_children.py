"""Children of multiprocessing end without what ends other processes, and still tell what they did."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.conftest import ROOT

CODE = """
import django, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
django.setup()
from django.db import connection

def work(_=None):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")

if __name__ == "__main__":
    context = get_context(sys.argv[1])
    process = context.Process(target=work)
    process.start(); process.join()
    pool = context.Pool(2)
    pool.map(work, range(20))
    pool.close(); pool.join()
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        list(executor.map(work, range(20)))
    work()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_what_children_did_is_written_at_their_end(tmp_path: str, method: str) -> None:
    script = os.path.join(tmp_path, "script.py")
    with open(script, "w") as file:
        file.write(CODE)
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.django_side.settings", "LOGEMIT_OUTPUT": "stdout"}
    env |= {"PYTHONPATH": str(ROOT), "LOGEMIT_PROCESS_STATS_SECONDS": ""}
    done = subprocess.run([sys.executable, script, method], env=env, stdout=subprocess.PIPE, check=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    counted = Counter[str]()
    for line in lines:
        counted[line["event"]] += line.get("count", 1)
    assert counted["db_query"] == 1 + 20 + 20 + 1
    assert len({(line["proc"], line["seq"]) for line in lines}) == len(lines)
