"""Which characters the shipped fonts can draw, and what stands for those they cannot.

PDF/A forbids a character without a glyph: the compiler refuses the whole document. A customer's
name in a script that the fonts lack must not cost them their invoice; the embedded XML has the
name as it was written.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

FONTS: Final = Path(__file__).with_name("fonts")
UNKNOWN: Final = "\u25a1"
"""□, drawn for a character without a glyph."""
BREAK: Final = "\u200b"
"""Zero-width space: a line may be broken here."""
LONGEST_RUN: Final = 36
"""Small letters without a space that fit half of the page; a capital or a digit takes more."""
_QUARTERS: Final = 4
_WIDE: Final = frozenset("mwMW@%—")

_UNICODE_FULL: Final = ((3, 10), (0, 4), (0, 6))
"""Platform and encoding of the tables that cover all of Unicode (OpenType, cmap)."""


def printable(text: str, longest: int = LONGEST_RUN) -> str:
    """The text as it can be printed: known glyphs, no control characters, and a place to break in
    every word wider than ``longest`` small letters."""
    known = coverage()
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    drawn = "".join(_drawn(character, known) for character in composed)
    return _breakable(drawn, longest)


@cache
def coverage() -> frozenset[int]:
    """The code points that every shipped font has and that may stand in an archive: PDF/A forbids
    those for private use, which mean something else in every font."""
    sets = [_code_points(path.read_bytes()) for path in sorted(FONTS.glob("*.otf"))]
    common = frozenset.intersection(*sets)
    return frozenset(point for point in common if unicodedata.category(chr(point)) != "Co")


def _drawn(character: str, known: frozenset[int]) -> str:
    if character in "\n ":
        return character
    category = unicodedata.category(character)
    if category == "Zs" and ord(character) not in known:
        return " "
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    if category in {"Cf", "Mn", "Me"} and ord(character) not in known:
        return ""
    return character if ord(character) in known else _plain(character, known)


def _plain(character: str, known: frozenset[int]) -> str:
    """A compatible spelling (``ﬁ`` → ``fi``, full-width letters) or the mark of the unknown."""
    spelled = unicodedata.normalize("NFKC", character)
    return spelled if all(ord(each) in known for each in spelled) else UNKNOWN


def _breakable(text: str, longest: int) -> str:
    parts: list[str] = []
    run = 0
    for character in text:
        width = _width(character)
        run = 0 if character.isspace() else run + width
        if run > longest * _QUARTERS and not unicodedata.combining(character):
            parts.append(BREAK)
            run = width
        parts.append(character)
    return "".join(parts)


def _width(character: str) -> int:
    """Roughly, in quarters of a small letter."""
    if character in _WIDE:
        return 7
    return 5 if character.isupper() or character.isdigit() else _QUARTERS


def _code_points(font: bytes) -> frozenset[int]:
    """Read the segments of the font's ``cmap`` (format 12)."""
    start = _table(font, b"cmap")
    (count,) = struct.unpack_from(">H", font, start + 2)
    records = (struct.unpack_from(">HHL", font, start + 4 + 8 * i) for i in range(count))
    offset = next(at for platform, code, at in records if (platform, code) in _UNICODE_FULL)
    (groups,) = struct.unpack_from(">L", font, start + offset + 12)
    bounds = struct.iter_unpack(">LLL", font[start + offset + 16 :][: 12 * groups])
    return frozenset(point for low, high, _ in bounds for point in range(low, high + 1))


def _table(font: bytes, tag: bytes) -> int:
    (count,) = struct.unpack_from(">H", font, 4)
    entries = (struct.unpack_from(">4sLLL", font, 12 + 16 * i) for i in range(count))
    return next(int(offset) for name, _, offset, _ in entries if name == tag)
