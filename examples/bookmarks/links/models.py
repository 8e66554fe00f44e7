from django.conf import settings
from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Bookmark(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="bookmarks")
    url = models.URLField(max_length=2000)
    title = models.CharField(max_length=200)
    tags = models.ManyToManyField(Tag, related_name="bookmarks", blank=True)
    visits = models.PositiveIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title


class Feed(models.Model):
    url = models.URLField(unique=True)
    title = models.CharField(max_length=200)
    etag = models.CharField(max_length=200, blank=True)
    last_modified = models.CharField(max_length=50, blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.title


class FeedItem(models.Model):
    feed = models.ForeignKey(Feed, models.CASCADE, related_name="items")
    guid = models.CharField(max_length=500)
    title = models.CharField(max_length=200)
    link = models.URLField(max_length=2000)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("feed", "guid"), name="one_item_per_guid"),)

    def __str__(self) -> str:
        return self.title
