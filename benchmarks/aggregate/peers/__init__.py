"""Each a program: `python -m benchmarks.aggregate.peers.NAME LOG OUT`, the same roll-ups as ours by other means."""
