"""The lines behind a number: which events of which logs make a sample of metrics.prom, in a window or over all time."""
