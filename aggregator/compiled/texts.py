"""Texts as numbers: the same text has the same code, in the order in which they came; 0 is the empty text."""

import os
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from .native import compiled, inlined, load64

Array = np.ndarray[Any, Any]

_LINE = 8
"""Words of a line of the processor's cache, or more than that."""


def alone(words: int, kind: Any = np.int64) -> Array:
    """Zeros that no other thread's data shares a line of the cache with: it would slow down both."""
    return np.zeros(words + 2 * _LINE, kind)[_LINE:-_LINE]


FULL = -1
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_MASKS = np.array([(1 << 8 * length) - 1 for length in range(9)], np.uint64)


class Texts(NamedTuple):
    """Each text in whole words of 8 bytes, padded with zeros, one after the other."""

    words: Array
    """uint64."""
    starts: Array
    """int64, in words."""
    lengths: Array
    """int64, in bytes."""
    hashes: Array
    """uint64."""
    heads: Array
    """uint64[text, 2]: its first 16 bytes, padded with zeros. Most texts are no longer."""
    slots: Array
    """int32: codes by hash, -1 where there is none; twice as many as there may be texts, a power of two."""
    used: Array
    """int64: texts, words."""
    seeds: Array
    """uint64[2]: a log cannot be made to collide."""


_GROWING = ("words", "starts", "lengths", "hashes", "heads")


def make(texts: int = 1 << 12, words: int = 1 << 15) -> Texts:
    """Room for so many; the empty text is in it."""
    used = alone(2)
    used[0] = 1
    return Texts(
        np.zeros(words, np.uint64),
        np.zeros(texts, np.int64),
        np.zeros(texts, np.int64),
        np.zeros(texts, np.uint64),
        np.zeros((texts, 2), np.uint64),
        np.full(2 * texts, -1, np.int32),
        used,
        np.frombuffer(os.urandom(16), np.uint64) | np.uint64(1),
    )


def grown(texts: Texts) -> Texts:
    """The same with twice the room."""
    wider = {name: np.concatenate([array, np.zeros_like(array)]) for name, array in zip(_GROWING, texts, strict=False)}
    larger = texts._replace(**wider, slots=np.full(2 * len(texts.slots), -1, np.int32))
    place_all(larger)
    return larger


def strings(texts: Texts) -> pa.Array:
    """All of them, by code."""
    count = int(texts.used[0])
    lengths = texts.lengths[:count]
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    turns = np.stack([lengths, -lengths % 8], axis=1).ravel()  # of bytes that are a text's, and that fill its last word
    is_text = np.repeat(np.tile([True, False], count), turns)
    data = texts.words.view(np.uint8)[: len(is_text)][is_text]
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    found = pa.Array.from_buffers(pa.string(), count, buffers)
    found.validate(full=True)
    return found


@inlined
def tail_mask(length: int) -> Any:
    """Of the first word of so many bytes: which of its bits are theirs."""
    return _MASKS[min(length, 8)]


@inlined
def head_of(data: Any, start: int, length: int) -> tuple[Any, Any]:
    """The first 16 bytes of a text in two words."""
    return load64(data, start) & tail_mask(length), load64(data, start + 8) & _MASKS[max(0, min(length - 8, 8))]


@inlined
def is_rest(texts: Any, code: int, data: Any, start: int, length: int) -> bool:
    """Whether what follows the first 16 bytes is the same, too."""
    word = texts.starts[code]
    for at in range(16, length, 8):
        if load64(data, start + at) & tail_mask(length - at) != texts.words[word + (at >> 3)]:
            return False
    return True


@inlined
def code_of(texts: Any, data: Any, start: int, length: int) -> int:
    """The code of these bytes, a new one where they are new; FULL where there is no room for them."""
    if length == 0:
        return 0
    first, second = head_of(data, start, length)
    found = (first ^ texts.seeds[0]) * np.uint64(0x9E3779B97F4A7C15)
    found ^= found >> np.uint64(32)
    found = (found ^ second ^ np.uint64(length) << np.uint64(56)) * texts.seeds[1]
    for at in range(16, length, 8):
        found ^= found >> np.uint64(29)
        found = (found ^ load64(data, start + at) & tail_mask(length - at)) * texts.seeds[1]
    found ^= found >> np.uint64(32)
    mask = np.uint64(len(texts.slots) - 1)
    place = found & mask
    while True:
        code = np.int64(texts.slots[place])
        if code < 0:
            return added(texts, data, start, length, place, found)
        same = texts.heads[code, 0] == first and texts.heads[code, 1] == second and texts.lengths[code] == length
        if same and (length <= 16 or is_rest(texts, code, data, start, length)):
            return code
        place = (place + np.uint64(1)) & mask


@inlined
def added(texts: Any, data: Any, start: int, length: int, place: Any, found: Any) -> int:
    """The code of a new text."""
    count, word = texts.used
    if count >= len(texts.starts) or word + ((length + 7) >> 3) > len(texts.words):
        return FULL
    texts.slots[place] = count
    texts.starts[count], texts.lengths[count], texts.hashes[count] = word, length, found
    texts.heads[count, 0], texts.heads[count, 1] = head_of(data, start, length)
    for at in range(0, length, 8):
        texts.words[word] = load64(data, start + at) & tail_mask(length - at)
        word += 1
    texts.used[0], texts.used[1] = count + 1, word
    return np.int64(count)


@compiled
def place_all(texts: Any) -> None:
    """All but the empty text, whose code is known."""
    mask = np.uint64(len(texts.slots) - 1)
    for code in range(1, texts.used[0]):
        place = texts.hashes[code] & mask
        while texts.slots[place] >= 0:
            place = (place + np.uint64(1)) & mask
        texts.slots[place] = code


def text(texts: Texts, code: int) -> str:
    start, length = int(texts.starts[code]) * 8, int(texts.lengths[code])
    return texts.words.view(np.uint8)[start : start + length].tobytes().decode()
