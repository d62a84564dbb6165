"""The rules about money: renewals, payments that fit nothing, disputes, and what goes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from domain.alert_rule import SEEN_TO, AlertRule

MONEY: Final = (
    AlertRule(
        name="renewals_failing",
        severity="critical",
        title="More renewals fail than usual",
        what="{failed} of {tried} renewals failed in the last 24 hours ({percent} %); usual are "
        "{usual} %.",
        hurts="The customers whose renewals fail; they lose access when the grace is over.",
        ends="watch",
        ends_when="When the share is as usual.",
        at_least=5,
        share=0.25,
        window=timedelta(hours=24),
    ),
    AlertRule(
        name="renewal_exhausted",
        severity="notice",
        title="A renewal was given up",
        what="All tries to renew account {account} failed; auto-renew is off.",
        hurts="Account {account}: it is blocked when the grace is over.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="misdirected_payment",
        severity="critical",
        title="Money came that activates nothing",
        what="{amount} of account {account} (payment {subject}) became credit: {reason}.",
        hurts="Account {account}: it paid {amount} and got nothing for it yet.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="two_subscriptions",
        severity="critical",
        title="An account is charged twice",
        what="Account {account} has more than one subscription that charges ({subject}).",
        hurts="Account {account}: it pays twice.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="subscription_silent",
        severity="warning",
        title="A provider does not say whether a subscription goes on",
        what="The period of {subject} ended at {end} and its provider reported no money; account "
        "{account} is blocked.",
        hurts="Account {account}: it has lost access, perhaps wrongly.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="card_brand_not_accepted",
        severity="notice",
        title="A card paid that is not accepted",
        what="Account {account} paid by a card of the brand {brand}; the money counts, the card is "
        "not kept.",
        hurts="Account {account}: its next renewal has no method to charge.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="means_not_accepted",
        severity="notice",
        title="Money came by means that are not accepted",
        what="Account {account} paid by {means}; the money counts, but it is not kept as a payment "
        "method.",
        hurts="Account {account}: its next renewal has no method to charge.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="fraud_warning",
        severity="warning",
        title="The provider warns of fraud",
        what="The provider takes payment {subject} of account {account} for fraud.",
        hurts="Us: a dispute is likely, with its fee. Refunding first avoids it.",
        ends="person",
        ends_when=SEEN_TO,
    ),
)

BACK: Final = (
    AlertRule(
        name="dispute_opened",
        severity="critical",
        title="A payment is disputed",
        what="{amount} of account {account} are disputed ({subject}).",
        hurts="Us, by {amount} and the fee; renewals of account {account} rest meanwhile.",
        ends="work",
        ends_when="When the dispute is closed.",
    ),
    AlertRule(
        name="dispute_lost",
        severity="warning",
        title="A dispute was lost",
        what="Dispute {subject} was lost; account {account} is blocked and its subscription ended.",
        hurts="Us, and account {account}.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="dispute_outcome_changed",
        severity="warning",
        title="A closed dispute got another outcome",
        what="Dispute {subject} of account {account} had an outcome and now another is reported; "
        "the first stands.",
        hurts="Account {account}: its books may say the wrong thing.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="refund_refused",
        severity="critical",
        title="A refund was refused",
        what="The provider refuses to give {amount} back to account {account} ({subject}).",
        hurts="Account {account}: it is owed {amount}.",
        ends="work",
        ends_when="When the money is on its way back.",
    ),
    AlertRule(
        name="refund_failed",
        severity="critical",
        title="A refund failed on its way",
        what="{amount} for account {account} did not arrive ({subject}).",
        hurts="Account {account}: it is owed {amount}.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="refund_undone",
        severity="critical",
        title="Refunded money came back to us",
        what="The credit note for {amount} of account {account} is out, and the money is with us "
        "again ({subject}).",
        hurts="Account {account}: it is owed {amount}. The books say it was paid.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="refund_of_spent_credit",
        severity="warning",
        title="Money went back that was spent as credit",
        what="{missing} of account {account} were given back after they had been spent "
        "({subject}).",
        hurts="Us, by {missing}.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="refund_without_end",
        severity="notice",
        title="A payment was refunded whole and its subscription goes on",
        what="Payment {subject} of account {account} was refunded whole; decide whether the "
        "subscription that it bought is to end.",
        hurts="Us: account {account} has access that nobody pays for.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="refunded_above_paid",
        severity="critical",
        title="More went back than was paid",
        what="{reported} are reported as given back of payment {subject} of account {account}, "
        "more than it was.",
        hurts="Us, by the difference.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="payment_reversed",
        severity="warning",
        title="A payment was taken back by the bank",
        what="The bank of account {account} took back {amount} of payment {subject}.",
        hurts="Us, by {amount}; the subscription goes on until somebody decides.",
        ends="person",
        ends_when=SEEN_TO,
    ),
)
