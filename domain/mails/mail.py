"""A mail as a person reads it: subject, plain text and HTML; who gets it is not its business."""

from __future__ import annotations

import msgspec


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One rendered mail. ``html`` is a whole document that loads nothing from anywhere."""

    subject: str
    text: str
    html: str
    locale: str
    """The language it is written in: ``en``, ``cs``, ``fr`` or ``pl``."""
