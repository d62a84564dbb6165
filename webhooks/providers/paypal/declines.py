"""PayPal's reasons for refusing money, and whether another try with the same method can help.

Issues of the Orders API: https://developer.paypal.com/api/rest/reference/orders/v2/errors/;
processor response codes: https://developer.paypal.com/docs/checkout/advanced/card-decline-errors/;
reasons of failed subscription payments:
https://developer.paypal.com/docs/api/subscriptions/v1/#definition-failed_payment_details
"""

from __future__ import annotations

from typing import Final

from domain.facts import Decline, DeclineKind

ISSUES: Final[dict[str, DeclineKind]] = {
    # The permission to charge is gone, or the payer's account is: only a new method helps.
    "AGREEMENT_ALREADY_CANCELLED": "hard",
    "BILLING_AGREEMENT_NOT_FOUND": "hard",
    "CARD_CLOSED": "hard",
    "CARD_EXPIRED": "hard",
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": "hard",
    "PAYER_ACCOUNT_RESTRICTED": "hard",
    "PAYMENT_SOURCE_CANNOT_BE_USED": "hard",
    "REFERENCED_CARD_EXPIRED": "hard",
    "TOKEN_ID_NOT_FOUND": "hard",
    # PayPal or our own fraud settings refuse this payer.
    "COMPLIANCE_VIOLATION": "hard",
    "PAYEE_BLOCKED_TRANSACTION": "hard",
    "TRANSACTION_BLOCKED_BY_PAYEE": "hard",
    # The payer has to do something on PayPal's pages; alone, trying again will not help.
    "PAYER_ACTION_REQUIRED": "hard",
    "PAYER_CONSENT_REQUIRED": "hard",
    # Money, limits and the mood of a bank change from day to day.
    "CURRENCY_MISMATCH": "soft",
    "DECLINED_DUE_TO_RELATED_TXN": "soft",
    "INSTRUMENT_DECLINED": "soft",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": "soft",
    "PAYER_CANNOT_PAY": "soft",
    "PAYMENT_DENIED": "soft",
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": "soft",
    "SENDING_LIMIT_EXCEEDED": "soft",
    "TRANSACTION_LIMIT_EXCEEDED": "soft",
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": "soft",
    "TRANSACTION_REFUSED": "soft",
}
"""Refusals of a payment, as opposed to mistakes in how we asked for one."""

PROCESSOR_CODES: Final[dict[str, DeclineKind]] = {
    "0390": "hard",  # account not found
    "0500": "soft",  # do not honor
    "0580": "hard",  # unauthorized transaction
    "0R00": "hard",  # the payer stopped the payments
    "1330": "hard",  # invalid account
    "1335": "hard",  # invalid account for recurring payments
    "1352": "hard",  # account restricted or inactive
    "5100": "soft",  # generic decline
    "5120": "soft",  # insufficient funds
    "5140": "hard",  # card closed
    "5150": "hard",  # pick up card
    "5180": "hard",  # invalid or restricted card
    "5400": "hard",  # expired card
    "5650": "hard",  # strong authentication required
    "5700": "hard",  # transaction not permitted
    "5710": "soft",  # too many attempts
    "5910": "hard",  # issuer not available, not to be retried
    "5920": "soft",  # issuer not available
    "5930": "hard",  # card not activated
    "5950": "hard",  # account was updated
    "6300": "hard",  # account not on file
    "8000": "soft",  # processor failed
    "8110": "soft",  # communication failed
    "8220": "soft",  # system unavailable
    "9100": "soft",  # declined, please retry
    "9500": "hard",  # suspected fraud
    "9510": "hard",  # security violation
    "9520": "hard",  # lost or stolen
    "9540": "hard",  # refused card
    "PP06": "hard",  # account closed
    "PPAB": "hard",  # account blocked by issuer
    "PPDT": "soft",  # too many declines
    "PPEF": "hard",  # expired funding instrument
    "PPEL": "soft",  # too frequent
    "PPER": "soft",  # internal error
    "PPFI": "hard",  # invalid funding instrument
    "PPFR": "hard",  # restricted funding instrument
    "PPNT": "soft",  # network error
    "PPRN": "hard",  # another attempt is not permitted
}

_KINDS: Final = {**ISSUES, **PROCESSOR_CODES}


def decline(code: str | None, message: str | None = None) -> Decline:
    """The reason with PayPal's own code. An unknown one is soft: trying once more does less harm
    than giving a customer up (BILLING 5)."""
    return Decline(
        code=code or "unknown", kind=_KINDS.get(code or "", "soft"), message=message or None
    )
