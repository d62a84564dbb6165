"""Auto-renew and expiry: what recovers, what ends, and the way back."""

from __future__ import annotations

from datetime import timedelta

from workers.stories.characters import (
    buys,
    card_turns,
    changes,
    end_of,
    enters_card,
    switches_renewal,
)
from workers.stories.stage import Stage


def renewal_that_recovers(stage: Stage) -> None:
    """The card has no funds at first; a retry two days after the end succeeds, without a gap."""
    account = buys(stage, "rosa", agents=2)
    end = end_of(account)
    card_turns(stage, "rosa", "insufficient_funds")
    stage.tell("Rosa's month ends; a day before, her card is charged and has no funds.")
    stage.travel(end - timedelta(hours=23))
    stage.expect(stage.account("rosa")["subscription"]["state"] == "active", "still active")
    stage.travel(end + timedelta(minutes=1))
    subscription = stage.account("rosa")["subscription"]
    stage.expect(subscription["state"] == "past_due", "past due, with access")
    stage.tell("The second try at the end fails, too: past due, but Rosa keeps her access.")
    card_turns(stage, "rosa", "succeeds")
    stage.travel(end + timedelta(days=2, minutes=1))
    account = stage.account("rosa")
    subscription = account["subscription"]
    stage.expect(subscription["state"] == "active", "recovered")
    stage.expect(subscription["period_start"] == end.isoformat().replace("+00:00", "Z"), "no gap")
    stage.tell(f"Two days later it works: the period goes on until {subscription['period_end']}.")


def renewal_to_block(stage: Stage) -> None:
    """Every try fails: auto-renew goes off, and after the grace the account is blocked."""
    account = buys(stage, "boris", agents=1)
    end = end_of(account)
    card_turns(stage, "boris", "insufficient_funds")
    for moment in (-timedelta(hours=23), timedelta(0), timedelta(days=2)):
        stage.travel(end + moment + timedelta(minutes=1))
        stage.expect(stage.account("boris")["status"] == "active", "access during the retries")
    stage.tell("Three tries failed. The fourth, four days after the end, is the last.")
    stage.travel(end + timedelta(days=4, minutes=1))
    subscription = stage.account("boris")["subscription"]
    stage.expect(subscription["auto_renew_off_reason"] == "renewal_failed", "auto-renew is off")
    stage.travel(end + timedelta(days=5, minutes=1))
    account = stage.account("boris")
    stage.expect(account["status"] == "blocked", "blocked after the grace")
    stage.expect(account["blocked"]["reason"] == "subscription_expired", "for expiry")
    stage.tell("Auto-renew is off; after five days of grace the account is blocked.")


def hard_decline_and_new_card(stage: Stage) -> None:
    """A lost card is not charged again; a new one is tried at once."""
    account = buys(stage, "hana", agents=1)
    end = end_of(account)
    card_turns(stage, "hana", "lost_card")
    stage.travel(end - timedelta(hours=23))
    stage.tell("Hana's card is reported lost; the renewal is declined for good.")
    enters_card(stage, "hana", "mastercard")
    account = stage.account("hana")
    stage.expect(end_of(account) > end, "the new card was charged at once")
    stage.expect(account["payment_method"]["brand"] == "mastercard", "and is kept")
    stage.tell("She enters a new card, which is charged at once: renewed.")


def off_to_block_and_comeback(stage: Stage) -> None:
    """Auto-renew off: warnings, the block at the end, and a payment that lifts it."""
    account = buys(stage, "oskar", agents=1)
    end = end_of(account)
    switches_renewal(stage, "oskar", on=False)
    stage.tell("Oskar switches auto-renew off.")
    stage.travel(end - timedelta(days=2, hours=12))
    warnings = stage.account("oskar")["warnings"]
    stage.expect(len(warnings) == 1 and warnings[0]["days_left"] == 3, "the dashboard warns")
    stage.travel(end - timedelta(seconds=1))
    stage.expect(stage.account("oskar")["status"] == "active", "not blocked before the end")
    stage.travel(end + timedelta(seconds=50))
    account = stage.account("oskar")
    stage.expect(account["status"] == "blocked", "blocked within a minute after the end")
    stage.tell("Warned 7, 3 and 1 days before; at the end the account is blocked.")
    stage.wait(days=20)
    account = changes(stage, "oskar", agents=2)
    stage.expect(account["status"] == "active", "a payment unblocks at once")
    stage.expect(account["subscription"]["auto_renew"], "auto-renew is on again")
    stage.tell("Three weeks later Oskar pays and is back at once.")
