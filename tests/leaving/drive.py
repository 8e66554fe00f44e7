"""Drives a project's traffic in one process. Run in the project's folder: drive.py TRAFFIC SETTINGS OUT

OUT is a JSON file: the status of the page for Prometheus, and what prometheus_client shows at the end.
"""

import importlib.util
import json
import os
import shutil
import sys
import traceback
from pathlib import Path


def set_up(settings: str) -> None:
    import django

    sys.path.insert(0, os.getcwd())
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    django.setup()


def prepared(settings: str, page: str, headers: dict[str, str]) -> int:
    """Tables, and the status of the page: by a child, of which nothing is counted."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            os.environ["LOGEMIT_OUTPUT"] = "/dev/null"
            os.write(writing, str(status_of(settings, page, headers)).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    status = os.read(reading, 16)
    os.wait()
    return int(status)


def status_of(settings: str, page: str, headers: dict[str, str]) -> int:
    set_up(settings)
    from django.conf import settings as configured
    from django.core.management import call_command
    from django.test import Client

    for database in configured.DATABASES:
        call_command("migrate", database=database, verbosity=0)
    return int(Client().get(page, headers=headers).status_code)


def main(traffic: str, settings: str, out: str) -> None:
    spec = importlib.util.spec_from_file_location("traffic", traffic)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    status = prepared(settings, module.PAGE, getattr(module, "HEADERS", {}))
    set_up(settings)
    from django.test import Client

    module.traffic(Client(raise_request_exception=False))
    if "logemit" in sys.modules:
        import logemit

        logemit.flush()
        shutil.copyfile(os.environ["LOGEMIT_OUTPUT"], f"{out}.log")  # while the process lives, as a page is read
    shown = ""
    if "prometheus_client" in sys.modules:
        from prometheus_client import generate_latest

        shown = generate_latest().decode()
    Path(out).write_text(json.dumps({"page": status, "shown": shown}))


if __name__ == "__main__":
    main(*sys.argv[1:])
