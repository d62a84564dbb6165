"""Covers personal data in documents that are shown to people who need not see it."""

from __future__ import annotations

from typing import Any, Final

COVER: Final = "•••"
PERSONAL: Final = frozenset(
    {
        "account_number",
        "address",
        "address_line_1",
        "address_line_2",
        "billing",
        "billing_details",
        "birth_date",
        "customer_address",
        "customer_details",
        "customer_email",
        "customer_name",
        "customer_phone",
        "email",
        "email_address",
        "fingerprint",
        "first_name",
        "full_name",
        "given_name",
        "iban",
        "ip",
        "ip_address",
        "last4",
        "last_digits",
        "last_name",
        "line1",
        "line2",
        "name",
        "payer",
        "payer_email",
        "payer_id",
        "payer_name",
        "phone",
        "phone_number",
        "postal_code",
        "postcode",
        "receipt_email",
        "recipient",
        "shipping",
        "street",
        "surname",
        "tax_id",
        "to",
        "vat_number",
        "zip",
    }
)
"""Keys, in any spelling of theirs, under which somebody's data lie."""


def masked(value: Any) -> Any:
    """The document with everything personal covered, its shape unchanged.

    What lies under a personal key is covered leaf by leaf, so that one still sees what was there;
    nothing and truth values stay.
    """
    if isinstance(value, dict):
        return {key: _under(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return value


def of_history(details: dict[str, Any]) -> dict[str, Any]:
    """The details of a happening without what tells who the customer is: the saved method's name
    has digits of a card or an address at a wallet."""
    return {key: COVER if key == "method" else value for key, value in masked(details).items()}


def _under(key: str, value: Any) -> Any:
    return covered(value) if key.lower().replace("-", "_") in PERSONAL else masked(value)


def covered(value: Any) -> Any:
    """Every leaf covered."""
    if isinstance(value, dict):
        return {key: covered(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [covered(inner) for inner in value]
    return value if value is None or isinstance(value, bool) or value == "" else COVER
