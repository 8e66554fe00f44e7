from typing import Any

from django.core.management.base import BaseCommand

from links import feeds
from links.models import Feed


class Command(BaseCommand):
    help = "Poll every feed."

    def handle(self, *_args: Any, **_options: Any) -> None:
        for feed in Feed.objects.all():
            try:
                outcome = feeds.poll(feed)
            except (OSError, ValueError, SyntaxError) as exc:  # a ParseError is a SyntaxError
                self.stderr.write(f"feed {feed.pk}: error: {exc}")
            else:
                found = f"{outcome.items_discovered} items, {outcome.items_new} new"
                self.stdout.write(f"feed {feed.pk}: {outcome.status}: {found}")
