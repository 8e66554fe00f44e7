"""Where the entries of a YAML text stand, and the edits that take some out. Nothing is constructed: only nodes."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import yaml

from ..traces import Edit, edited, line_start, next_line
from .lines import Span, without_items

MOST_CHARACTERS = 1 << 18
"""What is larger is no configuration that people write."""

_MAY_GO = frozenset({"environment", "env", "volumes", "tmpfs", "volumeMounts", "labels", "annotations", "variables"})
"""What means the same when it is not there as when it is empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A value of a mapping or an element of a sequence. `is_alias`: it stands elsewhere."""

    path: tuple[str | int, ...]
    node: yaml.Node
    key: yaml.Node | None
    container: yaml.CollectionNode
    above: Self | None
    is_alias: bool

    @property
    def value(self) -> str:
        """Of a scalar, as it is written without quotes."""
        return self.node.value if isinstance(self.node, yaml.ScalarNode) else ""

    @property
    def line(self) -> int:
        return int((self.key or self.node).start_mark.line) + 1

    @property
    def start(self) -> int:
        return int((self.key or self.node).start_mark.index)

    def child(self, name: str) -> str:
        """A scalar of a mapping; empty where there is none."""
        pairs = self.node.value if isinstance(self.node, yaml.MappingNode) else ()
        return next((v.value for k, v in pairs if k.value == name and isinstance(v, yaml.ScalarNode)), "")


@lru_cache(maxsize=256)
def documents(text: str) -> tuple[tuple[Entry, ...], ...]:
    """All entries of each document in the order of the text; none of what is no YAML."""
    if len(text) > MOST_CHARACTERS:
        return ()
    try:
        roots = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
    except (yaml.YAMLError, RecursionError, ValueError):
        return ()
    return tuple(tuple(_entries(root)) for root in roots)


def _entries(root: yaml.Node) -> Iterator[Entry]:
    known = {id(root)}
    waiting = list(reversed(list(_children(root, (), None))))
    while waiting:
        entry = waiting.pop()
        is_alias = id(entry.node) in known
        known.add(id(entry.node))
        yield Entry(entry.path, entry.node, entry.key, entry.container, entry.above, is_alias)
        if not is_alias:
            waiting += reversed(list(_children(entry.node, entry.path, entry)))


def _children(node: yaml.Node, path: tuple[str | int, ...], above: Entry | None) -> Iterator[Entry]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            yield Entry((*path, name), value, key, node, above, False)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield Entry((*path, number), value, None, node, above, False)


def without_entries(text: str, every: Sequence[Entry], doomed: Sequence[Entry]) -> dict[Entry, tuple[Edit, ...]]:
    """For each doomed entry the edits that take it out; a container that is emptied goes, too, where it may.

    Empty where the rest would not be what it was: the stream of events tells.
    """
    if not doomed:
        return {}
    chosen = _promoted(every, doomed)
    edits: dict[Entry, tuple[Edit, ...]] = {}
    siblings = _by_container(every)
    for container, among in _by_container(chosen.values()).items():
        made = _in_container(text, siblings[container], among)
        if made is None:
            return {}
        edits |= dict.fromkeys(among, made)
    result = {entry: edits[chosen[entry]] for entry in doomed}
    after = edited(text, [edit for each in edits.values() for edit in each])
    kept = _events(text, set(chosen.values()))
    return result if kept is not None and kept == _events(after) else {}


def _promoted(every: Sequence[Entry], doomed: Sequence[Entry]) -> dict[Entry, Entry]:
    """For each, the outermost entry that goes with it."""
    chosen = {entry: entry for entry in doomed}
    counts: defaultdict[int, int] = defaultdict(int)
    for entry in every:
        counts[id(entry.container)] += 1
    while True:
        emptied = {
            id(container)
            for container, among in _by_container(chosen.values()).items()
            if len(among) == counts[id(container)]
        }
        up = {
            entry: top.above
            for entry, top in chosen.items()
            if id(top.container) in emptied and top.above is not None and top.above.path[-1] in _MAY_GO
        }
        if not up:
            return chosen
        chosen |= up


def _by_container(entries: Any) -> dict[yaml.CollectionNode, list[Entry]]:
    found: dict[yaml.CollectionNode, list[Entry]] = {}
    for entry in dict.fromkeys(entries):
        found.setdefault(entry.container, []).append(entry)
    return found


def _in_container(text: str, siblings: Sequence[Entry], among: Sequence[Entry]) -> tuple[Edit, ...] | None:
    doomed = set(among)
    if any(entry.is_alias for entry in among):
        return None
    if siblings[0].container.flow_style:
        if any(entry.is_alias for entry in siblings):
            return None
        marked = {number for number, entry in enumerate(siblings) if entry in doomed}
        return without_items(text, [_span(text, entry) for entry in siblings], marked)
    if len(doomed) == len(siblings):
        return None
    edits = []
    for entry in among:
        start, end = _span(text, entry)
        line, behind = line_start(text, start), next_line(text, max(start, end - 1))
        rest = text[end:behind].strip()
        if rest and not rest.startswith("#"):
            return None
        if not text[line:start].strip():
            edits.append(Edit(line, behind))
        else:  # the first of a mapping or a sequence that is an element
            following = next((each for each in siblings if each.start > start and each not in doomed), None)
            if following is None or following.is_alias:
                return None
            edits.append(Edit(start, _span(text, following)[0]))
    return tuple(edits)


def _span(text: str, entry: Entry) -> Span:
    """From its key or dash to the end of what it says."""
    start = entry.start
    if entry.key is None and not entry.container.flow_style:
        start = text.rfind("-", 0, start)
    return start, _end(text, entry.node)


def _end(text: str, node: yaml.Node) -> int:
    """Behind its last character: the marks of a block reach to what comes next."""
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        last = node.value[-1] if node.value else None
        children = last if isinstance(last, tuple) else (last,)
        ends = [
            _end(text, each) for each in children if each is not None and start <= int(each.start_mark.index) <= end
        ]
        return max([start, *ends])
    return start + len(text[start:end].rstrip()) if isinstance(node, yaml.ScalarNode) else end


def _events(text: str, without: Collection[Entry] = ()) -> list[tuple[Any, ...]] | None:
    """What a parser tells of a text, but for these entries. None where an alias has lost its anchor."""
    doomed = {(entry.start, "scalar" if entry.key else _id(entry.node)): 2 if entry.key else 1 for entry in without}
    kept: list[tuple[Any, ...]] = []
    anchors: set[str] = set()
    left = depth = 0  # nodes to leave out, and how deep in one
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if not depth and not left and isinstance(event, yaml.NodeEvent):
                left = doomed.get((event.start_mark.index if event.start_mark else -1, _id(event)), 0)
            if left:
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                left -= not depth
                continue
            anchor = getattr(event, "anchor", None)
            if isinstance(event, yaml.AliasEvent) and anchor not in anchors:
                return None
            anchors |= {anchor} if anchor else set()
            kept.append((type(event).__name__, anchor, getattr(event, "tag", None), getattr(event, "value", None)))
    except yaml.YAMLError:
        return None
    return kept


def _id(found: yaml.Event | yaml.Node) -> str:
    if isinstance(found, yaml.MappingStartEvent | yaml.MappingNode):
        return "mapping"
    return "sequence" if isinstance(found, yaml.SequenceStartEvent | yaml.SequenceNode) else "scalar"
