"""Looks at the books: what must hold whatever happens, for the accounts in question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import alerts, clock, invariants, rounds
from domain.alert_rules import AlertRule
from domain.alerts import Alert
from domain.invariants import INVARIANTS, SERIES, Violation
from workers.runtime import Runtime
from workers.watching.sight import Sight

RULE: Final = "invariant_broken"
SHOWN: Final = 10
SLICE: Final = 250
"""Accounts that one statement asks about: few enough to be looked up by index, each in some
milliseconds."""
ABOUT_ACCOUNTS: Final = tuple(name for name, each in INVARIANTS.items() if each.whose is not None)

log = structlog.get_logger()


def invariants_broken(session: Session, runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Every invariant that does not hold, but that of the number series: for the accounts of the
    round's next piece, for those that an alert is open about, and where time alone may break it."""
    piece = rounds.next_accounts(session)
    suspects = suspected(session, rule.name)
    for name in INVARIANTS:
        if name != SERIES:
            known = suspects.get(name, [])
            accounts = None if known is None else [*piece, *known]
            if found := violations(session, runtime, name, accounts, also_due=True):
                yield broken(name, found)


def number_series_hole(session: Session, runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Whether a number series has a hole or a duplicate. The whole is asked when a piece of it
    looks so, and as long as the alert is open."""
    looks_whole = rounds.series_look_whole(session)
    if looks_whole and not alerts.is_open(session, rule.name):
        return
    if found := invariants.violations(session, SERIES, runtime.catalogue):
        yield broken(SERIES, found)


def suspected(session: Session, rule: str) -> dict[str, list[int] | None]:
    """The accounts that the open alerts are about, by invariant; None for more than are noted: then
    only the whole tells that it is over."""
    statement = select(Alert.subject, Alert.details).where(
        Alert.rule == rule, Alert.state != "resolved"
    )
    return {name: details.get("accounts") for name, details in session.execute(statement)}


def violations(
    session: Session,
    runtime: Runtime,
    name: str,
    accounts: Sequence[int] | None,
    *,
    also_due: bool = False,
) -> list[Violation]:
    """How an invariant is broken for some accounts, and for those of whom it may be broken because
    time went by; for anybody, when ``accounts`` is None or the invariant is about none."""
    invariant = INVARIANTS[name]
    if accounts is None or invariant.whose is None:
        return invariants.violations(session, name, runtime.catalogue)
    asked = set(accounts)
    if also_due and invariant.due is not None:
        # As numbers: of how many periods are over a planner has no idea.
        asked.update(session.scalars(invariant.due(clock.now())))
    return _in_slices(session, name, runtime, sorted(asked))


def _in_slices(
    session: Session, name: str, runtime: Runtime, accounts: Sequence[int]
) -> list[Violation]:
    found: list[Violation] = []
    for start in range(0, len(accounts), SLICE):
        among = accounts[start : start + SLICE]
        found += invariants.violations(session, name, runtime.catalogue, among=among)
    return found[: invariants.MOST]


def broken(name: str, found: list[Violation]) -> Sight:
    """What there is to say about an invariant that does not hold."""
    log.error("invariant_broken", invariant=name, violations=len(found))
    count = f"{invariants.MOST} or more" if len(found) == invariants.MOST else str(len(found))
    shown = [f"{each.subject}: {each.detail}" for each in found[:SHOWN]]
    details: dict[str, Any] = {
        "holds": INVARIANTS[name].sentence,
        "count": count,
        "violations": shown,
    }
    if INVARIANTS[name].whose is not None and len(found) < invariants.MOST:
        details["accounts"] = sorted({each.account_id for each in found if each.account_id})
    return Sight(name, details)
