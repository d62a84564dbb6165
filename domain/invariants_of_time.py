"""Queries of ``domain.invariants`` about access, and about work that waits.

What the clock or a worker has to do is late only after a tolerance: it is found and done within
seconds, but not at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Select, Text, and_, case, cast, exists, func, literal, or_, select
from sqlalchemy.sql.elements import ColumnElement

from domain import effects, inbox
from domain.accounts import BLOCKED_FOR_EXPIRY, Account
from domain.catalogue import Catalogue
from domain.disputes import LOST, Dispute
from domain.effects import Effect
from domain.findings import Findings, account, named
from domain.history import HistoryEntry
from domain.inbox import Event
from domain.payments import Payment
from domain.refunds import CUSTOMER, Refund
from domain.subscriptions import OURS, RUNNING, Subscription
from domain.terminations import DISPUTE_LOST, REFUNDED
from domain.timetable import ANSWER_TIME, DISPUTE_HOLDS, EXHAUSTED

LATE: Final = timedelta(minutes=1)
"""Expiry happens within a minute after the end (BILLING 6)."""
STUCK: Final = timedelta(minutes=5)
"""What was due for this long is not going to happen by itself (BILLING 10)."""
LATELY: Final = timedelta(minutes=10)
"""What ended is asked about when it did, which is too early for what has a tolerance; so, too, for
as long as this. It is many rounds of the watch."""
EVENT_STATES: Final = (*inbox.DUE_STATES, *inbox.FINISHED, "quarantined", "parked")
EFFECT_STATES: Final = (*effects.PLANNED, "done", "skipped", "parked")


def access_unpaid(at: datetime, catalogue: Catalogue) -> Findings:
    """Invariant 4, for running subscriptions by the rule of ``timetable.last_moment``.

    An account whose subscription is over may be active by a person's decision alone.
    """
    grace = timedelta(days=catalogue.renewal.grace_days)
    end = Subscription.period_end
    out_of_grace = func.coalesce(Subscription.retries_from, end) < at - grace - LATE
    held = and_(_held(), end >= at - DISPUTE_HOLDS - LATE)
    over = or_(and_(_graced(), out_of_grace, ~held), and_(~_graced(), end < at - LATE))
    running = and_(Subscription.state.in_(sorted(RUNNING)), ~_being_charged(at))
    stopped = Subscription.state.not_in(sorted(RUNNING))
    left_open = and_(stopped, Subscription.ended_at < at - LATE, ~_unblocked_by_a_person())
    detail = named("its ", Subscription.state, " subscription was paid until ", end)
    return (
        select(account(), detail)
        .join(Subscription, Subscription.account_id == Account.id)
        .where(Account.status == "active", or_(and_(running, over), left_open))
    )


def periods_over(at: datetime) -> Select[int]:
    """The accounts that ``access_unpaid`` may name because time went by: their period is over and
    they still run, or their subscription ended when nobody was asked about it any more."""
    past = and_(Subscription.state.in_(sorted(RUNNING)), Subscription.period_end < at - LATE)
    ended = Subscription.ended_at.between(at - LATE - LATELY, at - LATE)
    return select(Subscription.account_id).where(or_(past, ended))


def block_without_cause(_at: datetime, _catalogue: Catalogue) -> Findings:
    """Invariant 5. A block for expiry ends with the payment that starts a period; others hold as
    long as no operator lifts them, and rest on money that went back or on a person's decision
    (BILLING 6, 7)."""
    reason = Account.blocked_reason
    unfounded = case(
        (reason == BLOCKED_FOR_EXPIRY, _has_subscription(Subscription.state.in_(sorted(RUNNING)))),
        (reason == REFUNDED, ~_gave_back()),
        (reason == DISPUTE_LOST, ~_lost_a_dispute()),
        else_=~_blocked_by_a_person(),
    )
    detail = named("blocked for ", reason, ", which does not hold")
    return select(account(), detail).where(
        Account.status == "blocked", reason.is_not(None), unfounded
    )


def block_unexplained(_at: datetime, _catalogue: Catalogue) -> Findings:
    """A block always has its reason and time (BILLING 1)."""
    bare = or_(Account.blocked_reason.is_(None), Account.blocked_at.is_(None))
    marked = or_(Account.blocked_reason.is_not(None), Account.blocked_at.is_not(None))
    reason = func.coalesce(Account.blocked_reason, "no reason")
    wrong = or_(
        and_(Account.status == "blocked", bare),
        and_(Account.status == "active", marked),
        Account.status.not_in(("active", "blocked")),
    )
    return select(account(), named(Account.status, " with ", reason)).where(wrong)


def plans_forgotten(_at: datetime) -> Select[int]:
    """The accounts that ``running_unplanned`` may name: the clock plans without a trace."""
    forgotten = Subscription.state.in_(sorted(RUNNING)), Subscription.next_due_at.is_(None)
    return select(Subscription.account_id).where(*forgotten)


def running_unplanned(_at: datetime, _catalogue: Catalogue) -> Findings:
    """The clock would never look at such a subscription again (``timetable.plan``)."""
    return (
        select(
            account(),
            named(Subscription.state, " until ", Subscription.period_end, ", nothing planned"),
        )
        .join(Subscription, Subscription.account_id == Account.id)
        .where(Subscription.state.in_(sorted(RUNNING)), Subscription.next_due_at.is_(None))
    )


def event_stuck(at: datetime, _catalogue: Catalogue) -> Findings:
    """Invariant 9. An event in quarantine waits for the effect that judges it."""
    due = Event.status.in_(inbox.DUE_STATES)
    overdue = or_(
        Event.next_attempt_at < at - STUCK,
        and_(Event.next_attempt_at.is_(None), Event.received_at < at - STUCK),
    )
    forgotten = and_(Event.status == "quarantined", overdue, ~_being_judged())
    return select(
        named("event ", Event.id),
        named(Event.provider, " ", Event.type, " is ", Event.status, _since(Event.next_attempt_at)),
    ).where(or_(and_(due, overdue), forgotten, _outside(Event.status, EVENT_STATES)))


def effect_stuck(at: datetime, _catalogue: Catalogue) -> Findings:
    """Invariant 10. A lease that ran out long ago counts: nobody takes the effect up again."""
    planned = Effect.status.in_(effects.PLANNED)
    nobody = or_(Effect.next_attempt_at.is_(None), Effect.next_attempt_at < at - STUCK)
    return select(
        named("effect ", Effect.id),
        named(Effect.kind, " is ", Effect.status, _since(Effect.next_attempt_at)),
    ).where(or_(and_(planned, nobody), _outside(Effect.status, EFFECT_STATES)))


def _being_charged(at: datetime) -> ColumnElement[bool]:
    """A charge that was begun late may still be answered (``timetable.last_moment``)."""
    return and_(
        Subscription.renewal_in_flight,
        func.coalesce(Subscription.renewal_tried_at, at - timedelta(days=1))
        > at - ANSWER_TIME - LATE,
    )


def _graced() -> ColumnElement[bool]:
    return or_(
        Subscription.auto_renew,
        func.coalesce(Subscription.auto_renew_off_reason, "") == EXHAUSTED,
        and_(Subscription.managed_by != OURS, Subscription.state == "past_due"),
    )


def _held() -> ColumnElement[bool]:
    """A dispute keeps us from charging (``timetable.is_held``)."""
    wanted = and_(Subscription.auto_renew, Subscription.managed_by == OURS)
    return and_(wanted, Subscription.renewals_suspended)


def _unblocked_by_a_person() -> ColumnElement[bool]:
    return exists().where(
        HistoryEntry.account_id == Account.id,
        HistoryEntry.kind == "account_unblocked",
        HistoryEntry.actor.is_not(None),
        HistoryEntry.at >= Subscription.ended_at,
    )


def _blocked_by_a_person() -> ColumnElement[bool]:
    return exists().where(
        HistoryEntry.account_id == Account.id,
        HistoryEntry.kind == "account_blocked",
        HistoryEntry.actor.is_not(None),
        HistoryEntry.at >= Account.blocked_at,
    )


def _has_subscription(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Subscription.account_id == Account.id, condition)


def _gave_back() -> ColumnElement[bool]:
    """The customer's refund, which ends everything, was reported to have succeeded."""
    return exists().where(
        Refund.payment_id == Payment.id,
        Payment.account_id == Account.id,
        Refund.origin == CUSTOMER,
        Refund.returned,
    )


def _lost_a_dispute() -> ColumnElement[bool]:
    return exists().where(Dispute.account_id == Account.id, Dispute.state == LOST)


def _being_judged() -> ColumnElement[bool]:
    return exists().where(
        Effect.event_id == Event.id,
        Effect.kind == "verify_delivery",
        Effect.status.in_((*effects.PLANNED, "parked")),
    )


def _outside(column: Any, known: Iterable[str]) -> ColumnElement[bool]:
    """The column has none of the known values, as ranges between them: an index finds those at
    once, where ``NOT IN`` would read every row."""
    names = sorted(known)
    between = [and_(column > low, column < high) for low, high in pairwise(names)]
    return or_(column < names[0], *between, column > names[-1])


def _since(moment: Any) -> ColumnElement[str]:
    return literal(", planned for ") + func.coalesce(cast(moment, Text), "no time")
