"""What happens at a stall."""

from collections import Counter

from market import metrics as market_metrics

from . import metrics
from .instrumentation import count_calls, refuse, timed
from .models import Sale

PRICES = {"bread": 350, "cheese": 1290, "apple": 40}
PAYMENTS = ("cash", "card")


class Refused(Exception):
    pass


@count_calls(metrics.CHECKED)
def price_of(goods):
    if goods not in PRICES:
        refuse("unknown")
        raise Refused(goods)
    return PRICES[goods]


@timed("sell")
def sell(stall, goods, grams, paid="cash"):
    cents = price_of(goods)
    if paid not in PAYMENTS:
        refuse(reason="payment")
        raise Refused(paid)
    sale = Sale.objects.create(stall=stall, cents=cents, grams=grams, paid=paid)
    metrics.SALES.labels(stall, paid).inc()
    metrics.PRICE.observe(cents)
    metrics.WEIGHT.observe(grams / 1000)
    market_metrics.LAST_SALE.set(cents)
    return sale


@market_metrics.DURATION.labels("takings").time()
def takings():
    """Cents by stall."""
    found = Counter()
    for sale in Sale.objects.all():
        found[sale.stall] += sale.cents
    return found


def open_stall():
    metrics.OPEN_STALLS.inc()


def close_stall():
    metrics.OPEN_STALLS.dec()


def see_weather(rain):
    metrics.WEATHER.state("rain" if rain else "sun")
