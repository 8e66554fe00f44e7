from typing import Any

from django.core.management.base import BaseCommand

import logemit
from links import feeds
from links.models import Feed


class Command(BaseCommand):
    help = "Poll every feed."

    def handle(self, *_args: Any, **_options: Any) -> None:
        feeds_there = list(Feed.objects.all())
        logemit.feed_state(active=len(feeds_there))
        for feed in feeds_there:
            try:
                outcome = feeds.poll(feed)
            except (OSError, ValueError, SyntaxError) as exc:  # a ParseError is a SyntaxError
                self.stderr.write(f"feed {feed.pk}: error: {exc}")
            else:
                found = f"{outcome.items_discovered} items, {outcome.items_new} new"
                self.stdout.write(f"feed {feed.pk}: {outcome.status}: {found}")
