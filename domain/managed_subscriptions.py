"""What providers told about the subscriptions that they run themselves, one row for each.

Everything here is merged so that order and repetition make no difference: paid time only grows, and
of what may change back and forth the reading that was drawn last counts (``domain.managed`` says
what follows for the account).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.database import Base, BigId
from domain.facts import Period, SubscriptionRead
from domain.subscriptions import Target


class ManagedSubscription(Base):
    """A subscription run by a provider, as far as it was told.

    ``state``, ``auto_renew``, ``given_up``, ``ended_at`` and the target are those of the reading
    ``applied_sequence``. The period is the last one that is paid or free, ``period_net`` what was
    paid for it without tax, in minor units of ``currency``.
    """

    __tablename__ = "managed_subscriptions"
    __table_args__ = (Index("ix_managed_subscriptions_account", "account_id"),)

    provider: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("accounts.id"))
    applied_sequence: Mapped[int] = mapped_column(default=-1)
    state: Mapped[str] = mapped_column(default="incomplete")
    auto_renew: Mapped[bool] = mapped_column(default=True)
    given_up: Mapped[bool] = mapped_column(default=False)
    ended_at: Mapped[datetime | None]
    order_id: Mapped[str | None]
    """The order of ours that it was started with, if there is one."""
    plan: Mapped[str | None]
    interval: Mapped[str | None]
    agents: Mapped[int | None]
    conversations: Mapped[int | None]
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    period_net: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str | None]
    started_at: Mapped[datetime | None]
    """When its first period began."""
    paid: Mapped[bool] = mapped_column(default=False)
    """Whether any money of it has arrived."""
    credited_until: Mapped[datetime | None]
    """The money for the time until then became credit: it gives no access."""

    terminated: Mapped[bool] = mapped_column(default=False)
    """We ended it because its money went back; its provider's reports do not revive it."""

    @property
    def target(self) -> Target | None:
        """What is bought; None while it is not known."""
        if not (self.plan and self.interval and self.agents and self.conversations is not None):
            return None
        return Target(
            plan=self.plan,
            interval=self.interval,
            agents=self.agents,
            conversations=self.conversations,
        )

    @property
    def subject(self) -> str:
        """Names it in alerts and causes."""
        return f"{self.provider}:{self.reference}"

    @property
    def goes_on(self) -> bool:
        """Whether the provider means to collect the next period, too."""
        wanted = self.auto_renew and not self.given_up
        return wanted and self.state in {"active", "past_due"}

    @property
    def access_until(self) -> datetime | None:
        """The end of the time that counts for the account; None when none does.

        What began with an order of ours begins with its money.
        """
        if self.period_end is None or (self.order_id is not None and not self.paid):
            return None
        credited = self.credited_until is not None and self.period_end <= self.credited_until
        return None if credited else self.period_end


def find(session: Session, provider: str, reference: str) -> ManagedSubscription | None:
    """The provider's subscription of that id."""
    return session.get(ManagedSubscription, (provider, reference))


def of_account(session: Session, account_id: int) -> list[ManagedSubscription]:
    """Every subscription that providers run or ran for the account."""
    statement = (
        select(ManagedSubscription)
        .where(ManagedSubscription.account_id == account_id)
        .order_by(ManagedSubscription.provider, ManagedSubscription.reference)
    )
    return list(session.scalars(statement))


def begin(session: Session, provider: str, reference: str, account_id: int) -> ManagedSubscription:
    """The row of a subscription, made when it is heard of for the first time."""
    found = find(session, provider, reference)
    if found is None:
        found = ManagedSubscription(
            provider=provider,
            reference=reference,
            account_id=account_id,
            applied_sequence=-1,
            period_net=0,
            paid=False,
            given_up=False,
            terminated=False,
        )
        session.add(found)
    return found


def apply(row: ManagedSubscription, fact: SubscriptionRead, target: Target | None) -> bool:
    """Take over what a reading says, unless one drawn later was applied; False then.

    A reading that does not say what is bought leaves that as it was.
    """
    if fact.sequence < row.applied_sequence:
        return False
    row.applied_sequence = fact.sequence
    row.state, row.auto_renew = fact.state, fact.auto_renew
    row.given_up, row.ended_at = fact.given_up, fact.ended_at
    if target is not None:
        row.plan, row.interval = target.plan, target.interval
        row.agents, row.conversations = target.agents, target.conversations
    return True


def grant(row: ManagedSubscription, period: Period, net: int = 0) -> None:
    """Add settled time, and what was paid for it; the period only moves forward."""
    if row.period_end is None or period.end > row.period_end:
        row.period_start, row.period_end, row.period_net = period.start, period.end, net
    elif period.end == row.period_end:
        row.period_start = min(row.period_start or period.start, period.start)
        row.period_net += net
    row.started_at = min(row.started_at or period.start, period.start)


def credit_until(row: ManagedSubscription, end: datetime) -> None:
    """Money for the time until ``end`` became credit."""
    row.credited_until = max(row.credited_until or end, end)
