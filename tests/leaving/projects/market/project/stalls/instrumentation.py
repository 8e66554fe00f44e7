"""Decorators for the business layer."""

import functools
import time

from market.metrics import DURATION, REFUSED


def timed(step):
    """Observes how long a step takes."""

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                DURATION.labels(step=step).observe(time.perf_counter() - begun)

        return wrapper

    return decorate


def count_calls(metric, **labels):
    """Counts calls that come to an end."""

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            result = function(*args, **kwargs)
            (metric.labels(**labels) if labels else metric).inc()
            return result

        return wrapper

    return decorate


def refuse(reason):
    REFUSED.labels(reason).inc()
