"""Where logs are read: by this process, or by a cluster."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import UsageError

if TYPE_CHECKING:
    from aggregator.run import Cluster

EngineName = Annotated[
    str,
    typer.Option(
        "--engine", metavar="NAME", help="Where logs are read: local, by threads of this process; or dask, a cluster."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="URL",
        help="Of a Dask cluster: tcp://host:8786; default: a cluster of this machine's processes, for this run.",
    ),
]
ClusterSpec = Annotated[
    str | None,
    typer.Option("--cluster-spec", metavar="FILE", help="TOML that says where it is; or Dask's own scheduler file."),
]


def cluster(
    engine: str, scheduler: str | None, spec: str | None, workers: int | None
) -> "Callable[[], Cluster] | None":
    """Where logs are read, if not here. Raises UsageError."""
    if engine not in ("local", "dask"):
        raise UsageError(f"--engine is {engine!r}; expected local or dask")
    if scheduler is not None and spec is not None:
        raise UsageError("--scheduler and --cluster-spec say the same; leave one of them out")
    if engine == "local":
        if scheduler is not None or spec is not None:
            raise UsageError("--scheduler and --cluster-spec are for --engine dask")
        return None
    if scheduler == "":
        raise UsageError("--scheduler is empty; give tcp://host:8786, or leave it out for processes of this machine")
    if workers is not None and (scheduler or spec):
        raise UsageError("--workers is for this machine; how many a cluster has is said where its workers are started")
    from aggregator.spread import on_dask
    from aggregator.spread.spec import Spec, load

    found = load(Path(spec)) if spec is not None else Spec(scheduler or "")
    return lambda: on_dask.connected(found, workers)
