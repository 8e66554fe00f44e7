"""What Python has no words for: compiling, bytes by the eight, and masks of sixteen or thirty-two bytes at once."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numba.extending
from llvmlite import ir
from numba import types

from . import kept

P = ParamSpec("P")
R = TypeVar("R")

_BYTE = ir.IntType(8)


if (_place := kept.usable()) is not None:
    numba.config.CACHE_DIR = str(_place)  # type: ignore[attr-defined]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Machine code that lets other threads run, kept for the next process where there is a place for it."""
    return cast(Callable[P, R], _jit(function, cache=_place is not None))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The same for what is only called from compiled code."""
    return cast(Callable[P, R], _jit(function, forceinline=True))


def _jit(function: Callable[P, R], **options: bool) -> Any:
    # Nothing is made in here: without counting references to arrays it is ten times as quick.
    jit: Any = numba.njit
    return jit(nogil=True, error_model="numpy", _nrt=False, **options)(function)


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is called from compiled code as a function of the arguments behind the first."""
    return cast(Callable[..., Any], numba.extending.intrinsic(function))


def _pointer(context: Any, builder: Any, kind: Any, array_type: Any, array: Any, at: Any) -> Any:
    made = context.make_array(array_type)(context, builder, array)
    return builder.bitcast(builder.gep(made.data, [at]), kind.as_pointer())


def _loaded(context: Any, builder: Any, kind: Any, array_type: Any, array: Any, at: Any) -> Any:
    return builder.load(_pointer(context, builder, kind, array_type, array, at), align=1)


@intrinsic
def load64(_typing: Any, data: Any, offset: Any) -> Any:
    """Eight bytes, the first the lowest."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _loaded(context, builder, ir.IntType(64), signature.args[0], *args)

    return types.uint64(data, types.int64), generate


@intrinsic
def copy16(_typing: Any, out: Any, to: Any, data: Any, at: Any) -> Any:
    """Sixteen bytes at once."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(_BYTE, 16)
        vector = _loaded(context, builder, kind, signature.args[2], args[2], args[3])
        builder.store(vector, _pointer(context, builder, kind, signature.args[0], args[0], args[1]), align=1)
        return context.get_dummy_value()

    return types.void(out, types.int64, data, types.int64), generate


@intrinsic
def trailing_zeros(_typing: Any, mask: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


def _mask(builder: Any, vector: Any, width: int, tests: list[tuple[str, int]]) -> Any:
    """A bit for each byte that passes one of (signed comparison, byte)."""
    found = None
    for comparison, byte in tests:
        wanted = ir.Constant(ir.VectorType(_BYTE, width), [ir.Constant(_BYTE, byte)] * width)
        hit = builder.icmp_signed(comparison, vector, wanted)
        found = hit if found is None else builder.or_(found, hit)
    return builder.zext(builder.bitcast(found, ir.IntType(width)), ir.IntType(64))


@intrinsic
def text_ends(_typing: Any, data: Any, offset: Any) -> Any:
    """Which of the next 16 bytes are a quote, a backslash, a control character or of no ASCII."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = _loaded(context, builder, ir.VectorType(_BYTE, 16), signature.args[0], *args)
        return _mask(builder, vector, 16, [("==", ord('"')), ("==", ord("\\")), ("<", 0x20)])

    return types.uint64(data, types.int64), generate


@intrinsic
def line_ends(_typing: Any, data: Any, offset: Any) -> Any:
    """Which of the next 32 bytes are a newline."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = _loaded(context, builder, ir.VectorType(_BYTE, 32), signature.args[0], *args)
        return _mask(builder, vector, 32, [("==", ord("\n"))])

    return types.uint64(data, types.int64), generate


@intrinsic
def line_ends_and_words(_typing: Any, data: Any, offset: Any) -> Any:
    """At which of the next 32 bytes is a newline, or a quote before an l."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(_BYTE, 32)
        here = _loaded(context, builder, kind, signature.args[0], *args)
        next_one = builder.add(args[1], ir.Constant(ir.IntType(64), 1))
        behind = _loaded(context, builder, kind, signature.args[0], args[0], next_one)
        quotes, words = _mask(builder, here, 32, [("==", ord('"'))]), _mask(builder, behind, 32, [("==", ord("l"))])
        return builder.or_(builder.and_(quotes, words), _mask(builder, here, 32, [("==", ord("\n"))]))

    return types.uint64(data, types.int64), generate
