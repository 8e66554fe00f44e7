from django.db import models


class Line(models.Model):
    name = models.CharField(max_length=10, unique=True)
    city = models.SlugField()

    class Meta:
        ordering = ["name"]


class Departure(models.Model):
    """In the database of the timetable."""

    line = models.CharField(max_length=10)
    stop = models.SlugField()
    minute = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["minute"]
