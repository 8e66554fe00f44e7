"""A web process: Django with logemit, which answers one request and tells which modules that took. A script."""

import json
import sys
from collections.abc import Iterable
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="web",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.contenttypes", "logemit"],
    MIDDLEWARE=["logemit.middleware.EventMiddleware", "django.middleware.common.CommonMiddleware"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
application = get_wsgi_application()

import logemit  # noqa: E402

orders = logemit.Counter("orders_total", "Orders by kind.", ["kind"])
seconds = logemit.Histogram("gift_wrapping_seconds", "How long wrapping takes.")


def view(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    cache.set("key", cache.get("key"))
    orders.labels("gift").inc()
    with logemit.feed_poll("feed"), seconds.time():
        logemit.emit("alert_created", product="search")
    return HttpResponse("done")


urlpatterns = [path("", view)]

environ: dict[str, object] = {}
setup_testing_defaults(environ)
answer: Iterable[bytes] = application(environ, lambda _status, _headers, _failure=None, /: bytes)
assert b"".join(answer) == b"done"
getattr(answer, "close", lambda: None)()
logemit.flush()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
