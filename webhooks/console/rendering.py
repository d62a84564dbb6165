"""Turns a view into HTML: the whole page, or the one block that a script asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from webhooks.console import assets, notes
from webhooks.console.page import ROOT, Section, View, Visit
from webhooks.console.speech import NAMES

TEMPLATES: Final = Path(__file__).with_name("templates")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load: our own files, and nothing that stands in the page itself."""
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers would then send ``Origin: null`` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Frame-Options": "DENY",
    "Vary": "HX-Request, Cookie, Accept-Language",
}


TONES: Final = {
    **dict.fromkeys(("processed", "done", "active", "paid", "resolved", "succeeded", "ok"), "good"),
    **dict.fromkeys(
        ("waiting", "unmatched", "quarantined", "past_due", "acknowledged", "failing"), "warn"
    ),
    **dict.fromkeys(("parked", "failed", "blocked", "open", "overdue", "expired"), "bad"),
    **dict.fromkeys(("received", "running", "wanted", "planned"), "info"),
}
"""The colour of a state's badge; any other is plain."""


class Renderer:
    """The templates, compiled once a process."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = tuple(sections)
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(asset=assets.address, root=ROOT, languages=NAMES)

    def html(self, visit: Visit, view: View, notice: str | None = None, block: str = "") -> str:
        """The page, or its block of that name when the template has one."""
        values = self._values(visit, view, notice)
        template = self._environment.get_template(view.template)
        if block in template.blocks:
            return "".join(template.blocks[block](template.new_context(values)))
        return template.render(values)

    def _values(self, visit: Visit, view: View, notice: str | None) -> dict[str, Any]:
        speech = visit.speech
        words = {"visit": visit, "speech": speech, "say": speech.say, "plural": speech.plural}
        words["noted"] = partial(notes.said, speech)
        ui = self._environment.get_template("ui.html").make_module({**words, "tones": TONES})
        frame = {
            "ui": ui,
            "title": view.title,
            "notice": notice,
            "sections": self._sections,
            "styles": view.styles,
            "scripts": view.scripts,
        }
        return {**frame, **words, **view.values}
