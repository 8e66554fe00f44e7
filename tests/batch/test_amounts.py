"""Numbers that need not be whole: added up to nine places, exactly, as counters and histograms."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import aggregator
from aggregator.config import load
from aggregator.errors import ConfigError

TOML = """
[[summary]]
name = "payments"
event = "payment"
dimensions = ["shop"]
measures = [{ name = "paid", unit = "amount" }, { name = "balance", unit = "value" }]
bins = ["paid", "balance"]

[[metric]]
name = "paid_total"
type = "counter"
help = "Paid."
summary = "payments"
value = "paid_sum"
labels = ["shop"]

[[metric]]
name = "balance"
type = "histogram"
help = "Balance."
summary = "payments"
measure = "balance"
buckets = [-100, 0, 0.5, 100]
"""
PAYMENTS: list[dict[str, Any]] = [
    *({"shop": "a", "paid": number / 10, "balance": number - 5.25} for number in range(10)),
    {"shop": "a", "paid": -0.1, "balance": -1e9},
    {"shop": "b", "paid": 123_456_789_012_345.5, "balance": 1e9},
    {"shop": "b", "paid": 1e-9, "balance": 0},
    {"shop": "b", "paid": 1e19, "balance": float("nan")},
]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "logemit.toml").write_text(TOML)
    head = {"logemit": 1, "event": "payment", "timestamp": "2026-11-20T10:00:00Z", "service": "s"}
    lines = (json.dumps({**head, **payment}, separators=(",", ":")) for payment in PAYMENTS)
    (tmp_path / "app.log").write_text("".join(f"{line}\n" for line in lines))
    report = aggregator.aggregate([str(tmp_path / "app.log")], tmp_path / "out", load(tmp_path / "logemit.toml"))
    assert (report.events, report.rejected, report.fields_invalid) == (len(PAYMENTS), 0, 3)
    return tmp_path / "out"


def samples(out: Path, name: str) -> dict[str, float]:
    lines = (out / "metrics.prom").read_text().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)}


def test_amounts_add_up_to_the_last_place(out: Path) -> None:
    assert samples(out, "paid_total") == {
        'paid_total{service="s",shop="a"}': 4.5,
        'paid_total{service="s",shop="b"}': 123_456_789_012_345.5,
    }
    rows = pd.read_parquet(out / "payments").set_index("shop")
    rest = {
        shop: Decimal(float(row["paid_sum"])) + Decimal(int(row["paid_sum_rest"])).scaleb(-9)
        for shop, row in rows.iterrows()
    }
    assert rest["b"] == Decimal("123456789012345.500000001")


def test_values_are_binned_below_zero_too(out: Path) -> None:
    balances = [payment["balance"] for payment in PAYMENTS if payment["balance"] == payment["balance"]]
    found = samples(out, "balance")
    for bound in (-100, 0, 0.5, 100):
        assert found[f'balance_bucket{{le="{float(bound)}",service="s"}}'] == sum(b <= bound for b in balances)
    assert found['balance_bucket{le="+Inf",service="s"}'] == len(balances)
    assert len(found) == 5, "as prometheus_client has it: no sum, which may fall, and no count"


def test_a_value_may_fall_and_is_no_counter(tmp_path: Path) -> None:
    (tmp_path / "logemit.toml").write_text(TOML.replace("paid_sum", "balance_sum"))
    with pytest.raises(ConfigError, match=r"value is 'balance_sum', expected one of events, paid_sum"):
        load(tmp_path / "logemit.toml")
