"""What takes long, for a worker to do."""

from dataclasses import asdict
from typing import Any

from config.celery import app
from django.contrib.auth.models import User

from . import feeds
from .importers import import_bookmarks
from .models import Feed


@app.task(autoretry_for=(OSError,), default_retry_delay=0.5, max_retries=2)
def poll_feed(feed: int) -> dict[str, Any]:
    """A server that is out of order may be back in a moment; what is no feed will not be one then."""
    return asdict(feeds.poll(Feed.objects.get(pk=feed)))


@app.task
def import_file(user: int, format: str, data: bytes) -> dict[str, Any]:  # noqa: A002
    return asdict(import_bookmarks(User.objects.get(pk=user), format, data))
