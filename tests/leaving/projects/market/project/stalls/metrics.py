"""What the stalls use of the market's metrics."""

from market.metrics import CHECKED, LAST_SALE, OPEN_STALLS, PRICE, SALES, WEATHER, WEIGHT

__all__ = ["CHECKED", "LAST_SALE", "OPEN_STALLS", "PRICE", "SALES", "WEATHER", "WEIGHT"]
