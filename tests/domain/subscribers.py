"""Accounts with a running subscription and a saved method, and the passing of their time.

The clock's duty is the real one; what a provider answers to a charge is told by the test.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import accounts, charges, clock, effects, invoices, orders, renewals, timetable
from domain.alerts import Alert
from domain.effects import Effect
from domain.facts import Decline, Method, MethodSaved, PaymentSucceeded
from domain.invoices import Invoice
from domain.orders import Order
from domain.ports import ChargeOutcome
from domain.subscriptions import Subscription
from domain.work import Work
from tests import lives
from tests.domain.paid_accounts import PROVIDER, tell, working
from webhooks.api.account_state import AccountState, state_of
from workers.passage import pass_time
from workers.runtime import Runtime

Answer = Literal["succeeded", "soft", "hard", "pending"]
DECLINES = {
    "soft": Decline(code="insufficient_funds", kind="soft"),
    "hard": Decline(code="lost_card", kind="hard"),
}


def card(token: str = "pm_1", brand: str = "visa") -> Method:
    """A saved card."""
    return Method(kind="card", brand=brand, last4="4242", token=token, customer="cus_1")


def pays(runtime: Runtime, ref: str = "acme", token: str | None = "pm_1", **target: object) -> None:
    """The account orders a target and pays for it now; with a token, the card is saved."""
    order = lives.order(runtime, ref, PROVIDER, **target)
    method = card(token) if token else None
    paid = PaymentSucceeded(
        payment=f"pay_{order.id}", amount=order.money_due, order=order.id, method=method
    )
    tell(runtime, paid, ref=ref)


def subscriber(
    runtime: Runtime, ref: str = "acme", token: str | None = "pm_1", **target: object
) -> datetime:
    """A new account that bought Standard for two agents; returns the end of its period."""
    lives.account(runtime, ref)
    pays(runtime, ref, token, **target)
    return subscription(runtime, ref).period_end


def subscription(runtime: Runtime, ref: str = "acme") -> Subscription:
    """The account's subscription as it is stored."""
    with runtime.database.transaction() as session:
        return session.get_one(Subscription, accounts.find(session, ref).id)


def account(runtime: Runtime, ref: str = "acme") -> AccountState:
    """The account as the app sees it."""
    with runtime.database.transaction() as session:
        return state_of(session, runtime.catalogue, accounts.find(session, ref))


def time_comes(runtime: Runtime, moment: datetime) -> None:
    """It is that moment, and the clock does what is due."""
    clock.travel(moment)
    pass_time(runtime)


def switches(runtime: Runtime, *, on: bool, ref: str = "acme") -> None:
    """The customer switches auto-renew, as the app's call does it."""

    def switch(work: Work) -> None:
        running = work.subscription
        assert running is not None
        renewals.switch(work, running, on=on)
        timetable.plan(work.catalogue, running, work.now)

    working(runtime, switch, ref)


def saves(runtime: Runtime, token: str, ref: str = "acme", brand: str = "visa") -> None:
    """The customer enters a card on the page for methods."""
    tell(runtime, MethodSaved(method=card(token, brand), customer="cus_1"), ref=ref)


def charge(runtime: Runtime, ref: str = "acme") -> Effect | None:
    """The charge that is wanted of the account now."""
    with runtime.database.transaction() as session:
        return _charge(session, accounts.find(session, ref).id)


def answers(runtime: Runtime, outcome: Answer, ref: str = "acme") -> Effect:
    """The provider answers the charge that is wanted; returns the charge."""
    effect = charge(runtime, ref)
    assert effect is not None, "no charge is wanted"

    def apply(work: Work) -> None:
        stored = work.session.get_one(Effect, effect.id)
        order = work.session.get_one(Order, effect.target)
        number, scheduled = effect.payload["number"], effect.payload["scheduled"]
        charges.charged(work, order, _outcome(outcome, effect), number, scheduled=scheduled)
        effects.done(stored)

    working(runtime, apply, ref)
    return effect


def tries(runtime: Runtime, moment: datetime, outcome: Answer) -> None:
    """At that moment a charge is made, with that outcome."""
    time_comes(runtime, moment)
    answers(runtime, outcome)


def mails(runtime: Runtime, kind: str, ref: str = "acme") -> list[Effect]:
    """The mails of a kind to the account, the oldest first; those that were overtaken left out."""
    with runtime.database.transaction() as session:
        statement = (
            select(Effect)
            .where(
                Effect.account_id == accounts.find(session, ref).id,
                Effect.kind == "send_mail",
                Effect.target == kind,
                Effect.status != "skipped",
            )
            .order_by(Effect.id)
        )
        return list(session.scalars(statement))


def effects_of(runtime: Runtime, kind: str, ref: str = "acme") -> list[str]:
    """The targets of the account's effects of a kind, the oldest first."""
    with runtime.database.transaction() as session:
        owner = accounts.find(session, ref).id
        statement = (
            select(Effect.target)
            .where(Effect.account_id == owner, Effect.kind == kind)
            .order_by(Effect.id)
        )
        return list(session.scalars(statement))


def renewal_orders(runtime: Runtime) -> list[Order]:
    """Every renewal order, the oldest first."""
    with runtime.database.transaction() as session:
        statement = select(Order).where(Order.kind == "renewal").order_by(Order.created_at)
        return list(session.scalars(statement))


def papers(runtime: Runtime) -> list[Invoice]:
    """Every invoice, the oldest first."""
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Invoice).order_by(Invoice.id)))


def alerts(runtime: Runtime) -> list[str]:
    """The rules of every open alert."""
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Alert.rule).order_by(Alert.id)))


def open_order(runtime: Runtime, ref: str = "acme") -> Order | None:
    """The account's open order."""
    with runtime.database.transaction() as session:
        return orders.open_of(session, accounts.find(session, ref).id)


def numbers(runtime: Runtime) -> list[str | None]:
    """The numbers of all invoices."""
    return [paper.number for paper in papers(runtime) if paper.kind == invoices.INVOICE]


def leave(runtime: Runtime) -> None:
    """Nobody performs effects here: what is still wanted counts as done, for the invariants."""
    with runtime.database.transaction() as session:
        for effect in session.scalars(select(Effect).where(Effect.status.in_(effects.PLANNED))):
            effects.done(effect)


def _charge(session: Session, account_id: int) -> Effect | None:
    statement = (
        select(Effect)
        .where(
            Effect.account_id == account_id,
            Effect.kind == "charge_order",
            Effect.status == "wanted",
        )
        .order_by(Effect.id.desc())
        .limit(1)
    )
    return session.scalar(statement)


def _outcome(answer: Answer, effect: Effect) -> ChargeOutcome:
    payment = f"pay_{effect.id}"
    if answer in DECLINES:
        return ChargeOutcome(status="failed", payment=payment, decline=DECLINES[answer])
    status: Literal["succeeded", "pending"] = "pending" if answer == "pending" else "succeeded"
    return ChargeOutcome(status=status, payment=payment)
