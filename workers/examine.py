"""The clock's duty that asks about every account that something happened to, soon after it did,
whether all that must hold does hold (ADR 0020)."""

from __future__ import annotations

from time import monotonic
from typing import Final

from sqlalchemy.orm import Session

from domain import alerts, clock, touched
from workers.runtime import Runtime
from workers.watching import books

PATIENCE_S: Final = 2.0
"""How long one run catches up: the other duties wait meanwhile."""


def examine(runtime: Runtime) -> None:
    """Ask about the accounts that are next; what is left after a while is the next run's. Not while
    the clock is stopped: whoever moves it by days makes everything late at once."""
    end = monotonic() + PATIENCE_S
    more = not clock.is_frozen()
    while more and monotonic() < end:
        more = examine_piece(runtime)


def examine_piece(runtime: Runtime) -> bool:
    """Ask about one piece, and note with it that this was done; tells whether there may be more."""
    with runtime.database.transaction() as session:
        accounts, more = touched.next_accounts(session)
        for name in books.ABOUT_ACCOUNTS if accounts else ():
            if books.violations(session, runtime, name, accounts):
                _open(session, runtime, name, accounts)
    return more


def _open(session: Session, runtime: Runtime, name: str, accounts: list[int]) -> None:
    """Open the alert, or have it tell of these accounts, too; the watch closes it."""
    known = books.suspected(session, books.RULE).get(name, [])
    if known is not None:
        found = books.violations(session, runtime, name, [*accounts, *known])
        sight = books.broken(name, found)
        alerts.observe(session, books.RULE, sight.subject, **sight.details)
