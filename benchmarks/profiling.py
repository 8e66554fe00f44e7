"""Where a contender's time goes, from cProfile: C functions are put down to the Python function that called them."""

import pstats
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import LOGEMIT, Case
from .live import ROOT, Process

Function = tuple[str, int, str]

WARM_UP = 200
SHOWN = 45


@dataclass(slots=True)
class Spent:
    calls: int = 0
    own: float = 0.0
    in_c: float = 0.0
    all: float = 0.0


def profile(case: Case, database: Path, requests: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="logemit-benchmarks-") as folder:
        path = Path(folder) / "profile"
        with Process(LOGEMIT, case, database) as process:
            process.turn(min(WARM_UP, requests))
            process.profile(requests, path)
        stats: Any = pstats.Stats(str(path))
        return _tables(stats.stats, requests)


def _tables(stats: dict[Function, Any], requests: int) -> list[str]:
    spent = _by_function(stats)
    packages: dict[str, float] = defaultdict(float)
    for function, found in spent.items():
        packages[_package(function[0])] += found.own + found.in_c
    lines = ["| package | own µs |", "| --- | ---: |"]
    for package, seconds in sorted(packages.items(), key=lambda item: -item[1])[:10]:
        lines.append(f"| {package} | {seconds / requests * 1e6:.1f} |")
    lines += ["", "| function | calls | own µs | in C µs | with callees µs |", "| --- | ---: | ---: | ---: | ---: |"]
    ours = {function: found for function, found in spent.items() if _package(function[0]) not in {"django", "asgiref"}}
    for function, found in sorted(ours.items(), key=lambda item: -(item[1].own + item[1].in_c))[:SHOWN]:
        figures = [found.calls / requests, *(value / requests * 1e6 for value in (found.own, found.in_c, found.all))]
        cells = " | ".join(f"{figure:.2f}" for figure in figures)
        lines.append(f"| {_name(function)} | {cells} |")
    return lines


def _by_function(stats: dict[Function, Any]) -> dict[Function, Spent]:
    spent: dict[Function, Spent] = defaultdict(Spent)
    for function, (_, calls, own, cumulative, callers) in stats.items():
        if function[0] == "~":
            for caller, (_, _, in_c, _) in callers.items():
                spent[caller].in_c += in_c
        else:
            found = spent[function]
            found.calls, found.own, found.all = calls, own, cumulative
    return spent


def _package(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
        return path.relative_to(ROOT).parts[0]
    if "site-packages" in path.parts:
        return path.parts[path.parts.index("site-packages") + 1]
    return "standard library"


def _name(function: Function) -> str:
    filename, line, name = function
    path = Path(filename)
    return f"{path.parent.name}/{path.name}:{line} `{name}`" if line else f"`{name}`"
