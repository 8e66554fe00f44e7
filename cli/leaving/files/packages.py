"""The two packages, as requirements and modules name them."""

import re

PACKAGES = ("django-prometheus", "prometheus-client")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_LAST_PART = re.compile(r"/([A-Za-z0-9._-]+?)(?:\.git|-\d[^/]*)?/?(?:@[^/]*)?(?:[#?].*)?$")
_URL = re.compile(r"(?:-e\s+|--editable[\s=]+)?(?:git\+|hg\+|svn\+|bzr\+|https?://|file:|ssh://|git@)")
_LONGEST = 2000
_SYSTEM = re.compile(r"(?:python3?|py3)-(?=django|prometheus)")


def canonical(requirement: str) -> str:
    """The name of what a requirement, a URL or a system's package is of, in its one spelling; empty where none is."""
    text = requirement[:_LONGEST].strip().strip("\"'").rpartition("::")[2].strip()
    if _URL.match(text):
        found = _EGG.search(text) or _LAST_PART.search(text)
        name = found[1] if found else ""
    else:
        start = _NAME.match(text)
        name = _SYSTEM.sub("", start[0]) if start else ""
        if start and text[start.end() : start.end() + 1] in {"/", ":", "\\", "*"}:
            return ""  # a path, an image or a pattern
    return re.sub(r"[-_.]+", "-", name).lower()


def package(requirement: str) -> str | None:
    """Which of PACKAGES it is of, if any."""
    name = canonical(requirement)
    return name if name in PACKAGES else None


def package_of_module(pattern: str) -> str | None:
    """Of a module's name as tools take it: django_prometheus, prometheus_client.*"""
    found = re.fullmatch(r"(django_prometheus|prometheus_client)(?:\.[\w.]+)?(?:\.\*+)?", pattern.strip())
    return found[1].replace("_", "-") if found else None
