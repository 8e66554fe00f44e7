"""The page: a template that escapes, a style sheet, two scripts, and a policy that lets nothing else run or load."""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from ..errors import UsageError
from . import texts
from .contents import Contents

_FOLDER = Path(__file__).parent
_NEEDED = {"jinja2": "Jinja2", "vl_convert": "vl-convert-python"}
_EXPORTED = "window.vegaEmbed = vegaEmbed"


def require() -> None:
    """Raises UsageError where what a page needs is not installed."""
    missing = [name for module, name in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise UsageError(f"{' and '.join(missing)} missing; pip install 'logemit[report]'")


def render(contents: Contents) -> str:
    """The same for the same contents. Raises UsageError."""
    require()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    library = _library()
    script, style = (_text(name) for name in ("page.js", "page.css"))
    policy = {
        "default-src": "'none'",
        "script-src": f"{_digest(library)} {_digest(script)}",
        "style-src": _digest(style),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {each.__name__: each for each in (texts.heads, texts.rows, texts.facts, texts.visible)}
    environment.policies["json.dumps_function"] = _dumped
    return environment.get_template("page.html.jinja").render(
        contents=contents,
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        library=Markup(library),  # noqa: S704 of a package, without a log's text
        script=Markup(script),  # noqa: S704
        style=Markup(style),  # noqa: S704
    )


@cache
def _library() -> str:
    import vl_convert  # noqa: PLC0415

    return _in_script(vl_convert.javascript_bundle(_EXPORTED))


def _text(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _in_script(text: str) -> str:
    """What would end the element stands in strings only, where a backslash changes nothing; nor do line ends."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--").replace("\r", "\n")


def _digest(text: str) -> str:
    """As Content-Security-Policy names what may be."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _dumped(value: object, **_: object) -> str:
    """Jinja escapes what HTML would take for its own; nan is no JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
