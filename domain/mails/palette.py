"""The colours of the mails, for light and for dark screens; tests measure their contrast."""

from __future__ import annotations

from typing import Final

LIGHT: Final = {
    "page": "#f2f4f7",
    "card": "#ffffff",
    "text": "#1d2530",
    "muted": "#5a6472",
    "line": "#e2e6ec",
    "panel": "#f7f8fa",
    "button": "#1f5fd0",
    "on_button": "#ffffff",
    "link": "#1f5fd0",
    "good": "#1a7f4e",
    "notice": "#b26a00",
    "problem": "#c4352b",
}
DARK: Final = {
    "page": "#10141a",
    "card": "#1a2029",
    "text": "#e9edf2",
    "muted": "#a5afbc",
    "line": "#303a47",
    "panel": "#222a35",
    "button": "#8ab6ff",
    "on_button": "#0c1420",
    "link": "#9cc0ff",
    "good": "#4cc38a",
    "notice": "#f0b24a",
    "problem": "#ff8a80",
}
READ_TOGETHER: Final = (
    ("text", "card"),
    ("text", "panel"),
    ("muted", "card"),
    ("muted", "panel"),
    ("muted", "page"),
    ("text", "page"),
    ("link", "page"),
    ("link", "card"),
    ("on_button", "button"),
)
"""Which colour of text stands on which ground."""
