"""The errors that say what the machine should do next.

A job maps them to retry, park or alert in one place (``workers/outcomes.py``); the API maps
``Refused`` to a problem document. Any other exception is a bug.
"""

from __future__ import annotations

from typing import Any


class BillhookError(Exception):
    """Root of every error that Billhook raises on purpose."""


class NotYet(BillhookError):
    """Something that the work refers to is not here yet: try again soon, then park."""


class Transient(BillhookError):
    """The other side failed or could not be reached: try again later, nothing was done."""


class Unknown(Transient):
    """A call that moves money was sent and its outcome was not heard: ask, never repeat blindly."""


class Permanent(BillhookError):
    """Trying again is pointless: park it for a person."""


class Refused(BillhookError):
    """A business rule forbids what was asked.

    ``code`` is stable and machine-readable (``year_to_month``), the message names the thing, the
    rule and the way out; ``status`` is the HTTP status that the API answers with. The message is
    English; ``values`` is what it speaks of, for whoever says the same in another language.
    """

    def __init__(self, code: str, message: str, *, status: int = 409, **values: Any) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.values = values


class Misconfigured(BillhookError):
    """The process must not start: the message names the setting or file, line, and reason."""


class StoreUnavailable(BillhookError):
    """The database cannot take the write now."""
