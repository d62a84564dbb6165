"""In a real browser a mail turns dark with the screen, and fits a phone."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from domain.catalogue import Seller
from domain.mails import palette
from domain.mails.render import render
from tests.mails import screenshots


def corner(png: bytes) -> str:
    """The colour of the first pixel; no filter of PNG changes that one."""
    chunks, position = b"", 8
    while position < len(png):
        length, kind = struct.unpack(">I4s", png[position : position + 8])
        if kind == b"IDAT":
            chunks += png[position + 8 : position + 8 + length]
        position += length + 12
    red, green, blue = zlib.decompress(chunks)[1:4]
    return f"#{red:02x}{green:02x}{blue:02x}"


@pytest.mark.parametrize("scheme, colours", [("light", palette.LIGHT), ("dark", palette.DARK)])
def test_a_mail_is_as_light_or_dark_as_the_screen(
    seller: Seller, tmp_path: Path, scheme: str, colours: dict[str, str]
) -> None:
    if screenshots.browser() is None:
        pytest.skip("there is no Chromium on this machine; install Debian's package chromium")
    page = tmp_path / "mail.html"
    page.write_text(render("unblocked", "pl", {}, seller).html, encoding="utf-8")
    screenshots.picture(page, tmp_path / "mail.png", scheme, (screenshots.PHONE, 600))
    assert corner((tmp_path / "mail.png").read_bytes()) == colours["page"]
