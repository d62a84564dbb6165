"""Money that goes back: asked for in time and too late, and contested at the bank."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from workers.stories.books import credit_notes_of, invoices_of, latest_payment, mails_to
from workers.stories.characters import buys, end_of, money
from workers.stories.stage import Stage

WISH: Final = {
    "plan": "standard",
    "interval": "month",
    "agents": 1,
    "conversations": 100,
    "method": "card",
    "return_url": "https://app.example/thanks",
    "cancel_url": "https://app.example/plans",
}


def refund_in_time(stage: Stage) -> None:
    """Within 15 days of the first payment the money goes back, whole, and everything ends."""
    buys(stage, "renata", agents=3)
    paid = latest_payment(stage, "renata")
    stage.tell(f"Renata buys Standard for 3 agents and pays {paid.money}.")
    stage.wait(days=14)
    stage.tell("Two weeks later she asks for her money back, without a reason.")
    refund = stage.app("POST", "/api/accounts/renata/refund")
    stage.expect(refund["amount"]["amount"] == paid.amount, "all of it goes back")
    stage.settle()
    account = stage.account("renata")
    _expect_ended(stage, account, "refunded")
    [note] = credit_notes_of(stage, "renata")
    stage.expect(mails_to(stage, "renata", "refund_done") == 1, "one mail tells of the refund")
    stage.tell(f"{money(refund['amount'])} went back; credit note {note} is in the mail.")
    status, _ = stage.try_app("POST", "/api/accounts/renata/refund")
    stage.expect(status == 409, "there is nothing more to refund")
    stage.settle()
    stage.expect(len(credit_notes_of(stage, "renata")) == 1, "asking again changes nothing")
    stage.tell("The subscription has ended, the account is blocked; asking again is refused.")


def refund_too_late(stage: Stage) -> None:
    """After 15 days, and for a later payment, the refusal names the rule."""
    account = buys(stage, "lubos", agents=1)
    stage.tell("Luboš buys Standard for one agent.")
    stage.wait(days=15, minutes=1)
    stage.tell("A minute after the fifteenth day he asks for his money back.")
    status, problem = stage.try_app("POST", "/api/accounts/lubos/refund")
    stage.expect(status == 409, "it is refused")
    stage.expect("within 15 days of the first payment" in problem["detail"], "by the rule")
    stage.tell(f"“{problem['detail']}”")
    stage.travel(end_of(account) - timedelta(hours=23))
    stage.tell("His month is renewed; he asks for that payment the same day.")
    status, problem = stage.try_app("POST", "/api/accounts/lubos/refund")
    stage.expect(status == 409, "it is refused, too")
    stage.expect("of that one only" in problem["detail"], "by the other half of the rule")
    stage.tell(f"“{problem['detail']}”")
    account = stage.account("lubos")
    stage.expect(account["status"] == "active", "the account goes on")
    stage.expect(not credit_notes_of(stage, "lubos"), "nothing was given back")


def dispute_lost(stage: Stage) -> None:
    """The bank takes the money back: credit note, the end, and a block that no payment lifts."""
    buys(stage, "ludek", agents=2)
    stage.wait(days=5)
    dispute = _contests(stage, "ludek")
    stage.tell("Luděk's bank contests the payment. Operators are alerted; he keeps his access.")
    stage.expect(stage.account("ludek")["status"] == "active", "nothing ends yet")
    status, problem = stage.try_app("POST", "/api/accounts/ludek/refund")
    stage.expect(status == 409, "a refund is refused while the dispute is open")
    stage.tell(f"A refund is refused meanwhile: “{problem['detail']}”")
    stage.sandbox(f"/stripe/disputes/{dispute['id']}/close", {"outcome": "lost"})
    stage.settle()
    _expect_ended(stage, stage.account("ludek"), "dispute_lost")
    [note] = credit_notes_of(stage, "ludek")
    stage.tell(f"The bank decides for him: credit note {note}, the account is blocked.")
    status, problem = stage.try_app("POST", "/api/accounts/ludek/orders", WISH)
    stage.expect((status, problem["code"]) == (409, "account_blocked"), "nothing can be bought")
    stage.tell(f"Luděk wants to buy anew: “{problem['detail']}”")


def dispute_won(stage: Stage) -> None:
    """While a payment is contested nothing is charged; when the dispute is won all is as before."""
    account = buys(stage, "vera", agents=2)
    end = end_of(account)
    stage.travel(end - timedelta(days=3))
    dispute = _contests(stage, "vera")
    stage.tell("Three days before Věra's month ends, her bank contests the payment.")
    stage.travel(end - timedelta(hours=23))
    stage.expect(stage.account("vera")["next_charge"] is None, "no charge is planned")
    stage.expect(len(invoices_of(stage, "vera")) == 1, "her card is not charged")
    stage.tell("The day of her renewal comes: her card is not charged.")
    stage.travel(end + timedelta(days=10))
    account = stage.account("vera")
    stage.expect(account["status"] == "active", "she keeps her access while it is open")
    stage.expect(account["subscription"]["state"] == "past_due", "though the month is over")
    stage.sandbox(f"/stripe/disputes/{dispute['id']}/close", {"outcome": "won"})
    stage.settle()
    account = stage.account("vera")
    stage.expect(account["subscription"]["state"] == "active", "the renewal was made")
    stage.expect(end_of(account) > end + timedelta(days=20), "the next month follows the old end")
    stage.expect(account["subscription"]["auto_renew"], "auto-renew is on as before")
    stage.expect(len(invoices_of(stage, "vera")) == 2, "with its invoice")
    stage.expect(not credit_notes_of(stage, "vera"), "and no credit note")
    stage.tell("The dispute is won: she is renewed at once, everything is as before.")


def _contests(stage: Stage, ref: str) -> Any:
    payment = latest_payment(stage, ref)
    dispute = stage.sandbox("/stripe/disputes", {"payment_intent": payment.reference})
    stage.settle()
    return dispute


def _expect_ended(stage: Stage, account: Any, reason: str) -> None:
    subscription = account["subscription"]
    stage.expect(subscription["state"] == "ended", "the subscription has ended")
    stage.expect(not subscription["auto_renew"], "auto-renew is off")
    stage.expect(account["status"] == "blocked", "the account is blocked")
    stage.expect(account["blocked"]["reason"] == reason, f"with the reason {reason}")
