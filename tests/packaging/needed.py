"""What packages need, by what they say of themselves."""

from functools import cache
from importlib.metadata import Distribution, distribution, packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed_by(requirement: str) -> dict[str, Distribution]:
    """By name, all that its installation would bring, itself among them: of what is installed here."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    left = [Requirement(requirement)]
    while left:
        each = left.pop()
        name = canonicalize_name(each.name)
        found[name] = distribution(each.name)
        for extra in {"", *each.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                wanted = map(Requirement, found[name].requires or ())
                left += [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": extra})]
    return found


def distributions_of(module: str) -> set[str]:
    """Which packages have brought a top-level module; none where it is Python's."""
    return {canonicalize_name(name) for name in _brought_by().get(module, ())}


_brought_by = cache(packages_distributions)
