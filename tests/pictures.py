"""Makes pictures small without a library for it: a PNG of few colours.

``python -m tests.pictures DIRECTORY`` writes the samples of the documentation: every paper and,
below ``mails``, every mail, each in every language.
"""

from __future__ import annotations

import struct
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Final

from domain.papers import samples
from tests.mails import screenshots

Colour = tuple[int, ...]
"""Red, green and blue."""

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
CHANNELS: Final = {2: 3, 6: 4}
"""Colour type of PNG → bytes a pixel: true colour, and with transparency."""
COLOURS: Final = 48
APART: Final = 20
"""How far two colours of a palette are apart, or the edges of letters take all of it."""
GROUND: Final = 400
"""What covers more than one of so many pixels is a ground, and keeps its very colour."""


def reduced(png: bytes) -> bytes:
    """The same picture in few colours. Raises ValueError for a PNG that is not as browsers and
    typst write it: eight bits a channel, not interlaced."""
    width, height, channels, rows = _decoded(png)
    counts: Counter[bytes] = Counter()
    for row in rows:
        counts.update(_pixels(row, channels))
    palette = _palette(counts)
    index = {pixel: _nearest(tuple(pixel[:3]), palette) for pixel in counts}
    lines = b"".join(b"\0" + bytes(index[p] for p in _pixels(row, channels)) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", b"".join(map(bytes, palette))),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pixels(row: bytes, channels: int) -> Iterator[bytes]:
    return (row[at : at + channels] for at in range(0, len(row), channels))


def _palette(counts: Counter[bytes]) -> list[Colour]:
    """The grounds, and the most frequent of the other colours that differ enough."""
    palette: list[Colour] = []
    whole = counts.total()
    for pixel, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        colour = tuple(pixel[:3])
        is_apart = all(_distance(colour, each) > APART**2 for each in palette)
        if len(palette) < COLOURS and (is_apart or count * GROUND > whole):
            palette.append(colour)
    return palette


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    return min(range(len(palette)), key=lambda number: _distance(colour, palette[number]))


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _decoded(png: bytes) -> tuple[int, int, int, list[bytes]]:
    """Width, height, bytes a pixel, and the rows without their filters."""
    chunks = dict(_chunks(png))
    width, height, depth, kind, *_, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if depth != 8 or kind not in CHANNELS or interlaced:
        raise ValueError(f"depth {depth}, colour type {kind}, interlaced {interlaced}")
    channels = CHANNELS[kind]
    size = width * channels
    filtered = zlib.decompress(chunks[b"IDAT"])
    rows, above = [], bytes(size)
    for at in range(0, len(filtered), size + 1):
        above = FILTERS[filtered[at]](filtered[at + 1 : at + 1 + size], above, channels)
        rows.append(above)
    return width, height, channels, rows


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not png.startswith(SIGNATURE):
        raise ValueError("this is no PNG")
    position, image = len(SIGNATURE), b""
    while position < len(png):
        length, kind = struct.unpack_from(">I4s", png, position)
        data = png[position + 8 : position + 8 + length]
        image += data if kind == b"IDAT" else b""
        yield kind, image if kind == b"IDAT" else data
        position += length + 12


def _plain(row: bytes, _above: bytes, _step: int) -> bytes:
    return row


def _left(row: bytes, _above: bytes, step: int) -> bytes:
    made = bytearray(len(row))
    for channel in range(step):
        sums = accumulate(row[channel::step])
        made[channel::step] = bytes(each & 255 for each in sums)
    return bytes(made)


def _up(row: bytes, above: bytes, _step: int) -> bytes:
    return bytes((a + b) & 255 for a, b in zip(row, above, strict=True))


def _average(row: bytes, above: bytes, step: int) -> bytes:
    made = bytearray(step) + row
    for at, up in enumerate(above):
        made[at + step] = made[at + step] + (made[at] + up) // 2 & 255
    return bytes(made[step:])


def _paeth(row: bytes, above: bytes, step: int) -> bytes:
    made, padded = bytearray(step) + row, bytes(step) + above
    for at, up in enumerate(above):
        left, corner = made[at], padded[at]
        to_left, to_up = abs(up - corner), abs(left - corner)
        to_corner = abs(left + up - 2 * corner)
        if to_left <= to_up and to_left <= to_corner:
            guess = left
        else:
            guess = up if to_up <= to_corner else corner
        made[at + step] = made[at + step] + guess & 255
    return bytes(made[step:])


FILTERS: Final[tuple[Callable[[bytes, bytes, int], bytes], ...]] = (
    _plain,
    _left,
    _up,
    _average,
    _paeth,
)
"""By their numbers in PNG: https://www.w3.org/TR/png-3/#9Filters"""


def main(directory: Path) -> None:
    """Write the pictures of papers and mails; those of mails need a Chromium."""
    with tempfile.TemporaryDirectory() as name:
        drawn = Path(name)
        samples.main(str(drawn / "papers"))
        _keep(drawn / "papers", directory)
        screenshots.main([str(drawn / "mails"), *screenshots.DOCUMENTED])
        _keep(drawn / "mails", directory / "mails")


def _keep(drawn: Path, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for stale in directory.glob("*.png"):
        stale.unlink()
    for picture in sorted(drawn.glob("*.png")):
        (directory / picture.name).write_bytes(reduced(picture.read_bytes()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
