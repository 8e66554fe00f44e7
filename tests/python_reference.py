"""What can be imported, read off the source, so that the versions of Python and pandas do not show."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

MODULES = {
    "logemit": "What an app calls. None of it raises into the app, but where it is told here.",
    "logemit.testing": "For the tests of an app.",
    "aggregator": "What notebooks and scripts call; it comes with the extra `aggregator`.",
}
HANDED_OUT = {
    "logemit.instrument": ["Instrument"],
    "logemit.spans": ["Span"],
    "logemit.domain": ["Import"],
    "logemit.testing": ["CapturedEvents"],
}
"""What nobody makes by its name."""
LINE = 100


def sections() -> Iterator[str]:
    for name, intro in MODULES.items():
        module = importlib.import_module(name)
        yield f"## {name}\n\n{intro}"
        yield from (_entry(name, each, getattr(module, each)) for each in _names(module))
    yield "## What is handed out\n\nWhat instruments have in common, and what some of the above return."
    for name, classes in HANDED_OUT.items():
        yield from (_entry(name, each, getattr(importlib.import_module(name), each)) for each in classes)


def escaped(text: str) -> str:
    """Text in which Markdown takes nothing for a tag; inside backquotes it would not anyway."""
    pieces = text.split("`")
    return "`".join(piece if index % 2 else piece.replace("<", "&lt;") for index, piece in enumerate(pieces))


def _names(module: Any) -> list[str]:
    """What it says is public; else its functions that are its own and not underscored."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not name.startswith("_")]
    found = inspect.getmembers(module, inspect.isfunction)
    return [name for name, each in found if each.__module__ == module.__name__ and not name.startswith("_")]


def _entry(module: str, name: str, each: Any) -> str:
    is_made = module not in HANDED_OUT or not inspect.isclass(each)
    signature = _signature(f"{module}.{name}", each) if is_made else f"{module}.{name}"
    parts = [f"### {name}", f"```text\n{signature}\n```", _text(each)]
    if inspect.isclass(each):
        methods = [f"- `{_signature(name, method)}`: {_brief(method)}" for name, method in _methods(each)]
        parts += ["\n".join(methods)] if methods else []
        parts += [f"And what {shared} has." for shared in _shared(each)]
    return "\n\n".join(parts)


def _text(each: Any) -> str:
    assert each.__doc__, f"{each} says nothing of itself"
    return escaped(inspect.cleandoc(each.__doc__))


def _brief(method: Any) -> str:
    return " ".join(_text(method).split())


def _methods(cls: type) -> Iterator[tuple[str, Any]]:
    """Its own that say something of themselves, in the order of the source."""
    functions = ((name, each) for name, each in vars(cls).items() if inspect.isfunction(each))
    yield from ((name, each) for name, each in functions if not name.startswith("_") and each.__doc__)


def _shared(cls: type) -> Iterator[str]:
    """Links to those that it is one of."""
    names = (base.__name__ for base in cls.__mro__[1:] if base.__name__ in HANDED_OUT.get(base.__module__, []))
    yield from (f"[{name}](#{name.lower()})" for name in names)


def _signature(name: str, each: Any) -> str:
    node = _definition(each)
    if isinstance(node, ast.ClassDef):
        if not inspect.isfunction(each.__init__):
            return name
        node = _definition(each.__init__)
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    taken = (text.replace("'", '"') for text in _arguments(node.args))
    arguments = [text for text in taken if not text.startswith(("self", "_"))]
    returned = f" -> {ast.unparse(node.returns)}" if node.returns and not inspect.isclass(each) else ""
    line = f"{name}({', '.join(arguments)}){returned}"
    if len(line) <= LINE or "." not in name:
        return line
    return "\n".join([f"{name}(", *(f"    {text}," for text in arguments), f"){returned}"])


def _definition(each: Any) -> ast.stmt:
    return ast.parse(dedent(inspect.getsource(each))).body[0]


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    for index, (argument, default) in enumerate(zip(positional, defaults, strict=True), 1):
        yield _argument(argument, default)
        if index == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg:
        yield "*" + ast.unparse(arguments.vararg)
    elif arguments.kwonlyargs:
        yield "*"
    yield from map(_argument, arguments.kwonlyargs, arguments.kw_defaults)
    if arguments.kwarg:
        yield "**" + ast.unparse(arguments.kwarg)


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    equals = " = " if argument.annotation else "="
    return ast.unparse(argument) + (equals + ast.unparse(default) if default else "")
