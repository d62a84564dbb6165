"""Turns the errors of Stripe's library into those that say what the machine should do.

https://docs.stripe.com/error-handling
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import stripe

from domain.errors import BillhookError, Permanent, Transient, Unknown

_NOT_ALLOWED: Final = (stripe.AuthenticationError, stripe.PermissionError)
_MISSING: Final = "resource_missing"


@contextmanager
def failures_of(action: str, *, moves_money: bool = False) -> Iterator[None]:
    """Run a call; ``action`` completes the sentence "Stripe could not …".

    Raises ``Transient`` (nothing was done), ``Unknown`` (``moves_money``, and Stripe may have done
    it) or ``Permanent``. Stripe's message is left out where it can hold a part of the key.
    """
    try:
        yield
    except stripe.StripeError as error:
        raise _what_to_do(error, action, moves_money=moves_money) from error


def is_missing(error: stripe.InvalidRequestError) -> bool:
    """Whether an object that the call names does not exist."""
    return error.code == _MISSING


def _what_to_do(error: stripe.StripeError, action: str, *, moves_money: bool) -> BillhookError:
    unheard = Unknown if moves_money else Transient
    said = f"Stripe could not {action}: {error.user_message or type(error).__name__}"
    if isinstance(error, _NOT_ALLOWED):
        # Ours to repair, by another key or another right of it; nothing was done.
        return Transient(
            f"Stripe could not {action}: STRIPE_API_KEY is refused (HTTP {error.http_status}); "
            "check the key and its permissions"
        )
    if isinstance(error, stripe.RateLimitError):
        return Transient(said)
    if isinstance(error, stripe.APIConnectionError):
        return unheard(f"Stripe could not be reached to {action}, or did not answer in time")
    if isinstance(error, stripe.APIError):
        # 5xx, an answer that is no JSON, and 409: another request with the same key is under way.
        return unheard(f"{said} (HTTP {error.http_status})")
    if isinstance(error, stripe.IdempotencyError):
        return Permanent(f"{said}; the same key was used before for something else")
    return Permanent(said)
