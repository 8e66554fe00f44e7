"""Files to import: good ones, ones with broken entries, and ones that cannot be read at all."""

import json

_NETSCAPE = """<!DOCTYPE NETSCAPE-Bookmark-file-1>
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">
<TITLE>Bookmarks</TITLE>
<DL><p>
<DT><A HREF="https://bread.example/rye" TAGS="cooking,rye">Rye bread &amp; butter</A>
<DT><A HREF="https://maps.example/old" TAGS="maps">Alte Karten für Wanderer</A>
<DT><A HREF="https://python.example/">Python notes</A>
</DL><p>
"""
_OPML = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Subscriptions</title></head><body>
<outline text="News"><outline text="Daily" xmlUrl="https://daily.example/rss" htmlUrl="https://daily.example/"/>
<outline text="Weekly" xmlUrl="https://weekly.example/rss"/></outline>
<outline text="庭" htmlUrl="https://garden.example/"/>
</body></opml>
"""
_JSON = [
    {"url": "https://music.example/fugue", "title": "The art of fugue", "tags": ["music"]},
    {"url": "https://tools.example/", "title": "Tools", "tags": ["tools", "python"]},
]

GOOD = (
    ("netscape", _NETSCAPE.encode()),
    ("opml", _OPML.encode()),
    ("json", json.dumps(_JSON).encode()),
)
PARTIAL = (
    ("netscape", _NETSCAPE.replace("https://python.example/", "about:blank").encode()),
    ("opml", _OPML.replace("https://weekly.example/rss", "").encode()),
    ("json", json.dumps([*_JSON, {"title": "no address"}, "no bookmark", None]).encode()),
)
_MANY = [{"url": f"https://archive.example/{n}", "title": f"Page {n}"} for n in range(10_000)]
LONG = ("json", json.dumps([*_JSON, *_MANY]).encode())
"""So many that an import takes a while."""

TAGGED = {"netscape": 3, "opml": 0, "json": 3}
"""How many tags the bookmarks of a file have, be it good or partial."""

UNREADABLE = (
    ("netscape", b"<!doctype html><title>Not a bookmark file</title>"),
    ("opml", _OPML.encode()[:150]),
    ("opml", b'<!DOCTYPE opml [<!ENTITY a "aaaa">]><opml><body><outline text="&a;"/></body></opml>'),
    ("json", b'{"bookmarks": '),
    ("json", "[\u201cnot UTF-8\u201d]".encode("utf-16")),
)
