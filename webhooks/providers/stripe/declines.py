"""Why cards are declined: which of Stripe's codes make another try with the same card pointless.

The codes are described at https://docs.stripe.com/declines/codes; those after which Stripe's own
retries stop are at https://docs.stripe.com/billing/revenue-recovery/smart-retries
"""

from __future__ import annotations

from typing import Final

from domain.facts import Decline, DeclineKind
from webhooks.providers.stripe.shapes import Document, child, text

_STOPS_RETRIES: Final = (
    "authentication_required",
    "highest_risk_level",
    "incorrect_number",
    "lost_card",
    "pickup_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "stolen_card",
    "transaction_not_allowed",
)
_NEEDS_ANOTHER_CARD: Final = (
    "card_not_supported",
    "currency_not_supported",
    "expired_card",
    "invalid_account",
    "invalid_number",
    "new_account_information_available",
    "restricted_card",
    "stop_payment_order",
    "testmode_decline",
)
"""Here Stripe's own retries may go on, but the advice is another card or a call to the bank. When
the bank sends a new number or date by itself, that arrives as a new state of the method."""
_MAY_PASS: Final = (
    "approve_with_id",
    "call_issuer",
    "card_declined",
    "card_velocity_exceeded",
    "do_not_honor",
    "generic_decline",
    "insufficient_funds",
    "issuer_not_available",
    "processing_error",
    "reenter_transaction",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
)

DECLINES: Final[dict[str, DeclineKind]] = {
    **dict.fromkeys(_STOPS_RETRIES, "hard"),
    **dict.fromkeys(_NEEDS_ANOTHER_CARD, "hard"),
    **dict.fromkeys(_MAY_PASS, "soft"),
}
"""Stripe's code → whether another try can help. A code that is not here is soft."""

UNKNOWN: Final = "unknown"


def decline(code: str, message: str | None = None) -> Decline:
    """A decline by its code."""
    return Decline(code=code, kind=DECLINES.get(code, "soft"), message=message)


def decline_of(error: Document) -> Decline:
    """Read an error object: a PaymentIntent's ``last_payment_error`` or an API error.

    The bank's ``decline_code`` says more than ``code``, which is then ``card_declined``.
    """
    code = text(error, "decline_code") or text(error, "code") or UNKNOWN
    return decline(code, text(error, "message"))


def decline_of_charge(charge: Document) -> Decline:
    """Read a failed charge, which has the bank's code as the reason of its outcome."""
    outcome = child(charge, "outcome")
    code = text(outcome, "reason") or text(charge, "failure_code") or UNKNOWN
    return decline(code, text(charge, "failure_message"))
