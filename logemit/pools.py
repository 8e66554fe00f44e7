"""The state of Django's pools of PostgreSQL connections, where a process has any."""

import sys

from .emitter import harmless
from .fold import Lines


def lines(*, closed: bool = False) -> Lines:
    """A db_pool line for each; never opens one. `closed`: with nothing in it, as the process ends."""
    backend = sys.modules.get("django.db.backends.postgresql.base")
    pools = getattr(getattr(backend, "DatabaseWrapper", None), "_connection_pools", {})
    found: Lines = []
    for alias, pool in list(pools.items()):
        with harmless():
            stats = {} if closed else pool.get_stats()
            fields = {
                "alias": alias,
                "vendor": "postgresql",
                "max_size": stats.get("pool_max", 0),
                "size": stats.get("pool_size", 0),
                "available": stats.get("pool_available", 0),
                "waiting": stats.get("requests_waiting", 0),
            }
            found.append(("db_pool", fields))
    return found
