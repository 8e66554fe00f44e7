"""What documents tell of it. What they are to tell in its place is for people to write."""

import re
from collections.abc import Iterator

from ..traces import NAMES, Kind, Stage, Trace, line_of, shown
from .addresses import routes_in
from .lines import lines
from .requirements import is_requirements
from .surroundings import DOCUMENTS, Surroundings

_OF_OTHERS = re.compile(r"exporter|pushgateway|cadvisor|logemit|alertmanager|:9\d{3}\b", re.IGNORECASE)
_DOUBT = "what a text means is for people to judge"


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in around.project.texts.items():
        if path.endswith((*DOCUMENTS, ".txt")) and not is_requirements(path):
            named = {line_of(text, found.start()) for found in NAMES.finditer(text)}
            for line in lines(text):
                if line.number in named:
                    yield _trace(path, text, line.number, Stage.DEPENDENCIES, "reword it, or take it out")
                elif any(
                    has_host or not _OF_OTHERS.search(line.text)
                    for _, has_host in routes_in(around, text, line.start, line.end)
                ):
                    yield _trace(path, text, line.number, Stage.URLS, "reword it: the app no longer answers there")


def _trace(path: str, text: str, line: int, stage: Stage, advice: str) -> Trace:
    return Trace(path, line, Kind.DOCUMENTATION, stage, shown(text, line), advice, doubt=_DOUBT)
