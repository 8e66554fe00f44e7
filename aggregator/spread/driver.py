"""The run's side: slices are sent ahead, and what was found in them is taken in their order."""

from collections import deque
from dataclasses import dataclass, replace
from functools import cache, partial
from types import TracebackType
from typing import Self

from ..config import Config
from ..decode import Rejection
from ..engines import Engines, default_workers
from ..errors import ReadWriteError
from ..grouping import Array
from ..intake import Intake
from ..remote import Object
from ..sources import size
from ..ways import Names, Tell
from . import moved, task, versions
from .claims import Refused, decide
from .patience import Patience
from .sent import Sent
from .slices import Account, Ends, Given, Slice
from .slicing import Slicer
from .sums import Sums
from .tree import Tree
from .workers import Handle, Workers

AHEAD = 4
"""Slices that are sent for each task that can be at work at once."""


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    parts: Slice
    sources: list[Sent]
    refused: list[Refused] | None
    found: Handle
    account: Handle


class Spread:
    """Takes in what tasks find elsewhere."""

    def __init__(
        self, reader: Slicer, intake: Intake, config: Config, keeps_rejects: bool, workers: Workers, tell: Tell
    ) -> None:
        self._reader, self._intake, self._config, self._tell = reader, intake, config, tell
        self._workers = workers
        facts = versions.facts(config)
        for who, found in workers.everywhere(versions.facts, config).items():
            versions.check(facts, found, who)
        self._given = Given(config, facts, intake.held.limit, intake.late_before, keeps_rejects)
        self._shared = self._shared_by_all()
        self._tasks: deque[_Task] = deque()
        self._patience = Patience(workers)
        self._tree = Tree(workers, self._patience, [each.name for each in config.catalogue.summaries], self._add)
        self._done = 0
        self._has_objects = False
        reader.sender = self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._tasks.clear()
        if error is None:
            self._tree.finish()

    def _add(self, sums: Sums) -> None:
        for place, whole in sums:
            (self._intake.in_time if place.partition else self._intake.late).add(whole)

    def take(self, names: Names) -> None:
        for name in names:
            if isinstance(name, Object) and not self._has_objects:
                self._has_objects = True
                self._share_positions()
            sent_before = self._reader.sent_bytes
            blocks = self._reader.blocks(name)
            if first := next(blocks, None):  # of what only this process can read
                with Engines(self._intake, self._config, default_workers()) as engines:
                    engines.take(first, self._reader.stream, self._reader.ahead)
                    for block in blocks:
                        engines.take(block, self._reader.stream, self._reader.ahead)
            self._done += max(0, size(name) - (self._reader.sent_bytes - sent_before))
        self._reader.settle()

    def _share_positions(self) -> None:
        """An object may be a copy of a file."""
        read = tuple(checkpoint for checkpoint in self._reader.positions if checkpoint.offset)
        if read:
            self._given = replace(self._given, checkpoints=read)
            self._shared = self._shared_by_all()

    def _shared_by_all(self) -> Handle:
        return self._workers.submit(given, self._given, about="what all tasks share")

    def send(self, parts: Slice, sources: list[Sent]) -> None:
        while len(self._tasks) >= AHEAD * self._workers.threads:
            self._take_next()
        self._tasks.append(self._sent(parts, sources))

    def settle(self) -> None:
        while self._tasks:
            self._take_next()

    def _sent(
        self,
        parts: Slice,
        sources: list[Sent],
        refused: list[Refused] | None = None,
        *,
        urgent: bool = False,
        apart: Handle | None = None,
    ) -> _Task:
        """What is sent a second time brings all it needs along."""
        about, shared = _named(parts), self._given if apart else self._shared
        found = self._workers.submit(task.read, shared, parts, refused, urgent=urgent, about=about, apart=apart)
        account = self._workers.submit(task.account_of, found, urgent=True, about=about)
        return _Task(parts, sources, refused, found, account)

    def _again(self, sent: _Task) -> _Task:
        return self._sent(sent.parts, sent.sources, sent.refused, urgent=True, apart=sent.found)

    def _read(self, sent: _Task) -> tuple[_Task, Account]:
        """What was found, by this task or one in its place."""
        sent = self._patience.wait(
            sent, lambda each: each.account, lambda: self._again(sent), self._patience.seconds(sent.parts)
        )
        try:
            account: Account = self._workers.result(sent.account)
        except task.ChangedError:
            parts = moved.followed(sent.parts)
            if parts == sent.parts:
                raise
            return self._read(self._sent(parts, sent.sources, sent.refused, urgent=True))
        self._patience.learn(sent.parts, account.seconds)
        return sent, account

    def _take_next(self) -> None:
        sent, account = self._read(self._tasks[0])
        stand, guess = sent.sources[0].stream.stand, sent.parts[0].stand
        is_guessed = stand != guess
        if is_guessed and not stand.is_as(guess, account.reads[0].stand):
            parts = replace(sent.parts[0], stand=stand), *sent.parts[1:]
            sent, account = self._read(self._sent(parts, sent.sources, urgent=True))
            is_guessed = False
        refused = decide(self._intake.seen, account.claims, cache(partial(self._moments, sent, account)))
        if refused:
            asked = account.asked
            sent, account = self._read(self._sent(sent.parts, sent.sources, refused, urgent=True))
            if account.asked != asked:
                raise ReadWriteError(f"{sent.sources[0].name}: {task.CHANGED}")
        self._tasks.popleft()
        self._take_in(account, sent)
        for number, (source, read) in enumerate(zip(sent.sources, account.reads, strict=True)):
            source.take(read, guessed=is_guessed and number == 0)
        self._tree.add(sent.found, _ends(sent, account), account.nbytes)
        self._done += sum(part.size for part in sent.parts)
        self._tell(self._done)

    def _moments(self, sent: _Task, account: Account) -> Array:
        def asked(of: _Task) -> Handle:
            ends = _ends(sent, account)
            return self._workers.submit(task.moments_of, of.found, ends, urgent=True, about=_named(of.parts))

        handle = self._patience.wait(
            asked(sent), lambda each: each, lambda: asked(self._again(sent)), self._patience.seconds(sent.parts)
        )
        moments: Array = self._workers.result(handle)
        return moments

    def _take_in(self, account: Account, sent: _Task) -> None:
        intake, report = self._intake, self._intake.report
        report.read += account.read
        report.foreign += account.foreign
        report.fields_invalid += account.fields_invalid
        report.texts_cut += account.texts_cut
        report.loading = max(report.loading, account.loading)
        for number, record, kind, reason in account.asides:
            source = sent.sources[number]
            placed = record._replace(line=record.line + source.lines) if record.line else record
            if reason:
                intake.reject(Rejection(placed, kind, reason), source.name)
            else:
                intake.hold(placed, source.name)
        for kind, number in account.rejected.items():
            intake.reject_more(kind, number)
        for name, tally in account.tallies.items():
            intake.count(intake.plan(name), *tally)
        intake.exemplars.meet(account.exemplars.items())
        intake.warnings.extend(text for text in account.warnings if text not in intake.warnings)


def _ends(sent: _Task, account: Account) -> Ends:
    return {part.name: read.end for part, read in zip(sent.parts, account.reads, strict=True)}


def _named(parts: Slice) -> str:
    more = f" and {len(parts) - 1:,} more" if len(parts) > 1 else ""
    return f"{parts[0].name}{more}"


def given(shared: Given) -> Given:
    """As a task, so that all that share it take it from each other, and it can be made again."""
    return shared
