"""A picture in few colours shows what the full one showed."""

from __future__ import annotations

import struct
import zlib
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.papers.pdf import pictures
from domain.papers.samples import sample_papers
from tests import pictures as small

WIDTH, HEIGHT = 5, 4


def chunks(png: bytes) -> dict[bytes, bytes]:
    return dict(small._chunks(png))


def shown(png: bytes) -> list[list[tuple[int, ...]]]:
    """The colours of a reduced picture, row by row."""
    parts = chunks(png)
    width, _ = struct.unpack(">II", parts[b"IHDR"][:8])
    palette = [tuple(parts[b"PLTE"][at : at + 3]) for at in range(0, len(parts[b"PLTE"]), 3)]
    data = zlib.decompress(parts[b"IDAT"])
    lines = [data[at + 1 : at + 1 + width] for at in range(0, len(data), width + 1)]
    return [[palette[index] for index in line] for line in lines]


def full(filters: list[int], rows: list[bytes], channels: int) -> bytes:
    """A picture whose rows carry these filters, as RFC 2083 writes them."""
    kind = {3: 2, 4: 6}[channels]
    lines, above = b"", bytes(WIDTH * channels)
    for number, row in zip(filters, rows, strict=True):
        lines += bytes([number]) + filtered(number, row, above, channels)
        above = row
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, kind, 0, 0, 0)
    # In two pieces, as encoders do it.
    image = zlib.compress(lines)
    parts = ((b"IHDR", header), (b"IDAT", image[:7]), (b"IDAT", image[7:]), (b"IEND", b""))
    return small.SIGNATURE + b"".join(small._chunk(name, data) for name, data in parts)


def filtered(number: int, row: bytes, above: bytes, step: int) -> bytes:
    left = bytes(step) + row
    corner = bytes(step) + above
    guesses = [guess(number, *around) for around in zip(left, above, corner, strict=False)]
    return bytes((value - each) & 255 for value, each in zip(row, guesses, strict=True))


def guess(number: int, left: int, up: int, corner: int) -> int:
    nearest = min((left, up, corner), key=lambda each: abs(left + up - corner - each))
    return (0, left, up, (left + up) // 2, nearest)[number]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), channels=st.sampled_from([3, 4]))
def test_a_picture_of_few_colours_keeps_every_pixel_whatever_its_filters(
    data: st.DataObject, channels: int
) -> None:
    far_apart = [bytes([*rgb, 255][:channels]) for rgb in product((0, 90, 255), repeat=3)]
    pixel = st.sampled_from(far_apart)
    rows = [b"".join(data.draw(st.tuples(*[pixel] * WIDTH))) for _ in range(HEIGHT)]
    filters = data.draw(st.lists(st.integers(0, 4), min_size=HEIGHT, max_size=HEIGHT))
    wanted = [[tuple(row[at : at + 3]) for at in range(0, len(row), channels)] for row in rows]
    assert shown(small.reduced(full(filters, rows, channels))) == wanted


def test_a_sample_becomes_small_and_stays_the_same_size() -> None:
    (page,) = pictures(sample_papers("pl")["domestic"], 50)
    reduced = small.reduced(page)
    assert len(reduced) < len(page) / 2
    assert chunks(reduced)[b"IHDR"][:8] == chunks(page)[b"IHDR"][:8]
    assert small.reduced(page) == reduced


@pytest.mark.parametrize("picture", [b"", b"GIF89a", small.SIGNATURE])
def test_what_is_no_such_picture_is_refused(picture: bytes) -> None:
    with pytest.raises((ValueError, KeyError)):
        small.reduced(picture)
