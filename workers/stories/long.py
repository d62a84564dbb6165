"""A year in the life of an account, by card and by wallet: twelve renewals, then the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from workers.stories.books import expect_series_whole, invoices_of, mails_to
from workers.stories.characters import (
    buys,
    card_turns,
    end_of,
    instant,
    switches_renewal,
    token_of,
)
from workers.stories.stage import Stage
from workers.stories.wallets import buys_by_wallet

MONTHS = 12
BAD_MONTH = 6
"""The renewal of this month fails twice and recovers."""
AHEAD = timedelta(hours=23, minutes=59)
"""Just after a renewal's first try, 24 hours before the end."""


def year_by_card(stage: Stage) -> None:
    """Twelve renewals by card; in one the card has no funds at first. Then the customer leaves."""
    account = buys(stage, "kamila", agents=2)
    stage.tell("Kamila buys Standard for 2 agents by card, by the month.")
    _live_through(stage, "kamila", account, lambda how: card_turns(stage, "kamila", how))
    _leave(stage, "kamila")


def year_by_wallet(stage: Stage) -> None:
    """Twelve renewals by PayPal; in one it refuses at first. Then the customer leaves."""
    account = buys_by_wallet(stage, "walter", country="DE", currency="EUR", agents=2)
    stage.tell("Walter from Germany buys Standard for 2 agents with PayPal, by the month.")

    def turns(how: str) -> None:
        behaviour = "accept" if how == "succeeds" else "decline"
        stage.sandbox(f"/paypal/vault/{token_of(stage, 'walter')}", {"behaviour": behaviour})

    _live_through(stage, "walter", account, turns)
    _leave(stage, "walter")


def _live_through(stage: Stage, ref: str, account: Any, turns: Callable[[str], None]) -> None:
    end = end_of(account)
    for month in range(1, MONTHS + 1):
        if month == BAD_MONTH:
            _recover(stage, ref, turns)
        else:
            stage.travel(end - AHEAD)
        account = stage.account(ref)
        stage.expect(instant(account["subscription"]["period_start"]) == end, "no gap")
        end = end_of(account)
        stage.expect(len(invoices_of(stage, ref)) == month + 1, f"invoice of month {month + 1}")
        stage.tell(f"Renewal {month}: paid until {end:%Y-%m-%d}.")


def _recover(stage: Stage, ref: str, turns: Callable[[str], None]) -> None:
    end = end_of(stage.account(ref))
    turns("insufficient_funds")
    stage.travel(end - AHEAD)
    stage.travel(end + timedelta(minutes=1))
    stage.expect(stage.account(ref)["subscription"]["state"] == "past_due", "past due")
    stage.expect(mails_to(stage, ref, "renewal_failed") == 2, "each failure was told by mail")
    stage.tell("The charge fails ahead of the end, and again at the end: past due, with access.")
    turns("succeeds")
    stage.travel(end + timedelta(days=2, minutes=1))
    stage.expect(stage.account(ref)["subscription"]["state"] == "active", "recovered")


def _leave(stage: Stage, ref: str) -> None:
    switches_renewal(stage, ref, on=False)
    end = end_of(stage.account(ref))
    stage.tell("The customer switches auto-renew off: the last month begins.")
    for days in (7, 3, 1):
        stage.travel(end - timedelta(days=days) + timedelta(minutes=1))
        [warning] = stage.account(ref)["warnings"]
        stage.expect(warning["days_left"] == days, f"the dashboard says {days} days")
    stage.travel(end - timedelta(seconds=1))
    stage.expect(stage.account(ref)["status"] == "active", "not blocked before the end")
    stage.travel(end + timedelta(seconds=59))
    account = stage.account(ref)
    stage.expect(account["status"] == "blocked", "blocked within a minute after the end")
    stage.expect(account["blocked"]["reason"] == "subscription_expired", "for expiry")
    stage.expect(account["subscription"]["state"] == "expired", "the subscription is over")
    stage.expect(account["open_order"] is None, "nothing is open")
    _expect_mails(stage, ref)
    numbers = invoices_of(stage, ref)
    expect_series_whole(stage)
    stage.tell(f"Expired and blocked. {len(numbers)} invoices, {numbers[0]} to {numbers[-1]}.")


def _expect_mails(stage: Stage, ref: str) -> None:
    expected = {
        "receipt": MONTHS + 1,
        "renewal_failed": 2,
        "expiry_warning": 3,
        "auto_renew_off": 0,
        "blocked": 1,
        "unblocked": 0,
    }
    for kind, count in expected.items():
        sent = mails_to(stage, ref, kind)
        stage.expect(sent == count, f"{count} mails {kind} (there were {sent})")
