"""Figures as Markdown tables."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles

from .cases import BARE, LOGEMIT, PARTS, PROMETHEUS, TARGETS, Case
from .live import Taken, Turn

Results = Mapping[Case, Mapping[str, Taken]]
Clock = Callable[[Turn], float]

MISSING = "-"


def _wall(turn: Turn) -> float:
    return turn.wall


def _cpu(turn: Turn) -> float:
    return turn.cpu


def _added(taken: Mapping[str, Taken], name: str, clock: Clock) -> list[float]:
    """For each round, the seconds more than bare Django took in the same round; empty where it did not run."""
    if name not in taken:
        return []
    pairs = zip(taken[name].turns, taken[BARE.name].turns, strict=True)
    return [clock(turn) - clock(bare) for turn, bare in pairs]


def _ratios(taken: Mapping[str, Taken], clock: Clock) -> list[float]:
    pairs = zip(_added(taken, LOGEMIT.name, clock), _added(taken, PROMETHEUS.name, clock), strict=False)
    return [ours / theirs if theirs else float("inf") for ours, theirs in pairs]


def _microseconds(seconds: Sequence[float], sign: str = "+") -> str:
    if not seconds:
        return MISSING
    value = median(seconds) * 1e6
    return f"{value:{sign},.{0 if abs(value) >= 1000 else 1}f}"


def _ratio(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f}" if ratios else MISSING


def _quartiles(ratios: Sequence[float]) -> str:
    if not ratios:
        return MISSING
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else [ratios[0]] * 3
    return f"{low:.2f} to {high:.2f}"


def _target(case: Case, ratios: Sequence[float]) -> str:
    target = TARGETS.get(case)
    if target is None:
        return MISSING
    return f"{target}" if not ratios else f"{target}, {'met' if median(ratios) <= target else 'not met'}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def comparison(results: Results) -> list[str]:
    """What each contender adds to bare Django."""
    head = ["case", "bare µs", f"{PROMETHEUS.name} adds", f"{LOGEMIT.name} adds", "ratio", "quartiles", "target"]
    head += [f"CPU: {PROMETHEUS.name}", f"CPU: {LOGEMIT.name}", "CPU: ratio"]
    rows = []
    for case, taken in results.items():
        ratios = _ratios(taken, _wall)
        row = [str(case), _microseconds([turn.wall for turn in taken[BARE.name].turns], sign="")]
        row += [_microseconds(_added(taken, name, _wall)) for name in (PROMETHEUS.name, LOGEMIT.name)]
        row += [_ratio(ratios), _quartiles(ratios), _target(case, ratios)]
        row += [_microseconds(_added(taken, name, _cpu)) for name in (PROMETHEUS.name, LOGEMIT.name)]
        rows.append([*row, _ratio(_ratios(taken, _cpu))])
    return _table(head, rows)


def written(results: Results) -> list[str]:
    """What one request of logemit's writes: bytes and lines as the pipe's reader met them, writes as the system did."""
    rows = []
    for case, taken in results.items():
        ours = taken.get(LOGEMIT.name)
        if ours is None or not ours.bytes:
            continue
        writes = [turn.writes for turn in ours.turns if turn.writes is not None]
        figures = [f"{ours.bytes / ours.requests:,.0f}", f"{ours.lines / ours.requests:.2f}"]
        rows.append([str(case), *figures, f"{median(writes):.2f}" if writes else MISSING])
    return _table(["case", "bytes", "lines", "writes"], rows) if rows else []


def parts(results: Results) -> list[str]:
    """What logemit adds to bare Django with more and more of it switched on."""
    head = ["logemit"]
    for clock in ("", "CPU: "):
        head += [f"{clock}{case.queries or 'no'} queries" for case in results]
    rows = []
    for part in PARTS:
        figures = [_added(taken, part.name, clock) for clock in (_wall, _cpu) for taken in results.values()]
        rows.append([part.name, *map(_microseconds, figures)])
    return _table(head, rows)
