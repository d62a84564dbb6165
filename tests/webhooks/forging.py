"""A forger's tool: another JSON body with the CRC-32 of a signed one.

PayPal's signature binds a body through nothing but its CRC-32, and that is linear: of 64 places
for a blank after the text, some choice of space or line feed gives any sum.
"""

from __future__ import annotations

import zlib
from typing import Final

PLACES: Final = 64
SPACE: Final = b" "
LINE: Final = b"\n"


def with_sum_of(genuine: bytes, text: bytes) -> bytes:
    """``text`` followed by blanks, with the CRC-32 of ``genuine``."""
    start = zlib.crc32(text + SPACE * PLACES)
    changes = [zlib.crc32(_line_at(text, place)) ^ start for place in range(PLACES)]
    chosen = _solve(changes, zlib.crc32(genuine) ^ start)
    blanks = (LINE if chosen >> place & 1 else SPACE for place in range(PLACES))
    return text + b"".join(blanks)


def _line_at(text: bytes, place: int) -> bytes:
    return text + SPACE * place + LINE + SPACE * (PLACES - place - 1)


def _solve(changes: list[int], wanted: int) -> int:
    """Which changes give the wanted one together, as bits (Gauss over GF(2))."""
    pivots: dict[int, tuple[int, int]] = {}
    for place, change in enumerate(changes):
        value, used = _reduce(change, 1 << place, pivots)
        if value:
            pivots[value.bit_length()] = value, used
    left, used = _reduce(wanted, 0, pivots)
    assert left == 0, "these places cannot give every sum"
    return used


def _reduce(value: int, used: int, pivots: dict[int, tuple[int, int]]) -> tuple[int, int]:
    while value and value.bit_length() in pivots:
        pivot, by = pivots[value.bit_length()]
        value, used = value ^ pivot, used ^ by
    return value, used
