"""What an account has: plan, agents, conversations, the paid period, auto-renew (BILLING 1, 3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import batch, periods
from domain.database import Base, BigId

OURS: Final = "us"
"""``managed_by`` of a subscription that we renew ourselves; else the provider's name."""
_RENEWS: Final = text("auto_renew AND managed_by = 'us' AND state IN ('active', 'past_due')")
_RUNS: Final = text("state IN ('active', 'past_due')")
_ENDED: Final = text("ended_at IS NOT NULL")
_UNPLANNED: Final = text("next_due_at IS NULL AND state IN ('active', 'past_due')")
_FAILING: Final = text("renewal_failures > 0 AND state IN ('active', 'past_due')")
RUNNING: Final = frozenset({"active", "past_due"})
FACETS: Final = ("state", "plan", "managed_by", "account_blocked")
"""What accounts are listed by (``domain.account_search``)."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of what is wanted; never a difference (BILLING 3)."""

    plan: str
    interval: str
    agents: int
    conversations: int


class Subscription(Base):
    """The subscription of an account; at most one (``account_id`` is the key).

    ``state``: ``active``, ``past_due`` (over, renewal being retried within the grace),
    ``expired`` (over), ``ended`` (refunded, disputed or cancelled before its time).
    ``period_net`` is the net price of the running period in minor units: what unused time is
    worth. ``currency`` is that of the period.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index(
            "ix_subscriptions_due",
            "next_due_at",
            postgresql_where=text("next_due_at IS NOT NULL"),
            sqlite_where=text("next_due_at IS NOT NULL"),
        ),
        Index("ix_subscriptions_facets", *FACETS, "account_id"),
        Index("ix_subscriptions_end", "period_end", postgresql_where=_RENEWS, sqlite_where=_RENEWS),
        Index(
            "ix_subscriptions_failing",
            "account_id",
            postgresql_where=_FAILING,
            sqlite_where=_FAILING,
        ),
        # What the clock asks each minute: what is over, what ended lately, what was forgotten.
        Index("ix_subscriptions_over", "period_end", postgresql_where=_RUNS, sqlite_where=_RUNS),
        Index("ix_subscriptions_ended", "ended_at", postgresql_where=_ENDED, sqlite_where=_ENDED),
        Index(
            "ix_subscriptions_unplanned",
            "account_id",
            postgresql_where=_UNPLANNED,
            sqlite_where=_UNPLANNED,
        ),
        UniqueConstraint("managed_by", "managed_reference"),
    )

    account_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    )
    plan: Mapped[str]
    interval: Mapped[str]
    agents: Mapped[int]
    conversations: Mapped[int]
    currency: Mapped[str]
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    period_net: Mapped[int]
    anchor_day: Mapped[int]
    state: Mapped[str]
    auto_renew: Mapped[bool] = mapped_column(default=True)
    auto_renew_off_reason: Mapped[str | None]
    managed_by: Mapped[str] = mapped_column(default=OURS)
    started_at: Mapped[datetime]
    order_id: Mapped[str | None]
    """The order that bought the running period."""
    ended_at: Mapped[datetime | None]
    next_due_at: Mapped[datetime | None]
    """When the clock has to look at it next (``domain.timetable``); None: never."""
    warned_days: Mapped[int | None]
    """The last expiry warning of this period, in days before the end."""
    renewal_told: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """The customer was told of the renewal at the end of this period."""
    renewal_failures: Mapped[int] = mapped_column(default=0)
    """Tries of the retry list that failed in this period, or were missed before a later one."""
    renewal_charges: Mapped[int] = mapped_column(default=0)
    """Charges begun in this period, immediate ones with a new method included."""
    renewal_in_flight: Mapped[bool] = mapped_column(default=False)
    """A charge was begun and its outcome is not known yet."""
    renewal_tried_at: Mapped[datetime | None]
    """When the last charge of this period was begun."""
    renewals_suspended: Mapped[bool] = mapped_column(default=False)
    """A dispute is open: nothing is charged (BILLING 7)."""
    suspended_at: Mapped[datetime | None]
    """Since when, while it is so."""
    retries_from: Mapped[datetime | None]
    """From when the retry list and the grace of this period count, where a dispute held them up
    beyond its end; None: from the end."""
    declined_token: Mapped[str | None]
    """The saved method that was declined for good in this period; not charged again."""
    managed_reference: Mapped[str | None]
    """The provider's id of a subscription that it runs itself."""
    account_blocked: Mapped[str] = mapped_column(default="", server_default="")
    """The reason for which the account is blocked; empty while it is not. A copy, so that lists of
    accounts can be narrowed by both at once."""

    @property
    def is_running(self) -> bool:
        """Whether it gives access (``active`` or ``past_due``)."""
        return self.state in RUNNING

    @property
    def was_announced(self) -> bool:
        """Whether the customer was told of the end of the period, in a mail that may be unsent."""
        return self.warned_days is not None or self.renewal_told

    @property
    def target(self) -> Target:
        """What it is, as a whole."""
        return Target(
            plan=self.plan,
            interval=self.interval,
            agents=self.agents,
            conversations=self.conversations,
        )


def of(session: Session, account_id: int) -> Subscription | None:
    """The account's subscription, running or not."""
    return batch.known(
        session, Subscription, account_id, lambda: session.get(Subscription, account_id)
    )


def read_again(session: Session, account_ids: Collection[int]) -> Sequence[Subscription]:
    """The subscriptions of accounts that are locked, as they stand now, by one query. While
    the result is held, ``of`` finds them in the session."""
    statement = (
        select(Subscription)
        .where(Subscription.account_id.in_(sorted(account_ids)))
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()


def start_period(
    session: Session,
    account_id: int,
    target: Target,
    *,
    start: datetime,
    net: int,
    currency: str,
    order_id: str | None,
    managed_by: str = OURS,
) -> Subscription:
    """Begin a new period at ``start`` with a new anchor; auto-renew comes on (BILLING 4)."""
    subscription = of(session, account_id)
    if subscription is None:
        subscription = Subscription(
            account_id=account_id, started_at=start, renewals_suspended=False
        )
        session.add(subscription)
        batch.learn(session, Subscription, account_id, subscription)
    become(subscription, target)
    subscription.anchor_day = periods.anchor_of(start)
    subscription.period_start = start
    subscription.period_end = periods.next_end(start, target.interval, subscription.anchor_day)
    subscription.period_net, subscription.currency = net, currency
    subscription.state, subscription.managed_by = "active", managed_by
    subscription.auto_renew, subscription.auto_renew_off_reason = True, None
    subscription.order_id, subscription.ended_at = order_id, None
    if managed_by == OURS:
        subscription.managed_reference = None
    forget_cycle(subscription)
    return subscription


def extend(subscription: Subscription, net: int, order_id: str | None) -> None:
    """Let the next period follow the running one without a gap (BILLING 5)."""
    start = subscription.period_end
    subscription.period_start = start
    subscription.period_end = periods.next_end(
        start, subscription.interval, subscription.anchor_day
    )
    subscription.period_net, subscription.order_id = net, order_id
    subscription.state = "active"
    subscription.auto_renew, subscription.auto_renew_off_reason = True, None
    forget_cycle(subscription)


def switch_off_renewal(subscription: Subscription, reason: str) -> bool:
    """Switch auto-renew off with its reason; False when it is off already."""
    if not subscription.auto_renew:
        return False
    subscription.auto_renew, subscription.auto_renew_off_reason = False, reason
    return True


def suspend(subscription: Subscription, at: datetime) -> bool:
    """Let renewals rest, because a dispute is open; False when they do already."""
    if subscription.renewals_suspended:
        return False
    subscription.renewals_suspended, subscription.suspended_at = True, at
    return True


def resume(subscription: Subscription, at: datetime) -> bool:
    """Let renewals go on; False when they do not rest. What was left of the retry list and of the
    grace is as long as it was: the time that was rested beyond the end does not count."""
    if not subscription.renewals_suspended:
        return False
    counted_from = subscription.retries_from or subscription.period_end
    rested_from = max(subscription.suspended_at or counted_from, counted_from)
    if at > rested_from:
        subscription.retries_from = counted_from + (at - rested_from)
    subscription.renewals_suspended, subscription.suspended_at = False, None
    return True


def reopen(subscription: Subscription, at: datetime) -> None:
    """Let one that expired be past due again, as if its period ended at ``at``: the time in which
    it gave no access is not paid for. Its renewal is still to be charged."""
    subscription.period_end, subscription.anchor_day = at, periods.anchor_of(at)
    subscription.state, subscription.ended_at = "past_due", None
    subscription.auto_renew, subscription.auto_renew_off_reason = True, None
    forget_cycle(subscription)


def end(subscription: Subscription, state: str, at: datetime) -> bool:
    """End it: ``expired`` (its time is over) or ``ended`` (before its time); False when it is."""
    if not subscription.is_running:
        return False
    subscription.state, subscription.ended_at = state, at
    subscription.next_due_at = None
    return True


def forget_cycle(subscription: Subscription) -> None:
    """A new period begins: nothing was warned of, tried or declined in it."""
    subscription.warned_days = None
    subscription.renewal_told = False
    subscription.renewal_failures = subscription.renewal_charges = 0
    subscription.renewal_in_flight, subscription.renewal_tried_at = False, None
    subscription.declined_token = subscription.retries_from = None


def become(subscription: Subscription, target: Target) -> None:
    """Make it a subscription to the target."""
    subscription.plan = target.plan
    subscription.interval = target.interval
    subscription.agents = target.agents
    subscription.conversations = target.conversations
