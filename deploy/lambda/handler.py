"""One run of logemit in AWS Lambda, on a schedule. What it reads, writes and may do stands in template.yaml."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from aggregator import aggregate
from aggregator.config import load
from aggregator.errors import LockedError


def handler(_event: object, _context: object) -> None:
    """Prints what `logemit aggregate --json` tells. Raises what that ends with; then nothing has changed."""
    config = os.environ.get("LOGEMIT_CONFIG")
    try:
        report = aggregate([os.environ["SOURCE"]], os.environ["OUT"], load(Path(config) if config else None))
    except LockedError as exc:
        print(exc)  # another run is at work, and does what this one would
    else:
        print(json.dumps(asdict(report)))
