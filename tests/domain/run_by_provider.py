"""What a provider reports of a subscription that it runs, and what the account then looks like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from domain import accounts, invariants, passage
from domain.accounts import Account
from domain.alerts import Alert
from domain.effects import Effect
from domain.facts import PaymentSucceeded, Period, SubscriptionRead
from domain.invoices import Invoice
from domain.money import Money
from domain.payments import Payment
from domain.subscriptions import Subscription
from tests.domain.paid_accounts import working
from workers.runtime import Runtime

PRICE = 118_580
"""Standard for two agents by the month in Czechia, with tax; without it 98000."""
TERMS: dict[str, Any] = {"plan": "standard", "interval": "month", "agents": 2}


def month(number: int) -> Period:
    """The ``number``-th month of the subscription, which begins on 2 March 2026."""
    year, index = divmod(2 + number, 12)
    later, follower = divmod(3 + number, 12)
    return Period(
        datetime(2026 + year, index + 1, 2, 10, tzinfo=UTC),
        datetime(2026 + later, follower + 1, 2, 10, tzinfo=UTC),
    )


def read(sequence: int, state: Any = "active", month_: int | None = 0, **more: Any) -> Any:
    """A reading; ``month_`` is the settled one, None when none is said to be."""
    return SubscriptionRead(
        subscription=more.pop("subscription", "sub_1"),
        state=state,
        sequence=sequence,
        period=None if month_ is None else month(month_),
        **{**TERMS, **more},
    )


def money(number: int = 0, amount: int = PRICE, **more: Any) -> PaymentSucceeded:
    """The money for a month."""
    subscription = more.pop("subscription", "sub_1")
    return PaymentSucceeded(
        payment=more.pop("payment", f"pay_{subscription}_{number}"),
        amount=Money(amount, more.pop("currency", "CZK")),
        subscription=subscription,
        period=more.pop("period", month(number)),
        **more,
    )


class Outcome(NamedTuple):
    """What an account looks like in the end; nothing in it may depend on the order of facts."""

    status: str
    blocked: str | None
    subscription: tuple[Any, ...] | None
    payments: tuple[tuple[str, str, str | None], ...]
    papers: tuple[tuple[int, int, int], ...]
    receipts: int


COLUMNS = (
    *("state", "managed_by", "managed_reference", "plan", "interval", "agents", "conversations"),
    *("period_start", "period_end", "period_net", "currency", "auto_renew"),
    *("auto_renew_off_reason", "started_at", "ended_at", "next_due_at", "order_id"),
)


def outcome(runtime: Runtime, ref: str = "acme") -> Outcome:
    """The account as it stands."""
    with runtime.database.transaction() as session:
        account = session.scalars(select(Account).where(Account.ref == ref)).one()
        subscription = session.get(Subscription, account.id)
        payments = session.scalars(select(Payment).where(Payment.account_id == account.id))
        papers = session.scalars(select(Invoice).where(Invoice.account_id == account.id))
        mails = session.scalars(
            select(Effect.id).where(Effect.account_id == account.id, Effect.target == "receipt")
        )
        return Outcome(
            account.status,
            account.blocked_reason,
            tuple(getattr(subscription, n) for n in COLUMNS) if subscription else None,
            tuple(sorted((p.reference, p.state, p.use) for p in payments)),
            tuple(sorted((p.net, p.vat, p.total) for p in papers)),
            len(list(mails)),
        )


def subscription_of(runtime: Runtime, ref: str = "acme") -> Subscription:
    """The account's subscription. Raises when there is none."""
    with runtime.database.transaction() as session:
        account = session.scalars(select(Account).where(Account.ref == ref)).one()
        return session.get_one(Subscription, account.id)


def blocked_for(runtime: Runtime, ref: str = "acme") -> str | None:
    """The reason of the account's block; None when it is active."""
    with runtime.database.transaction() as session:
        return accounts.find(session, ref).blocked_reason


def time_passes(runtime: Runtime, ref: str = "acme") -> None:
    """The clock does what is due."""
    working(runtime, passage.act, ref)


def alerts(runtime: Runtime) -> list[str]:
    """The rules of all alerts."""
    with runtime.database.transaction() as session:
        return sorted(session.scalars(select(Alert.rule)))


def mails(runtime: Runtime) -> list[str]:
    """The kinds of all mails that are wanted."""
    with runtime.database.transaction() as session:
        wanted = session.scalars(select(Effect.target).where(Effect.kind == "send_mail"))
        return sorted(wanted)


def broken(runtime: Runtime) -> list[str]:
    """What should always hold and does not; effects are not performed here."""
    with runtime.database.transaction() as session:
        found = invariants.broken(session, runtime.catalogue)
    return [str(violation) for violation in found if violation.invariant != "effects_move_on"]
