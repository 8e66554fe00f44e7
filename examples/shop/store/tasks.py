import time

from config.celery import app
from django.core.cache import cache

from .models import Order


@app.task(ignore_result=True)
def tick() -> None:
    """Sent by the scheduler every second: whoever reads it knows that scheduler and worker are there."""
    cache.set("tick", time.time(), None)


@app.task(ignore_result=True)
def send_receipt(order: int) -> None:
    Order.objects.filter(pk=order).update(receipt_sent=True)
