"""Papers as PDF/A-3 with the EN 16931 invoice inside: Factur-X, which is ZUGFeRD (BILLING 8).

The same paper gives the same bytes: fonts and template are shipped, the document's date is the
paper's, and nothing is read from the host.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from domain.papers import declaration
from domain.papers.cii import cii
from domain.papers.glyphs import FONTS
from domain.papers.paper import Paper
from domain.papers.printout import printout

if TYPE_CHECKING:
    from typst import Compiler

TEMPLATES: Final = Path(__file__).with_name("templates")
STANDARDS: Final = ("a-3a", "ua-1")
"""Archivable with an attachment, and readable aloud (PDF/UA): both cost nothing more."""


def render(paper: Paper) -> bytes:
    """The PDF. Safe to call from any thread."""
    inputs = {**_sheet(paper), "xml": cii(paper).decode()}
    # The compiler's clock: without it the file would carry the time of its rendering.
    made = _compiler().compile(
        format="pdf",
        sys_inputs=inputs,
        pdf_standards=list(STANDARDS),
        timestamp=int(paper.issued_at.timestamp()),
    )
    return declaration.declare(_one(made))


def pictures(paper: Paper, ppi: float) -> list[bytes]:
    """The pages as PNG."""
    made = _compiler().compile(format="png", sys_inputs=_sheet(paper), ppi=ppi)
    return made if isinstance(made, list) else [_one(made)]


class _PerThread(threading.local):
    """A compiler that two threads use at once raises: each has its own."""

    compiler: Compiler | None = None


_per_thread: Final = _PerThread()


def _compiler() -> Compiler:
    if _per_thread.compiler is None:
        # Imported here: 80 MB that a process which prints nothing does not load.
        import typst

        fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS]
        )
        _per_thread.compiler = typst.Compiler(
            TEMPLATES / "paper.typ", root=TEMPLATES, font_paths=fonts, ignore_system_fonts=True
        )
    return _per_thread.compiler


def _sheet(paper: Paper) -> dict[str, str]:
    return {"sheet": msgspec.json.encode(printout(paper)).decode()}


def _one(made: bytes | list[bytes] | None) -> bytes:
    if not isinstance(made, bytes):
        raise TypeError("the compiler gave no document")
    return made
