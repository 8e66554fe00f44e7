"""Which key stands here: most often the one that came after the last one before."""

from typing import Any

import numpy as np

from . import numbers
from .layout import KEY_FACTOR, OWNER_FACTOR
from .native import inlined, load64
from .texts import tail_mask
from .values import COLON, text_end


@inlined
def is_key(layout: Any, key: int, data: Any, at: int) -> bool:
    words, masks = layout.words, layout.masks
    wrong = (load64(data, at) & masks[key, 0]) ^ words[key, 0]
    wrong |= (load64(data, at + 8) & masks[key, 1]) ^ words[key, 1]
    wrong |= (load64(data, at + 16) & masks[key, 2]) ^ words[key, 2]
    word = 3
    while not wrong and 8 * word < layout.lengths[key]:
        wrong = (load64(data, at + 8 * word) & masks[key, word]) ^ words[key, word]
        word += 1
    return not wrong


@inlined
def find_key(layout: Any, owner: int, data: Any, at: int, length: int) -> int:
    """The key of an owner whose text of this length, with what ends it, stands here; -1 for none."""
    word = load64(data, at) & tail_mask(length)
    mixed = word ^ np.uint64(owner) * np.uint64(OWNER_FACTOR) ^ np.uint64(length) << np.uint64(32)
    mask = len(layout.slots) - 1
    place = np.int64((mixed * np.uint64(KEY_FACTOR)) >> np.uint64(40)) & mask
    while layout.slots[place] >= 0:
        key = layout.slots[place]
        if layout.owners[key] == owner and layout.lengths[key] == length and is_key(layout, key, data, at):
            return np.int64(key)
        place = (place + 1) & mask
    return -1


@inlined
def next_key(layout: Any, plan: int, before: int, data: Any, at: int) -> tuple[int, int]:
    """(the key that stands here, -1 for an unknown one, where its value begins or NOT_PLAIN)."""
    key = layout.first[plan] if before < 0 else layout.following[before]
    if is_key(layout, key, data, at):
        return np.int64(key), at + layout.lengths[key]
    end = text_end(data, at)
    if end < 0 or data[end + 1] != COLON:
        return np.int64(-1), numbers.NOT_PLAIN
    key = find_key(layout, plan + 1, data, at, end - at + 2)
    if key >= 0:
        if before < 0:
            layout.first[plan] = key
        else:
            layout.following[before] = key
    return np.int64(key), end + 2
