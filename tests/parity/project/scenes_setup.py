"""The first connection, and the tables."""

from typing import TYPE_CHECKING

from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from .scenes import scene

if TYPE_CHECKING:
    from .drive import Drive


@scene(LOGEMIT_MODELS="")
def migrating(drive: "Drive") -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    drive.connected()
    written = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    drive.ledger.count("django_migrations_applied_total", len(written), connection="default")


@scene("apart", LOGEMIT_MODELS="")
def migrating_apart(drive: "Drive") -> None:
    migrating(drive)
