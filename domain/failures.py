"""Failures, grouped by what they have in common: the fingerprint of events and effects.

A group opens with its first member, closes by itself when no member is unfinished any more, and
opens again when the failure comes back. What it comes to is counted by ``refresh``, which the clock
calls every few seconds; lists read the counts, however many members there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, case, exists, func, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base, BigId, insert_once
from domain.effects import Effect
from domain.errors import Refused
from domain.inbox import Event
from domain.orders import Order
from domain.refunds import REFUND_PAYMENT, Refund

OPEN, CLOSED = "open", "closed"
CAPTURE: Final = "capture_checkout"
BRING_MONEY: Final = ("open_checkout", CAPTURE, "charge_order")
"""Effects without which the money of their order does not come."""


class FailureGroup(Base):
    """Equal failures. ``kind`` is ``event`` or ``effect``; ``handler`` the type of the event or the
    kind of the effect."""

    __tablename__ = "failures"
    __table_args__ = (Index("ix_failures_seen", "state", "last_seen", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    handler: Mapped[str]
    exception: Mapped[str]
    message: Mapped[str]
    """What the error says, without its ids."""
    state: Mapped[str]
    members: Mapped[int]
    """How many are unfinished now."""
    accounts: Mapped[int]
    money: Mapped[dict[str, Any]]
    """Money at risk in minor units, by currency; what several members speak of counts once."""
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    reopened: Mapped[int] = mapped_column(default=0)
    """How often it came back."""


def page(
    session: Session, limit: int, before: int | None = None, *, state: str | None = None
) -> list[FailureGroup]:
    """Up to ``limit`` groups, the last seen first, that come after the group ``before``."""
    statement = select(FailureGroup)
    if state is not None:
        statement = statement.where(FailureGroup.state == state)
    last = session.get(FailureGroup, before) if before is not None else None
    if last is not None:
        here = tuple_(FailureGroup.last_seen, FailureGroup.id)
        statement = statement.where(here < (last.last_seen, last.id))
    ordered = statement.order_by(FailureGroup.last_seen.desc(), FailureGroup.id.desc())
    return list(session.scalars(ordered.limit(limit)))


def find(session: Session, group_id: int) -> FailureGroup:
    """The group of that number. Raises ``Refused`` (404)."""
    group = session.get(FailureGroup, group_id)
    if group is None:
        said = f"There is no group of failures {group_id}."
        raise Refused("failure_unknown", said, status=404, number=group_id)
    return group


def failed_effects(
    session: Session, fingerprint: str, limit: int, before: int | None = None
) -> list[Effect]:
    """Up to ``limit`` effects that failed so and are not finished, newest first."""
    statement = select(Effect).where(Effect.fingerprint == fingerprint)
    if before is not None:
        statement = statement.where(Effect.id < before)
    return list(session.scalars(statement.order_by(Effect.id.desc()).limit(limit)))


def is_known(session: Session, fingerprint: str) -> bool:
    """Whether it is the whole fingerprint of something."""
    grouped = exists().where(FailureGroup.fingerprint == fingerprint)
    events = exists().where(Event.fingerprint == fingerprint)
    effects = exists().where(Effect.fingerprint == fingerprint)
    return bool(session.scalar(select(grouped | events | effects)))


def refresh(session: Session) -> None:
    """Count every group anew; open, close and re-open groups."""
    now = clock.now()
    found = {each["fingerprint"]: each for each in _counted(session)}
    statement = select(FailureGroup).where(
        (FailureGroup.state == OPEN) | FailureGroup.fingerprint.in_(sorted(found))
    )
    known = {group.fingerprint: group for group in session.scalars(statement.with_for_update())}
    for fingerprint, counts in sorted(found.items()):
        if fingerprint in known:
            _update(known[fingerprint], counts)
        else:
            # Two clocks may count at the same moment: whoever comes second finds it there.
            insert_once(session, FailureGroup, **_new(fingerprint, counts))
    for fingerprint, group in known.items():
        if fingerprint not in found:
            group.state, group.closed_at = CLOSED, now
            group.members, group.accounts, group.money = 0, 0, {}


def parts(fingerprint: str) -> tuple[str, str, str]:
    """Handler, exception and message of a fingerprint; of what is no error, the message alone."""
    handler, _, rest = fingerprint.partition(": ")
    exception, colon, message = rest.partition(": ")
    return (handler, exception, message) if colon else (handler, "", rest)


def _update(group: FailureGroup, counts: dict[str, Any]) -> None:
    if group.state == CLOSED:
        group.reopened += 1
    group.state, group.closed_at = OPEN, None
    group.members, group.accounts = counts["members"], counts["accounts"]
    group.money = counts["money"]
    group.last_seen = max(group.last_seen, counts["last_seen"])


def _new(fingerprint: str, counts: dict[str, Any]) -> dict[str, Any]:
    handler, exception, message = parts(fingerprint)
    named = {"handler": handler, "exception": exception, "message": message}
    return {**named, "state": OPEN, "reopened": 0, **counts}


def _counted(session: Session) -> Iterator[dict[str, Any]]:
    """What the members of each group come to."""
    for table, kind, came in (
        (Event, "event", Event.received_at),
        (Effect, "effect", Effect.created_at),
    ):
        statement = (
            select(
                table.fingerprint,
                func.count().label("members"),
                func.count(table.account_id.distinct()).label("accounts"),
                func.coalesce(func.min(table.failed_at), func.min(came)).label("first_seen"),
                func.coalesce(func.max(table.failed_at), func.max(came)).label("last_seen"),
            )
            .where(table.fingerprint.is_not(None))
            .group_by(table.fingerprint)
        )
        groups = session.execute(statement).mappings().all()
        at_risk = _money(session, kind) if groups else {}
        for group in groups:
            yield {**group, "kind": kind, "money": at_risk.get(group["fingerprint"], {})}


def _money(session: Session, kind: str) -> dict[str, dict[str, int]]:
    """Fingerprint → currency → minor units; each order, payment or refund counts once."""
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    for statement in _at_risk_of_events() if kind == "event" else _at_risk_of_effects():
        once = statement.subquery()
        total = select(once.c.fingerprint, once.c.currency, func.sum(once.c.amount))
        named = total.where(once.c.currency.is_not(None))
        for fingerprint, currency, amount in session.execute(
            named.group_by(once.c.fingerprint, once.c.currency)
        ):
            sums[fingerprint][currency] = sums[fingerprint].get(currency, 0) + int(amount)
    return sums


def _at_risk_of_events() -> Iterable[Any]:
    subject = func.coalesce(Event.order_id, Event.payment, Event.provider_event_id)
    yield (
        select(
            Event.fingerprint,
            func.max(func.coalesce(Order.total, Event.amount)).label("amount"),
            func.max(func.coalesce(Order.currency, Event.currency)).label("currency"),
        )
        .outerjoin(Order, Order.id == Event.order_id)
        .where(Event.fingerprint.is_not(None))
        .group_by(Event.fingerprint, subject)
    )


def _at_risk_of_effects() -> Iterable[Any]:
    # The order stands in the target, of a capture in the cause: "order:" and its id.
    named = case((Effect.kind == CAPTURE, func.substr(Effect.cause, 7)), else_=Effect.target)
    yield (
        select(Effect.fingerprint, Order.id, Order.currency, func.max(Order.total).label("amount"))
        .join(Order, Order.id == named)
        .where(Effect.fingerprint.is_not(None), Effect.kind.in_(BRING_MONEY))
        .group_by(Effect.fingerprint, Order.id, Order.currency)
    )
    refund = Effect.payload["refund"].as_integer()
    yield (
        select(
            Effect.fingerprint, Refund.id, Refund.currency, func.max(Refund.amount).label("amount")
        )
        .join(Refund, Refund.id == refund)
        .where(Effect.fingerprint.is_not(None), Effect.kind == REFUND_PAYMENT)
        .group_by(Effect.fingerprint, Refund.id, Refund.currency)
    )
