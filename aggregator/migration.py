"""An output folder of an older format of the state, brought up to date in a commit of its own.

Format 1 had the numbers seen in one file a date, without marks, and no digests of partitions.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from . import store as stores
from .errors import StateError
from .memory import SEEN, seen_path
from .outputs import partition_files
from .seen import SeenRow, hours_of
from .store import Store, bucket, files, manifests, tables
from .urls import is_url


@contextmanager
def opened(out: Path | str) -> Iterator[Store]:
    """The output, a folder or a URL, locked and whole, in this format. Raises as the store's own."""
    with bucket.opened(out) if isinstance(out, str) and is_url(out) else stores.opened(Path(out)) as store:
        if store.is_older:
            migrate(store)
        yield store


def migrate(store: Store) -> None:
    """Write what the older format lacks."""
    old = {name: sha for name, sha in store.state.files.items() if manifests.date_in(name)}
    hours: dict[str, list[SeenRow]] = {}
    for name, sha in old.items():
        data = store.path(name).read_bytes() if store.path(name).exists() else b""
        if hashlib.sha256(data).hexdigest() != sha:
            raise StateError(f"{store.path(name)}: was changed since it was committed; see logemit repair")
        for row in tables.table_rows(tables.parsed(data, name)):
            for hour in hours_of(SeenRow(*row)):
                hours.setdefault(hour, []).append(SeenRow(*row))
    for hour, rows in sorted(hours.items()):
        store.stage(seen_path(hour), [tables.encoded(tables.rows_table(SEEN, rows))])
    found = partition_files(store.out)
    store.adopt({str(path.relative_to(store.out)): files.digest(path) or "" for path in found})
    named = {name: sha for name, sha in store.state.files.items() if name not in old}
    store.commit(replace(store.state, commit=store.state.commit + 1, files=named), set(old))
