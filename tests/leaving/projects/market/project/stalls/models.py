from django.db import models


class Sale(models.Model):
    stall = models.SlugField()
    cents = models.PositiveIntegerField()
    grams = models.PositiveIntegerField()
    paid = models.CharField(max_length=10, default="cash")
