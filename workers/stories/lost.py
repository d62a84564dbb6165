"""Webhooks that never come: the providers' own lists bring back what they should have told."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func, select

from domain.alerts import Alert
from domain.inbox import Delivery, Event
from domain.missed import FOUND
from workers.stories.books import (
    credit_notes_of,
    expect_series_whole,
    invoices_of,
    latest_payment,
    mails_to,
)
from workers.stories.stage import Stage

WALKS: Final = 4
"""As many as the longest way needs on which each step waits for the event of the one before."""
CARD, WALLET = "leona", "lubor"


def lost_webhooks(stage: Stage) -> None:
    """Every webhook is lost: what was paid and refunded is found in the providers' lists, and
    webhooks that come after all change nothing."""
    stage.wait(minutes=30)
    known, deliveries = _worked(stage), _deliveries(stage)
    fault = stage.sandbox("/faults", {"kind": "drop"})["id"]
    stage.tell("From now on every webhook is lost on its way.")
    _both_pay(stage)
    _walks_bring_it_back(stage)
    _refund_arrives(stage)
    found = _worked(stage) - known
    stage.expect(_deliveries(stage) == deliveries, "no webhook came")
    _expect_told(stage, found)
    stage.sandbox(f"/faults/{fault}", method="DELETE")
    _webhooks_come_after_all(stage)
    stage.expect(_worked(stage) - known == found, "every one of them was a duplicate")
    _expect_right(stage)
    stage.tell("All of them were known: nothing was booked, numbered or mailed twice.")


def _both_pay(stage: Stage) -> None:
    stage.register(CARD)
    stage.pay_card(_ready(stage, stage.order(CARD, "card", agents=2)))
    stage.register(WALLET, country="FR", currency="EUR", locale="fr")
    stage.approve_wallet(_ready(stage, stage.order(WALLET, "paypal")))
    stage.settle()
    for ref in (CARD, WALLET):
        stage.expect(stage.account(ref)["subscription"] is None, f"nobody told of {ref}'s money")
    stage.tell("Leona pays by card, Lubor with PayPal. Their money has moved, and we do not know.")


def _ready(stage: Stage, order: Any) -> Any:
    stage.settle()
    return stage.app("GET", f"/api/orders/{order['id']}")


def _walks_bring_it_back(stage: Stage) -> None:
    for _ in range(WALKS):
        stage.wait(minutes=4)
    for ref in (CARD, WALLET):
        account = stage.account(ref)
        stage.expect(account["status"] == "active", f"{ref} is active")
        stage.expect(account["subscription"] is not None, f"{ref} has what was paid for")
        stage.expect(account["payment_method"] is not None, f"{ref}'s method is saved")
    stage.tell("A few minutes later the walks over the providers' lists have found both.")


def _refund_arrives(stage: Stage) -> None:
    paid = latest_payment(stage, CARD)
    stage.app("POST", f"/api/accounts/{CARD}/refund")
    for _ in range(WALKS):
        stage.wait(minutes=4)
    account = stage.account(CARD)
    stage.expect(account["status"] == "blocked", f"{CARD} is blocked")
    stage.expect(latest_payment(stage, CARD).refunded == paid.amount, "all of it went back")
    stage.tell(f"Leona asks for her money back: {paid.money} return, found the same way.")


def _expect_told(stage: Stage, found: int) -> None:
    with stage.billhook.runtime.database.transaction() as session:
        told = list(session.scalars(select(Alert).where(Alert.rule == FOUND)))
    stage.expect({alert.subject for alert in told} == {"stripe", "paypal"}, "a person is told")
    stage.tell(f"An alert per provider says what no webhook brought: {found} events.")


def _webhooks_come_after_all(stage: Stage) -> None:
    sent = stage.sandbox("/deliveries", method="GET")["items"]
    lost = {each["event_id"]: each["provider"] for each in sent if each["state"] == "dropped"}
    for event_id, provider in lost.items():
        stage.sandbox(f"/{provider}/events/{event_id}/resend")
    stage.settle()
    stage.wait(minutes=10)
    stage.tell(f"The network recovers, and {len(lost)} webhooks come after all.")


def _expect_right(stage: Stage) -> None:
    for ref in (CARD, WALLET):
        stage.expect(len(invoices_of(stage, ref)) == 1, f"{ref} has one invoice")
        stage.expect(mails_to(stage, ref, "receipt") == 1, f"{ref} got one receipt")
        stage.expect(stage.account(ref)["credit"]["amount"] == 0, f"{ref} paid once")
    stage.expect(len(credit_notes_of(stage, CARD)) == 1, f"{CARD} has one credit note")
    stage.expect(stage.account(WALLET)["status"] == "active", f"{WALLET} is active")
    expect_series_whole(stage)


def _worked(stage: Stage) -> int:
    """How many events there are with something for us in them."""
    with stage.billhook.runtime.database.transaction() as session:
        statement = select(func.count()).select_from(Event).where(Event.status != "ignored")
        return session.scalar(statement) or 0


def _deliveries(stage: Stage) -> int:
    with stage.billhook.runtime.database.transaction() as session:
        return session.scalar(select(func.count()).select_from(Delivery)) or 0
