"""The site, for Sphinx: `make docs-site` builds it from the pages as they lie, with the root of the project as source.

Navigation is written once, in plain Markdown: what index.md lists under a heading is a part of the side bar.
"""

import re
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

ROOT = Path(__file__).parent.parent
NAVIGATION = "docs/index"
DECISIONS = ROOT / "docs/decisions"

project = "logemit"
extensions = ["myst_parser"]
root_doc = NAVIGATION
include_patterns = ["docs/**.md", "CHANGELOG.md", "deploy/README.md", "benchmarks/*.md", "examples/*/README.md"]
exclude_patterns = [".*", "aggregator", "build", "cli", "dist", "logemit", "sample_logs", "tests"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = "logemit"
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_search_scorer = "docs/static/ranking.js"
templates_path = ["templates"]
html_additional_pages = {"index": "start.html"}


def add_navigation(_app: Any, name: str, source: list[str]) -> None:
    """Each heading of the list of pages is a caption in the side bar, and the pages that it links stand below.

    Decisions are too many for that: they are listed on their own page.
    """
    if name == NAVIGATION:
        for heading, text in re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", source[0], re.MULTILINE):
            source[0] += toctree(heading, re.findall(r"\]\(([^):#]+)\.md\)", text))
    elif name == "docs/decisions/README":
        source[0] += "".join(f"\n- [](<{path.name}>)" for path in sorted(DECISIONS.glob("[0-9]*.md")))
    elif name.startswith("docs/decisions/"):
        source[0] = "---\norphan: true\n---\n" + source[0]


def toctree(caption: str, pages: list[str]) -> str:
    return "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", *pages, "```", ""])


def setup(app: Any) -> None:
    for language in ("cron", "logrotate", "promql"):
        app.add_lexer(language, TextLexer)
    app.connect("source-read", add_navigation)
