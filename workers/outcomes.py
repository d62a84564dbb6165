"""The one place that maps an error to retry, park or alert, with the delays as written lists.

``NotYet``: soon, then park. ``Transient``: for about a day, then park. ``Permanent``:
park at once. Anything else is a bug: tried a few times, then parked with its traceback.
"""

from __future__ import annotations

import re
import traceback
from datetime import timedelta
from typing import Final, Literal

import msgspec
from sqlalchemy.exc import OperationalError

from domain import discretion
from domain.errors import NotYet, Permanent, StoreUnavailable, Transient
from domain.outages import is_outage

NOT_YET_DELAYS: Final = (1, 5, 30, 120, 600, 3_600, 21_600)
TRANSIENT_DELAYS: Final = (2, 10, 60, 300, 900, 3_600, 7_200, 14_400, 28_800, 43_200)
BUG_DELAYS: Final = (5, 60, 600)
"""Seconds until the next try, by the number of tries that failed."""

Action = Literal["retry", "park"]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about an error, and what a person will read of it."""

    action: Action
    status: Literal["waiting", "unmatched", "parked"]
    delay: timedelta = timedelta(0)
    error: str
    fingerprint: str
    traceback: str


def judge(error: Exception, handler: str, attempt: int) -> Failure:
    """Decide after the ``attempt``-th failure (from 1) of ``handler``.

    Raises the error again when the database is away: then nothing can be recorded.
    """
    if isinstance(error, StoreUnavailable) or is_outage(error):
        raise error
    delays = _delays(error)
    retry = attempt <= len(delays)
    return Failure(
        action="retry" if retry else "park",
        status=_status(error) if retry else "parked",
        delay=timedelta(seconds=delays[attempt - 1] if retry else 0),
        error=describe(error),
        fingerprint=fingerprint(handler, error),
        traceback=_traceback(error),
    )


def describe(error: Exception) -> str:
    """The error in one line, without values that it quotes."""
    return discretion.told(error)


def fingerprint(handler: str, error: Exception) -> str:
    """What equal failures have in common: handler, class, and the message without its ids."""
    message = re.sub(r"[A-Za-z]*[-_]?[A-Za-z_-]*\d[\w.:-]*", "#", describe(error))
    return f"{handler}: {message}"[:300]


def mark_of(failure: Failure) -> str | None:
    """The fingerprint of what counts as failed: not of what only came too early, until it is
    parked."""
    return None if failure.status == "unmatched" else failure.fingerprint


def _delays(error: Exception) -> tuple[int, ...]:
    if isinstance(error, Permanent):
        return ()
    if isinstance(error, NotYet):
        return NOT_YET_DELAYS
    if isinstance(error, Transient | OperationalError):
        return TRANSIENT_DELAYS
    return BUG_DELAYS


def _status(error: Exception) -> Literal["waiting", "unmatched"]:
    return "unmatched" if isinstance(error, NotYet) else "waiting"


def _traceback(error: Exception) -> str:
    # The chain of causes may quote values; the frames alone tell where it happened.
    frames = traceback.format_tb(error.__traceback__)
    return "".join([*frames[-12:], describe(error)])
