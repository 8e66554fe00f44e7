"""Lines of instruments, drawn at random: usual ones and odd ones, all of them sound."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from tests.recount_measures import INFINITY, MOST, VALUES, Measure

VALUE = Measure("measurement", "value")
LIVE_MODES = ("livesum", "livemax", "livemin", "livemostrecent", "max", "min")
NUMBERS = [
    0,
    1,
    3,
    0.1,
    0.1 + 0.2,
    2.5,
    1e-9,
    5e-10,
    1.5e-9,
    4.9e-10,
    1e15,
    10**15,
    0.7e15 + 0.125,
    123_456_789_012.345678,
]


@dataclass(frozen=True, slots=True)
class Instrument:
    name: str
    kind: str
    labels: tuple[str, ...] = ()
    helps: tuple[str, ...] = ("What it counts.", 'Again, with "quotes", a \\ and\na line more.')
    modes: tuple[str, ...] = ("",)
    buckets: tuple[str, ...] = ("",)
    states: tuple[str, ...] = ()
    declared: bool = True
    bare: bool = False
    """Whether it was declared without labels, too."""


INSTRUMENTS = [
    Instrument("orders", "counter", ("product", "service")),
    Instrument("app:boots", "counter"),
    Instrument("never_declared", "counter", ("a",), declared=False),
    Instrument("feed_polls", "counter", ("feed_id",)),  # the catalogue has feed_polls_total
    Instrument("feed_poll_duration_seconds", "summary"),  # and the family of this name
    *(Instrument(f"told_{mode}_of", "gauge", ("room",), modes=(mode,)) for mode in ("mostrecent", "sum", *LIVE_MODES)),
    Instrument("heat", "gauge", modes=("mostrecent",)),
    Instrument("lives", "gauge", modes=("livesum",)),
    Instrument("switched", "gauge", ("room",), modes=("sum", "mostrecent", "livemax", "min")),
    Instrument("gauge_never_declared", "gauge", ("room",), modes=("sum",), declared=False),
    Instrument("latency_seconds", "histogram", ("path",)),
    Instrument("drift", "histogram", buckets=("-5,-0.5,0,0.5,5", "-1,1")),
    Instrument("off_grid", "off_grid", ("path",), buckets=("0,0.3333333333333333,2.123456,1e+12",)),
    Instrument("histogram_never_declared", "histogram", declared=False),
    Instrument("shifting", "counter", ("a",), bare=True),
    Instrument("wait", "summary", ("queue",)),
    Instrument("waits", "summary"),
    Instrument("build", "info", ("part",)),
    Instrument("door", "enum", ("room",), states=("open", "closed", 'a "third"')),
    Instrument("never_declared_state", "enum", states=("on", "off"), declared=False),
]


class Instruments:
    """Makes the fields of an `instrument` and of a `measurement`."""

    def __init__(self, random: Random, texts: Sequence[str]) -> None:
        self.random, self.texts = random, texts

    def declaration(self) -> dict[str, Any]:
        pick = self.random.choice
        one = pick([each for each in INSTRUMENTS if each.declared])
        names = pick([",".join(one.labels), ""]) if one.bare else ",".join(one.labels)
        kind = "histogram" if one.kind == "off_grid" else one.kind
        fields: dict[str, Any] = {"name": one.name, "kind": kind, "help": pick(one.helps)}
        more = {"label_names": names, "buckets": pick(one.buckets), "declared": 1}
        return fields | more | ({"states": json.dumps(one.states)} if one.states else {})

    def measurement(self) -> dict[str, Any]:
        one = self.random.choice(INSTRUMENTS)
        fields = {"name": one.name, "kind": one.kind, **getattr(self, one.kind)(one)}
        if labels := self.labels(one):
            return fields | {"labels": labels | fields.get("labels", {})}
        return fields | self.random.choice([{}, {"labels": {}}]) if "labels" not in fields else fields

    def labels(self, one: Instrument) -> dict[str, str]:
        """Now and then one is missing, or there is one more than usual."""
        chance = self.random.random
        names = [name for name in one.labels if chance() < 0.9] + ["odd"] * (one.labels != () and chance() < 0.1)
        self.random.shuffle(names)
        return {name: self.random.choice(self.texts) for name in names}

    def number(self, negative: bool = True) -> int | float:
        pick = self.random.choice
        value = pick([pick(NUMBERS), round(self.random.uniform(0, 10), 4), float(pick(VALUES[len(VALUES) // 2 :]))])
        return -value if negative and self.random.random() < 0.3 else value

    def counter(self, one: Instrument) -> dict[str, Any]:
        count = self.random.choice([None, 0, 1, 2, 50])
        if count is None:
            return {"value": self.number(negative=False)}
        return {"count": count, "value": self.number(negative=False)} if count != 1 else {"count": 1}

    def gauge(self, one: Instrument) -> dict[str, Any]:
        mode, count = self.random.choice(one.modes), self.random.choice([{}, {"count": 3}])
        told = {"value": self.number(), "step": self.number()}
        return {"mode": mode, **count} | self.random.choice([told, told, told, {"value": 1e300}, {}])

    def observed(self) -> tuple[list[int | float], dict[str, Any]]:
        """What was observed, and the fields that summaries and histograms have of it."""
        each = [self.number() for _ in range(self.random.choice([0, 1, 1, 2, 7, 30]))]
        units = [VALUE.units(Decimal(repr(value))) for value in each]
        if abs(sum(units)) > MOST * 10**9:
            return self.observed()
        fields: dict[str, Any] = {"value": sum(units) / 10**9, "count": len(each)}
        ends = {"value_min": min(units) / 10**9, "value_max": max(units) / 10**9} if len(each) > 1 else {}
        return each, fields | ends

    def summary(self, one: Instrument) -> dict[str, Any]:
        return self.observed()[1]

    def histogram(self, one: Instrument) -> dict[str, Any]:
        each, fields = self.observed()
        if not each:
            return fields | self.random.choice([{}, {"value": self.number()}])
        if self.random.random() < 0.1:  # of what is no number
            return {"count": len(each), "bins": f"+Inf:{len(each)}"}
        bounds = Counter(VALUE.bound(VALUE.units(Decimal(repr(value)))) for value in each)
        texts = {float(bound): f"{bound.normalize():f}" for bound in VALUES} | {INFINITY: "+Inf"}
        return fields | {"bins": ",".join(f"{texts[le]}:{number}" for le, number in sorted(bounds.items()))}

    def off_grid(self, one: Instrument) -> dict[str, Any]:
        """A summary, or one of its buckets."""
        if self.random.random() < 0.3:
            return {**self.observed()[1], "kind": "summary"}
        le = self.random.choice([*one.buckets[0].split(","), "0.7", "+Inf"])
        return {"kind": "bucket", "labels": {"le": le}, "count": self.random.randrange(20)}

    def info(self, one: Instrument) -> dict[str, Any]:
        pairs = {"version": self.random.choice(["1", "2"]), "service": self.random.choice(self.texts)}
        return {"value": 1, "state": json.dumps(pairs, separators=(",", ":"), sort_keys=True)}

    def enum(self, one: Instrument) -> dict[str, Any]:
        return {"value": 1, "state": self.random.choice(one.states)}
