"""Gauges of another kind: those that stand in the kitchen."""


class Gauge:
    def __init__(self, name, unit):
        self.name, self.unit = name, unit
        self.value = 0

    def set(self, value):
        self.value = value

    def labels(self):
        return f"{self.name} ({self.unit})"


OVEN = Gauge("oven", "°C")
