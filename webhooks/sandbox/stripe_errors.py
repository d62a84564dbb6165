"""Errors as Stripe words them (https://docs.stripe.com/api/errors)."""

from __future__ import annotations

from typing import Any

from webhooks.sandbox.state import Document


class StripeError(Exception):
    """An error answer. ``kept`` tells whether it is stored under the idempotency key: what was
    refused before the work began is not (https://docs.stripe.com/api/idempotent_requests)."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        family: str = "invalid_request_error",
        kept: bool = True,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = family
        self.kept = kept
        self.details = {name: value for name, value in details.items() if value is not None}

    def body(self) -> Document:
        """The answer's body."""
        return {"error": {"type": self.type, "message": str(self), **self.details}}


def missing(param: str) -> StripeError:
    """A parameter that must be there is not."""
    message = f"Missing required param: {param}."
    return StripeError(message, code="parameter_missing", param=param, kept=False)


def invalid(param: str, message: str, code: str | None = None) -> StripeError:
    """A parameter holds what it may not hold."""
    return StripeError(message, code=code, param=param, kept=False)


def no_such(what: str, key: str, param: str = "id") -> StripeError:
    """An object that is not there."""
    message = f"No such {what}: '{key}'"
    return StripeError(message, status=404, code="resource_missing", param=param)


def unexpected_state(code: str, message: str, **details: Any) -> StripeError:
    """An object is in no state for what was asked."""
    return StripeError(message, code=code, **details)


def card_error(problem: Document, intent: Document | None = None) -> StripeError:
    """A refused charge; ``problem`` is the intent's ``last_payment_error``."""
    details = {
        name: problem[name]
        for name in ("code", "decline_code", "charge", "payment_method")
        if problem.get(name)
    }
    if intent is not None:
        details[str(intent["object"])] = intent
    return StripeError(problem["message"], status=402, family="card_error", **details)


def failure(status: int) -> Document:
    """The body of a fault on demand: 429, 400 or 500."""
    if status == 429:
        message = "Request rate limit exceeded."
        problem = StripeError(message, code="rate_limit", kept=False)
    elif status == 400:
        problem = StripeError("This request is refused, as it was asked for.", kept=False)
    else:
        problem = StripeError("An error occurred on Stripe's side.", family="api_error", kept=False)
    return problem.body()
