"""Instruments of prometheus_client beside ours, so that a long-running server has both during a migration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..writer import Line
from .port import Declaration, Operation

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class PrometheusClient:
    """Does with instruments in a registry what the app does with ours, call by call, so that each number is exact.

    Instruments that exist by now are made there at once, others when they are declared. One that is there already is
    used, if it is of the same type and has the same labels. Raises ImportError where prometheus_client is missing.
    """

    last_error: Exception | None = None

    def __init__(self, _settings: object = None, *, registry: "CollectorRegistry | None" = None) -> None:
        import prometheus_client  # noqa: PLC0415  only where it is used

        from ..families import existing  # noqa: PLC0415  it emits, which begins with a backend

        self._types = {
            "counter": prometheus_client.Counter,
            "gauge": prometheus_client.Gauge,
            "histogram": prometheus_client.Histogram,
            "summary": prometheus_client.Summary,
            "info": prometheus_client.Info,
            "enum": prometheus_client.Enum,
        }
        self._registry = prometheus_client.REGISTRY if registry is None else registry
        self._made: dict[str, Any] = {}
        for declaration, children in existing():
            for labels in children:
                self.measure(Operation(declaration, labels, "labels", None))

    def measure(self, operation: Operation) -> None:
        """Raises what prometheus_client raises."""
        instrument = self._instrument(operation.instrument)
        labels, method, value = operation.labels, operation.method, operation.value
        if method == "remove":
            instrument.remove(*labels)
            return
        child = instrument.labels(*labels) if operation.instrument.label_names else instrument
        if method == "reset":
            child.reset()
        elif operation.exemplar is not None:
            getattr(child, method)(value, operation.exemplar)
        elif method != "labels":
            getattr(child, method)(value)

    def _instrument(self, declaration: Declaration) -> Any:
        made = self._made.get(declaration.name)
        if made is None:
            try:
                made = self._there(declaration) or self._new(declaration)
            except ValueError:  # another thread was quicker, or something else has this name
                made = self._there(declaration)
                if made is None:
                    raise
            self._made[declaration.name] = made
        return made

    def _there(self, declaration: Declaration) -> Any:
        """What the registry has under this name; its own refusal follows where that is something else."""
        found = self._registry._names_to_collectors.get(declaration.name)
        same = type(found) is self._types[declaration.kind] and found._labelnames == declaration.label_names
        return found if same else None

    def _new(self, declaration: Declaration) -> Any:
        more: dict[str, Any] = {}
        if declaration.buckets:
            more["buckets"] = declaration.buckets
        if declaration.states:
            more["states"] = declaration.states
        if declaration.mode:
            more["multiprocess_mode"] = declaration.mode
        make: Any = self._types[declaration.kind]
        return make(
            declaration.name,
            declaration.help,
            declaration.label_names,
            unit=declaration.unit,
            registry=self._registry,
            **more,
        )

    def write(self, _lines: Sequence[Line]) -> bool:
        """Lines tell what was told before."""
        return True

    def lose(self, lines: int) -> None:
        """They are no lines of its own."""

    def close(self) -> None:
        """What was counted goes on in the registry."""
