"""Why a payment was declined, in about ten plain reasons, whatever code a provider gave.

Codes are read by the words in them, so that a code nobody has seen yet still finds its reason;
numbers that processors hand through stand in a table. Nothing known: ``declined``.
"""

from __future__ import annotations

import re
from typing import Final

WORDS: Final = (
    ("no_saved_method", ("no_saved_method", "no_method", "no_payment_method")),
    ("insufficient_funds", ("insufficient",)),
    ("expired", ("expired",)),
    ("confirmation_needed", ("authentication", "3d_secure", "payer_action", "consent")),
    ("permission_gone", ("revocation", "agreement", "stop_payment", "mandate", "token_id")),
    ("limit_exceeded", ("limit", "velocity", "too_many", "max_number")),
    ("wrong_details", ("incorrect", "invalid", "not_found", "new_account_information")),
    (
        "unusable",
        (
            "lost",
            "stolen",
            "pickup",
            "restricted",
            "closed",
            "locked",
            "inactive",
            "cannot_be_used",
        ),
    ),
    ("not_supported", ("not_supported", "not_allowed", "unsupported", "currency")),
    (
        "temporary",
        ("processing", "try_again", "reenter", "not_available", "unavailable", "timeout"),
    ),
)
"""Reason → words, one of which stands in the code; the first that fits is taken."""

_NUMBERS: Final = {
    "insufficient_funds": ("51", "5120"),
    "expired": ("54", "5400", "ppef"),
    "confirmation_needed": ("1a", "5650"),
    "permission_gone": ("r0", "r1", "0r00"),
    "limit_exceeded": ("61", "65", "5710", "ppdt", "ppel"),
    "wrong_details": ("14", "0390", "1330", "5180", "5950", "6300", "ppfi"),
    "unusable": (
        *("04", "41", "43", "62", "1352", "5140", "5150", "5930", "9520", "9540"),
        *("pp06", "ppab", "ppfr"),
    ),
    "not_supported": ("57", "1335", "5700"),
    "temporary": ("91", "96", "5910", "5920", "8000", "8110", "8220", "9100", "pper", "ppnt"),
}
NUMBERS: Final = {number: reason for reason, group in _NUMBERS.items() for number in group}
"""Response codes of ISO 8583 and of card processors, in lower case → reason."""

FALLBACK: Final = "declined"
ALL: Final = (*(reason for reason, _ in WORDS), FALLBACK)
"""Every reason; each language says why and what to do."""


def plain(code: str | None) -> str:
    """The plain reason of a decline code: ``card_expired`` → ``expired``. A reason is its own."""
    text = re.sub(r"[^a-z0-9]+", "_", (code or "").lower()).strip("_")
    if text in ALL:
        return text
    if text in NUMBERS:
        return NUMBERS[text]
    return next((reason for reason, words in WORDS if _has(text, words)), FALLBACK)


def _has(code: str, words: tuple[str, ...]) -> bool:
    return any(re.search(rf"(^|_){word}", code) for word in words)
