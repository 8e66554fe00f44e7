"""What one file has to know of the others: who still needs a package or a variable, and which port is the metrics'."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

from ..project import Project

VARIABLE = r"(?i:prometheus_multiproc_dir)|PROMETHEUS_[A-Z][A-Z0-9_]*"
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
_KNOWN = re.compile(
    "PROMETHEUS_(?:MULTIPROC_DIR|METRICS_EXPORT_(?:PORT|PORT_RANGE|ADDRESS)|LATENCY_BUCKETS|METRIC_NAMESPACE"
    "|EXPORT_MIGRATIONS|DISABLE_CREATED_SERIES|LEGACY_NAME_VALIDATION)",
    re.IGNORECASE,
)
"""What django-prometheus or prometheus_client reads itself. A variable of any other name may be for something else."""

_OF_PYTHON = r"(?m)^[ \t]*(?:from|import)[ \t][^\n#]*?\b{0}\b|(?<![\"'])[\"']{0}\b"
_OF_SETTINGS = r"[=:][ \t]*[\"']?{0}\.\w"
_DIRECTORY = re.compile(
    r"(?i:prometheus_multiproc_dir)[\"']?(?:[ \t]*\r?\n[ \t]*value:|[ \t]*[=:]|[ \t])[ \t]*[\"']?([^\s\"'\\;,&|)}]+)"
)
_COMMENT = re.compile(r"(?m)^[ \t]*#.*$")
_DEDICATED = re.compile(r"prom|metric|multiproc", re.IGNORECASE)
_PORT = re.compile(
    r"PROMETHEUS_METRICS_EXPORT_PORT(?:_RANGE)?[\"']?\s*[=:,]\s*(?:range\(\s*(\d+)\s*,\s*(\d+)|[\"']?(\d+))"
)
DOCUMENTS = (".md", ".rst", ".adoc", ".asciidoc", ".html")
LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "conda-lock.yml")


class Reasons(NamedTuple):
    """Why something is kept; neither where it can go."""

    waits: str = ""
    doubt: str = ""

    def __bool__(self) -> bool:
        return bool(self.waits or self.doubt)


@dataclass(frozen=True)
class Surroundings:
    """`routes`: paths at which the app serves metrics, without slashes around."""

    project: Project
    routes: Collection[str]

    @cached_property
    def _as_found(self) -> Mapping[str, str]:
        """The texts before any change: what tells a port or a folder may be gone by now."""
        return _naming(self.project.as_found) if self.project.changed else self._now

    @cached_property
    def _now(self) -> Mapping[str, str]:
        return _naming(self.project)

    @cached_property
    def _python(self) -> Mapping[str, str]:
        """Without lines that are comments."""
        return {path: _COMMENT.sub("", text) for path, text in self._now.items() if path.endswith(".py")}

    @cached_property
    def _configuration(self) -> Mapping[str, str]:
        """Neither Python nor text for people nor written by a tool."""
        return {path: text for path, text in self._now.items() if is_configuration(path)}

    @cached_property
    def users(self) -> Mapping[str, str]:
        """By package, a file that still needs it."""
        found: dict[str, str] = {}
        for name in ("django_prometheus", "prometheus_client"):
            pattern, setting = re.compile(_OF_PYTHON.format(name)), re.compile(_OF_SETTINGS.format(name))
            for path, text in self._python.items():
                if name in text and PurePosixPath(path).name not in {"setup.py", "noxfile.py"} and pattern.search(text):
                    found.setdefault(name.replace("_", "-"), path)
            for path, text in self._configuration.items():
                if name in text and not path.endswith(".toml") and setting.search(text):
                    found.setdefault(name.replace("_", "-"), path)
        return found

    def needs(self, package: str) -> str:
        """What a package waits for; empty where it can go."""
        user = self.users.get(package)
        return f"{user}, which needs it" if user else ""

    @cached_property
    def _readers(self) -> Mapping[str, str]:
        """By variable in capitals, a file that reads it."""
        found: dict[str, str] = {}
        for path, text in self._python.items():
            for name in re.findall(VARIABLE, text):
                found.setdefault(name.upper(), path)
        expanded = re.compile(rf"(?<!\\)\$[({{]?({VARIABLE})\b")
        for path, text in self._configuration.items():
            for use in expanded.finditer(text):
                name = re.escape(use[1])
                if not re.search(rf"{name}[\"']?\s*[:=]\s*[\"']?$", text[max(0, use.start() - 200) : use.start()]):
                    found.setdefault(use[1].upper(), path)
        return found

    def why_kept(self, variable: str) -> Reasons:
        """One that a script still expands stays: `rm -rf $DIR/*` without DIR takes away more than is meant."""
        waits = self._reads(variable)
        if waits and not _KNOWN.fullmatch(variable):
            return Reasons(doubt=f"{self._readers[variable.upper()]} reads it: take it out along with that")
        return Reasons(waits=waits)

    def _reads(self, variable: str) -> str:
        """What a variable waits for; empty where it can go."""
        reader = self._readers.get(variable.upper())
        if reader is not None:
            return f"{reader}, which reads it"
        return self._multiprocess_users if variable.upper() == MULTIPROCESS else ""

    @property
    def _multiprocess_users(self) -> str:
        return self.needs("prometheus-client") or self.needs("django-prometheus")

    def folder_needed(self) -> str:
        """What the folder of the processes' files waits for; empty where it can go."""
        reader = self._readers.get(MULTIPROCESS, "")
        return f"{reader}, which reads it" if reader.endswith(".py") else self._multiprocess_users

    def is_ours(self, variable: str) -> bool:
        """Also one that only the settings had read, which this run has changed."""
        return bool(_KNOWN.fullmatch(variable)) or variable in self._read_before

    @cached_property
    def _read_before(self) -> frozenset[str]:
        texts = (text for path, text in self._as_found.items() if path.endswith(".py"))
        return frozenset(name for text in texts for name in re.findall(VARIABLE, text))

    @cached_property
    def folders(self) -> frozenset[str]:
        """Where prometheus_client's processes write, if nothing else does: not /tmp."""
        found = {
            folder.rstrip("/")
            for path, text in self._as_found.items()
            if not path.endswith(".py") and not path.endswith(DOCUMENTS)
            for folder in _DIRECTORY.findall(text)
        }
        return frozenset(each for each in found if "/" in each and _DEDICATED.search(each.rpartition("/")[2]))

    def may_matter(self, text: str) -> bool:
        """Whether it can name a package, a variable or a folder at all."""
        return "prometheus" in text.lower() or any(folder in text for folder in self.folders)

    @cached_property
    def uses_of_folder(self) -> re.Pattern[str]:
        """Where its variable or one of the folders themselves is named."""
        folders = "".join(rf"|(?<![\w/.-]){re.escape(folder)}(?![\w-])" for folder in sorted(self.folders))
        return re.compile(rf"\b(?:{VARIABLE})\b{folders}")

    @cached_property
    def ports(self) -> frozenset[int]:
        """Which django-prometheus opens for itself."""
        found: set[int] = set()
        for path, text in self._as_found.items():
            if path.endswith(".py") or is_configuration(path):
                for first, behind, one in _PORT.findall(text):
                    found |= {int(one)} if one else set(range(int(first), min(int(behind), int(first) + 1000)))
        return frozenset(found)


def _naming(project: Project) -> Mapping[str, str]:
    """Texts that say the word at all, which few do."""
    return {path: text for path, text in project.texts.items() if "prometheus" in text.lower()}


def is_configuration(path: str) -> bool:
    name = PurePosixPath(path).name
    return not path.endswith((".py", *DOCUMENTS)) and name not in LOCKS and not path.endswith((".lock", ".js", ".ts"))
