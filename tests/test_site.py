"""The documentation as a site, as `make docs-site` builds it: it needs no other server, each link leads somewhere."""

import json
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .conftest import ROOT

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "use": "href"}
"""Tags that make a browser ask for something, besides <link>."""
START_BYTES = 200_000
"""The first page with all that it loads: at most so much, unpacked."""


class Page(HTMLParser):
    """The links, ids and resources of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.loads: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and found.get("rel") not in ("index", "search", "next", "prev", "canonical"):
            self.loads.append(found["href"])
        if found.get(LOADED.get(tag, "")):
            self.loads.append(found[LOADED[tag]])


page = cache(Page)


def test_the_site(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "sphinx", "-qW", "--keep-going", "-c", "docs", "-d", f"{tmp_path}/read", "."]
    built = subprocess.run([*command, str(site)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    pages = sorted(site.rglob("*.html"))
    assert {site / "docs" / name for name in ("index.html", "tutorial.html", "reference/python.html")} < set(pages)
    for path in pages:
        check_resources(path)
        check_links(path, site)
    for sheet in site.rglob("*.css"):
        check_sheet(sheet)
    check_start(site)
    check_search(site)


def check_resources(path: Path) -> None:
    for loaded in page(path).loads:
        if not loaded.startswith(("data:", "#")):
            assert "//" not in loaded, f"{path} loads {loaded}"
            assert (path.parent / urlsplit(loaded).path).is_file(), f"{path} loads {loaded}"


def check_links(path: Path, site: Path) -> None:
    for link in page(path).links:
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in ("http", "https"), f"{path} links to {link}"
            assert parts.hostname, f"{path} links to {link}"
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert target.is_file(), f"{path} links to {link}"
        assert target.is_relative_to(site)
        if parts.fragment and target.suffix == ".html":
            assert unquote(parts.fragment) in page(target).ids, f"{path} links to {link}"


def check_sheet(sheet: Path) -> None:
    text = sheet.read_text("utf-8")
    assert "@import" not in text
    for url in re.findall(r"url\(['\"]?([^)'\"]*)", text):
        assert url.startswith("data:") or (sheet.parent / url).is_file(), f"{sheet} loads {url}"


def check_start(site: Path) -> None:
    """It is small; and the address of the folder leads to it."""
    start = site / "docs/index.html"
    files = {(start.parent / urlsplit(loaded).path).resolve() for loaded in page(start).loads if loaded[:5] != "data:"}
    assert sum(file.stat().st_size for file in files | {start}) < START_BYTES
    assert page(site / "index.html").links == ["docs/index.html"]


def check_search(site: Path) -> None:
    """It is a script, so that it works from a disk, too, and knows the words of pages and their headings."""
    script = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(script.removeprefix("Search.setIndex(").removesuffix(")"))
    assert "docs/explanation/bins" in [index["docnames"][each] for each in index["terms"]["percentil"]]
    assert "docs/schedule" in [index["docnames"][each] for each, _ in index["alltitles"]["logrotate"]]
