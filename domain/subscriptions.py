"""What an account has: plan, agents, conversations, the paid period, auto-renew (BILLING 1, 3)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import periods
from domain.database import Base, BigId

OURS: Final = "us"
"""``managed_by`` of a subscription that we renew ourselves; else the provider's name."""
RUNNING: Final = frozenset({"active", "past_due"})


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
            "ix_subscriptions_running_end",
            "period_end",
            postgresql_where=text("state IN ('active', 'past_due')"),
            sqlite_where=text("state IN ('active', 'past_due')"),
        ),
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

    @property
    def is_running(self) -> bool:
        """Whether it gives access (``active`` or ``past_due``)."""
        return self.state in RUNNING

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
    return session.get(Subscription, account_id)


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
        subscription = Subscription(account_id=account_id, started_at=start)
        session.add(subscription)
    _become(subscription, target)
    subscription.anchor_day = periods.anchor_of(start)
    subscription.period_start = start
    subscription.period_end = periods.next_end(start, target.interval, subscription.anchor_day)
    subscription.period_net, subscription.currency = net, currency
    subscription.state, subscription.managed_by = "active", managed_by
    subscription.auto_renew, subscription.auto_renew_off_reason = True, None
    subscription.order_id = order_id
    return subscription


def _become(subscription: Subscription, target: Target) -> None:
    subscription.plan = target.plan
    subscription.interval = target.interval
    subscription.agents = target.agents
    subscription.conversations = target.conversations
