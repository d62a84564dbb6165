"""The cards of the sandbox: Stripe's test payment methods and how each of them behaves.

Source: https://docs.stripe.com/testing and https://docs.stripe.com/declines/codes.
"""

from __future__ import annotations

import hashlib

import msgspec

from webhooks.sandbox.state import Document

SUCCEEDS = "succeeds"
AUTHENTICATES = "authenticates"
DELAYED = "delayed"
"""Behaviours; any other one is the code of a decline."""

_OWN_CODE = {
    "authentication_required",
    "expired_card",
    "incorrect_cvc",
    "incorrect_number",
    "processing_error",
}

_MESSAGES = {
    "authentication_required": (
        "Your card was declined. This transaction requires authentication."
    ),
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "insufficient_funds": "Your card has insufficient funds.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


class Card(msgspec.Struct, frozen=True):
    """A test card."""

    brand: str
    last4: str
    behaviour: str = SUCCEEDS


CARDS = {
    "pm_card_visa": Card("visa", "4242"),
    "pm_card_visa_debit": Card("visa", "5556"),
    "pm_card_mastercard": Card("mastercard", "4444"),
    "pm_card_amex": Card("amex", "0005"),
    "pm_card_discover": Card("discover", "1117"),
    "pm_card_diners": Card("diners", "0004"),
    "pm_card_jcb": Card("jcb", "0505"),
    "pm_card_unionpay": Card("unionpay", "0005"),
    "pm_card_chargeDeclined": Card("visa", "0002", "generic_decline"),
    "pm_card_visa_chargeDeclined": Card("visa", "0002", "generic_decline"),
    "pm_card_chargeCustomerFail": Card("visa", "0341", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": Card("visa", "9995", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Card("visa", "9995", "insufficient_funds"),
    "pm_card_chargeDeclinedLostCard": Card("visa", "9987", "lost_card"),
    "pm_card_visa_chargeDeclinedLostCard": Card("visa", "9987", "lost_card"),
    "pm_card_chargeDeclinedStolenCard": Card("visa", "9979", "stolen_card"),
    "pm_card_visa_chargeDeclinedStolenCard": Card("visa", "9979", "stolen_card"),
    "pm_card_chargeDeclinedFraudulent": Card("visa", "0019", "fraudulent"),
    "pm_card_chargeDeclinedExpiredCard": Card("visa", "0069", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": Card("visa", "0127", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": Card("visa", "0119", "processing_error"),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": Card(
        "visa", "6975", "card_velocity_exceeded"
    ),
    "pm_card_authenticationRequired": Card("visa", "3184", AUTHENTICATES),
    "pm_card_threeDSecure2Required": Card("visa", "3220", AUTHENTICATES),
}

_PLAIN_NAMES = {
    "visa": "pm_card_visa",
    "mastercard": "pm_card_mastercard",
    "amex": "pm_card_amex",
    "discover": "pm_card_discover",
    "declined": "pm_card_chargeDeclined",
    "insufficient_funds": "pm_card_chargeDeclinedInsufficientFunds",
    "lost_card": "pm_card_chargeDeclinedLostCard",
    "expired_card": "pm_card_chargeDeclinedExpiredCard",
    "authentication_required": "pm_card_authenticationRequired",
}


class Decline(msgspec.Struct, frozen=True):
    """Why a charge was refused, as Stripe reports it."""

    code: str
    decline_code: str | None
    message: str
    reason: str


def card_named(name: str) -> Card | None:
    """The card of a test payment method (``pm_card_visa``), or None."""
    return CARDS.get(name)


def card_called(name: str) -> Card:
    """The card that a person means by ``visa``, ``declined``, ``lost_card`` or ``pm_card_…``; any
    other word is a Visa that is refused with that code."""
    return CARDS.get(_PLAIN_NAMES.get(name, name)) or Card("visa", "0002", name)


def decline(code: str) -> Decline:
    """The decline of that code."""
    message = _MESSAGES.get(code, "Your card was declined.")
    if code == "authentication_required":
        return Decline(code, code, message, code)
    if code in _OWN_CODE:
        return Decline(code, None, message, code)
    return Decline("card_declined", code, message, code)


def refusal(behaviour: str, *, off_session: bool) -> Decline | None:
    """What stands against a charge on a method of this behaviour; None: nothing."""
    if behaviour in (SUCCEEDS, DELAYED):
        return None
    if behaviour == AUTHENTICATES:
        return decline("authentication_required") if off_session else None
    return decline(behaviour)


def card_details(card: Card) -> Document:
    """The ``card`` table of a payment method."""
    digest = hashlib.sha256(f"{card.brand}{card.last4}".encode()).hexdigest()
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "display_brand": card.brand,
        "exp_month": 8,
        "exp_year": 2034,
        "fingerprint": digest[:16],
        "funding": "debit" if card.last4 == "5556" else "credit",
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def sepa_details() -> Document:
    """The ``sepa_debit`` table of a bank account, the method whose money comes later."""
    return {
        "bank_code": "37040044",
        "branch_code": "",
        "country": "DE",
        "fingerprint": "Ih3foEnRvLXShyfB",
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": "3000",
    }
