"""Compares our money with the providers', object by object, once a day.

A round goes over the payments, refunds and disputes of the last days and looks each of them up at
its provider; where that can list payments, those that name us and are not here are found as well.
A round is cut into runs, each an effect; where it goes on stands in its position. What differs is
looked at again a while later, because events may be under way, and only then told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import alerts, clock, comparison, effects, positions
from domain.alerts import Alert
from domain.comparison import Claim, Difference, Held, ListsPayments, Place, Sighting
from domain.errors import Permanent, Transient
from domain.positions import MONEY, Position
from webhooks.providers import Provider
from workers import outcomes, run_rows
from workers.runtime import Runtime

KIND: Final = "compare_money"
RULE: Final = "money_differs"
"""The alert's rule; its subject is the provider and the provider's id of the object."""
FAILING: Final = "reconciliation_failing"
EVERY: Final = timedelta(days=1)
REACH: Final = timedelta(days=3)
"""Objects that began longer ago were compared on the days before."""
SETTLED: Final = timedelta(hours=1)
"""What began later may still be on its way to us."""
DOUBT: Final = timedelta(minutes=15)
"""After so long something that differs is looked at again."""
PAUSE: Final = timedelta(seconds=30)
PAUSE_AFTER_FAILURE: Final = timedelta(minutes=3)
BUDGET_S: Final = 15.0
BATCH: Final = 20
LISTED: Final = timedelta(days=1)
"""Payments of so long are listed at once."""

log = structlog.get_logger()


class Step(msgspec.Struct, kw_only=True):
    """A part of a round: how many objects were compared, which are equal, which differ, and where
    it goes on (None: it is over)."""

    following: Place | None
    compared: int = 0
    equal: list[str] = []
    different: list[Difference] = []


def compare(runtime: Runtime) -> None:
    """The clock's duty: begin a round once a day, and its runs one after the other."""
    wanted = False
    for provider in runtime.providers:
        if provider.sightings:
            with runtime.database.transaction() as session:
                wanted = _want_run(session, provider.name) or wanted
    if wanted:
        runtime.bell.ring("perform_effects")


def _want_run(session: Session, provider: str) -> bool:
    now = clock.now()
    position = positions.of(session, provider, MONEY)
    if not _is_due(position, now) or run_rows.is_planned(session, KIND, position):
        return False
    if position.cursor is None:
        position.reached = now
        position.cursor = str(comparison.first(session, provider, now - REACH))
    run_rows.want(session, KIND, position)
    return True


def _is_due(position: Position, now: datetime) -> bool:
    if position.cursor is None:
        return now - position.reached >= EVERY
    pause = PAUSE_AFTER_FAILURE if position.error else PAUSE
    return position.started_at is None or now - position.started_at >= pause


def go_on(runtime: Runtime, provider: Provider) -> dict[str, Any]:
    """One run: step by step until the round or the time is over; for the effect's journal.

    A provider that does not answer ends the run, and the next one begins at the same place.
    """
    began, compared, doubted = monotonic(), 0, 0
    try:
        while at := _place(runtime, provider.name):
            place, until = at
            done = step(runtime, provider, place, until - REACH, until - SETTLED)
            _record(runtime, provider.name, place, done)
            compared, doubted = compared + done.compared, doubted + len(done.different)
            if monotonic() - began > BUDGET_S:
                break
    except Transient as error:
        return _broke_off(runtime, provider.name, outcomes.describe(error))
    with runtime.database.transaction() as session:
        positions.succeed(positions.of(session, provider.name, MONEY), clock.now())
        alerts.resolve(session, FAILING, _failing(provider.name))
    return {"compared": compared, "doubted": doubted}


def round_now(runtime: Runtime, provider: Provider, since: datetime) -> Iterator[Step]:
    """A whole round on demand over what began since an instant; told at once.

    Raises ``Transient`` when the provider does not answer.
    """
    until = clock.now() - SETTLED
    with runtime.database.transaction() as session:
        at: Place | None = comparison.first(session, provider.name, since)
    while at is not None:
        done = step(runtime, provider, at, since, until)
        doubts = [(d.kind, d.reference, d.account) for d in done.different]
        found = [confirm(runtime, provider, *doubt) for doubt in doubts]
        done.different = [each for each in found if each is not None]
        yield done
        at = done.following


def _place(runtime: Runtime, provider: str) -> tuple[Place, datetime] | None:
    with runtime.database.transaction() as session:
        position = positions.of(session, provider, MONEY)
        return (comparison.place(position.cursor), position.reached) if position.cursor else None


def step(runtime: Runtime, provider: Provider, at: Place, since: datetime, until: datetime) -> Step:
    """Compare the next few objects after a place, or what is listed after it. Changes nothing.

    Raises ``Transient`` when the provider does not answer.
    """
    if at.kind == comparison.LISTED:
        return _listed(runtime, provider, at, until)
    with runtime.database.transaction() as session:
        ours = comparison.following(session, provider.name, at, until, BATCH)
        if not ours:
            return Step(following=comparison.after(session, provider.name, since, at))
    done = Step(following=Place(at.kind, ours[-1].id), compared=len(ours))
    for each in ours:
        different = _differs(provider, each)
        if different is None:
            done.equal.append(each.reference)
        else:
            done.different.append(different)
    return done


def _differs(provider: Provider, ours: Held) -> Difference | None:
    try:
        return comparison.difference(ours, look_up(provider, ours.kind, ours.reference))
    except Permanent as error:
        return comparison.difference(ours, None, unreadable=str(error))


def look_up(provider: Provider, kind: str, reference: str) -> Sighting | None:
    """An object as its provider has it; None when there is none. Raises ``Transient``, or
    ``Permanent`` for one that cannot be understood."""
    look = provider.sightings[kind]
    for request in look.requests(reference):
        document = provider.gateway.read(request)
        if document is not None:
            return look.sighting(reference, document)
    return None


def _listed(runtime: Runtime, provider: Provider, at: Place, until: datetime) -> Step:
    start = datetime.fromtimestamp(at.after, UTC)
    gateway = provider.gateway
    if start >= until or not isinstance(gateway, ListsPayments):
        return Step(following=None)
    end = min(start + LISTED, until)
    claims = gateway.list_payments(start, end)
    with runtime.database.transaction() as session:
        strangers = comparison.strangers(session, provider.name, claims)
    over = end >= until
    return Step(
        following=None if over else Place(at.kind, int(end.timestamp())),
        compared=len(claims),
        different=[comparison.unknown_here(provider.name, claim) for claim in strangers],
    )


def _record(runtime: Runtime, provider: str, at: Place, done: Step) -> None:
    with runtime.database.transaction() as session:
        position = positions.of(session, provider, MONEY)
        if position.cursor != str(at):
            # Another run of the same round was here; it took note of what is found here, too.
            return
        position.cursor = str(done.following) if done.following else None
        for reference in done.equal:
            alerts.resolve(session, RULE, f"{provider}:{reference}")
        cause = f"{run_rows.cause(KIND, position.runs)}:{at}"
        _doubt(session, provider, cause, [(d.kind, d.reference, d.account) for d in done.different])
        if done.following is None:
            _doubt(session, provider, f"{cause}:open", open_differences(session, provider))


def _doubt(
    session: Session, provider: str, cause: str, doubts: Sequence[tuple[str, str, str]]
) -> None:
    """Have what differs looked at again, a few objects an effect."""
    for start in range(0, len(doubts), BATCH):
        effects.want(
            session,
            KIND,
            provider,
            f"{cause}:{start}",
            payload={"doubts": doubts[start : start + BATCH]},
            at=clock.now() + DOUBT,
        )


def open_differences(session: Session, provider: str) -> list[tuple[str, str, str]]:
    """What was told to differ and is not known to be over: kind, id and account."""
    statement = select(Alert).where(
        Alert.rule == RULE, Alert.state != "resolved", Alert.subject.startswith(f"{provider}:")
    )
    return [
        (told.details["object"], told.subject.partition(":")[2], told.details["account"])
        for told in session.scalars(statement)
    ]


def judge(runtime: Runtime, provider: Provider, doubts: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Look again at what differed, and tell a person of what still does.

    Raises ``Transient`` when the provider does not answer.
    """
    differ = 0
    for kind, reference, account in doubts:
        differ += confirm(runtime, provider, kind, reference, account) is not None
    return {"looked_at": len(doubts), "differ": differ}


def confirm(
    runtime: Runtime, provider: Provider, kind: str, reference: str, account: str
) -> Difference | None:
    """Compare one object anew, raise its alert or resolve it, and say how it differs."""
    seen, unreadable = None, ""
    try:
        seen = look_up(provider, kind, reference)
    except Permanent as error:
        unreadable = str(error)
    with runtime.database.transaction() as session:
        ours = comparison.held(session, provider.name, kind, reference)
        if ours is not None:
            found = comparison.difference(ours, seen, unreadable)
        elif seen is not None:
            claim = Claim(reference=reference, sighting=seen, account=account)
            found = comparison.unknown_here(provider.name, claim)
        else:
            found = None
        _tell(session, f"{provider.name}:{reference}", found)
    return found


def _tell(session: Session, subject: str, found: Difference | None) -> None:
    if found is None:
        alerts.resolve(session, RULE, subject)
    elif not comparison.is_under_way(session, found.provider, found.reference):
        log.warning("money_differs", provider=found.provider, subject=subject)
        alerts.raise_alert(
            session,
            RULE,
            subject,
            object=found.kind,
            account=found.account,
            ours=found.ours,
            theirs=found.theirs,
        )


def _broke_off(runtime: Runtime, provider: str, reason: str) -> dict[str, Any]:
    log.warning("comparison_failed", provider=provider, reason=reason)
    with runtime.database.transaction() as session:
        position = positions.of(session, provider, MONEY)
        if positions.fail(position, clock.now(), reason):
            since = (position.failing_since or clock.now()).isoformat()
            subject = _failing(provider)
            alerts.raise_alert(session, FAILING, subject, since=since, error=reason)
    return {"error": reason}


def _failing(provider: str) -> str:
    return f"{provider} (money)"
