"""What all instruments have in common: their names and labels, and the children that these lead to."""

import copy
import os
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

from . import emitter, families, outside
from .backends.port import Declaration
from .measured import Child
from .naming import full_name, label_names

_started = False


def _start() -> None:
    """What waits is written at the exit, and before a fork: a child writes nothing of its parent's."""
    global _started
    if not _started:
        _started = True
        outside.watch_exits()
        os.register_at_fork(before=_before_fork)


def _before_fork() -> None:
    with emitter.harmless():
        outside.flush_fold()


class Instrument:
    """What all have in common. One with label names is used through `labels(…)`, which is its child."""

    _type: ClassVar[str]
    _kind: ClassVar[str]
    _child_type: type[Child]
    _reserved_labelname: ClassVar[str | None] = None

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Any = None,
        _labelvalues: Sequence[str] | None = None,
    ) -> None:
        """`registry` is not used: lines know none. Raises ValueError as prometheus_client does."""
        self._name = full_name(self._kind, name, namespace, subsystem, unit)
        self._labelnames = label_names(labelnames, self._reserved_labelname)
        self._labelvalues = tuple(_labelvalues or ())
        self._documentation = documentation
        self._unit = unit
        _start()
        self._family = families.declared(self._declaration(), self._child_type)
        self._children: dict[tuple[str, ...], Self] = {}
        self._child: Any = None
        if self._labelvalues or not self._labelnames:
            self._child = self._family.child(self._labelvalues)

    def _declaration(self, **more: Any) -> Declaration:
        return Declaration(self._kind, self._name, str(self._documentation), self._labelnames, self._unit, **more)

    def __str__(self) -> str:
        return f"{self._type}:{self._name}"

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}({self._name})"

    def labels(self, *labelvalues: object, **labelkwargs: object) -> Self:
        """The child with these label values, in the order of the names or by name; anything becomes text.

        Raises ValueError where they are not those that the instrument was made with.
        """
        names = self._labelnames
        if not names:
            raise ValueError(f"No label names were set when constructing {self}")
        if self._labelvalues:
            already = dict(zip(names, self._labelvalues, strict=False))
            raise ValueError(f"{self} already has labels set ({already}); can not chain calls to .labels()")
        if labelkwargs:
            if labelvalues:
                raise ValueError("Can't pass both *args and **kwargs")
            if sorted(labelkwargs) != sorted(names):
                raise ValueError("Incorrect label names")
            labelvalues = tuple([labelkwargs[name] for name in names])
        elif len(labelvalues) != len(names):
            raise ValueError("Incorrect label count")
        values = tuple([str(value) for value in labelvalues])
        found = self._children.get(values)
        return found if found is not None else self._children.setdefault(values, self._with(values))

    def _with(self, values: tuple[str, ...]) -> Self:
        child = copy.copy(self)
        child._labelvalues = values
        child._child = self._family.child(values)
        return child

    def remove(self, *labelvalues: object) -> None:
        """Forget a child. What it was told by now is told: totals keep it."""
        self._need_names()
        if len(labelvalues) != len(self._labelnames):
            raise ValueError(f"Incorrect label count (expected {len(self._labelnames)}, got {labelvalues})")
        self._forget(tuple(map(str, labelvalues)))

    def remove_by_labels(self, labels: dict[str, str]) -> None:
        """Forget all children with these values of some labels."""
        self._need_names()
        if not isinstance(labels, dict):
            raise TypeError("labels must be a dict of {label_name: label_value}")
        if invalid := [name for name in labels if name not in self._labelnames]:
            raise ValueError(f"Unknown label names: {invalid}; expected {self._labelnames}")
        wanted = {self._labelnames.index(name): str(value) for name, value in labels.items()}
        for values in list(self._family.children) if wanted else ():
            if all(values[place] == value for place, value in wanted.items()):
                self._forget(values)

    def clear(self) -> None:
        """Forget all children."""
        for values in list(self._family.children) if self._labelnames else ():
            self._forget(values)

    def _need_names(self) -> None:
        if not self._labelnames:
            raise ValueError(f"No label names were set when constructing {self}")

    def _forget(self, values: tuple[str, ...]) -> None:
        self._children.pop(values, None)
        child = self._family.children.pop(values, None)
        if child is not None:
            child.forget()

    def _need_child(self) -> None:
        if self._child is None:
            raise ValueError(f"{self._type} metric is missing label values")
