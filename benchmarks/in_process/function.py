"""A function's process: it answers one request at a time, and its platform freezes it in between.

`python -m benchmarks.in_process.function ANSWERS GATEWAY SECONDS`: paths come on stdin, a status for each goes to the
file descriptor ANSWERS. A thread pushes all metrics to GATEWAY every so many seconds.
"""

import os
import sys
import time
from threading import Thread
from wsgiref.util import setup_testing_defaults

from django.core.wsgi import get_wsgi_application
from prometheus_client import REGISTRY, push_to_gateway


def _push(gateway: str, seconds: float) -> None:
    while True:
        time.sleep(seconds)
        push_to_gateway(gateway, "shop", REGISTRY, {"instance": str(os.getpid())})


def main(answers: str, gateway: str, seconds: str) -> None:
    application = get_wsgi_application()
    Thread(target=_push, args=[gateway, float(seconds)], daemon=True).start()
    with open(int(answers), "w") as out:
        for line in sys.stdin:
            environ = {"PATH_INFO": line.strip()}
            setup_testing_defaults(environ)
            said: list[str] = []
            response = application(environ, lambda status, _headers, said=said: said.append(status))  # type: ignore[misc]
            b"".join(response)
            response.close()
            print(*said, file=out, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
