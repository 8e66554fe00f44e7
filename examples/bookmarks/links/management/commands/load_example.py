from random import Random
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from links.models import Bookmark, Feed, Tag

TAGS = ("python", "django", "cooking", "music", "maps", "gardening", "history", "日本", "tools", "news")
ADJECTIVES = ("Quiet", "Useful", "Curious", "Complete", "Small", "Honest", "Old", "Bright")
NOUNS = ("handbook", "atlas", "recipe", "essay", "tutorial", "archive", "glossary", "catalogue")
FEEDS = ("rss.xml", "atom.xml", "etag.xml", "error.xml", "broken.xml", "slow.xml", "flaky.xml")


class Command(BaseCommand):
    help = "Fill an empty database with users, tags, bookmarks and feeds, the same ones every time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bookmarks", type=int, default=200)
        parser.add_argument("--feeds", default="http://127.0.0.1:8001", help="base URL of examples/feed_server.py")

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        random = Random(7)
        users = User.objects.bulk_create(User(username=f"reader{n}", password="!") for n in range(1, 6))
        tags = Tag.objects.bulk_create(Tag(name=name) for name in TAGS)
        bookmarks = Bookmark.objects.bulk_create(
            Bookmark(
                user=random.choice(users),
                url=f"https://site{n % 40}.example/pages/{n}",
                title=f"{random.choice(ADJECTIVES)} {random.choice(NOUNS)} {n}",
            )
            for n in range(options["bookmarks"])
        )
        for bookmark in bookmarks:
            bookmark.tags.set(random.sample(tags, random.randint(0, 3)))
        Feed.objects.bulk_create(Feed(url=f"{options['feeds']}/{name}", title=name) for name in FEEDS)
        self.stdout.write(f"{len(users)} users, {len(tags)} tags, {len(bookmarks)} bookmarks, {len(FEEDS)} feeds")
