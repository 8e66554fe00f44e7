"""All that the market measures."""

from prometheus_client import Counter, Enum, Gauge, Histogram, Info, Summary

NAMESPACE = "market"

SALES = Counter(
    "sales",
    "Sales by stall and how they were paid.",
    ["stall", "paid"],
    namespace=NAMESPACE,
    subsystem="stalls",
)
REFUSED = Counter("market_refused_total", "Sales that were refused, by why.", labelnames=("reason",))
CHECKED = Counter("market_prices_checked_total", "How often prices were looked up.")
OPEN_STALLS = Gauge("market_open_stalls", "Stalls that sell just now.", multiprocess_mode="livesum")
LAST_SALE = Gauge("market_last_sale_cents", "What the last sale brought.", multiprocess_mode="mostrecent")
PRICE = Histogram(
    "market_price_cents",
    "Prices of what was sold.",
    buckets=(50, 100, 250, 1000, float("inf")),  # coins, then notes
)
DURATION = Histogram("market_step_seconds", "Time that a step takes.", ["step"])
WEIGHT = Summary("market_weight_kilograms", "Weight of what was sold.", unit="kilograms")
BUILD = Info("market_build", "What runs.")
WEATHER = Enum("market_weather", "The weather of the day.", states=["sun", "rain"])

BUILD.info({"version": "2.1"})


def reset_for_a_new_day():
    """Every stall closes at night."""
    OPEN_STALLS.set(0)
