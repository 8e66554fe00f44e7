"""The output folder: what lies where, and how a run's outputs appear in it all at once or not at all."""

from .commit import Store, claimed, opened, require_output
from .lock import holder
from .state import State

__all__ = ["State", "Store", "claimed", "holder", "opened", "require_output"]
