"""Reads standard input to its end, as a log collector would, and prints how many bytes and lines came."""

import json
import os

size = lines = 0
while chunk := os.read(0, 65536):
    size += len(chunk)
    lines += chunk.count(b"\n")
print(json.dumps({"bytes": size, "lines": lines}))
