"""Stripe's settings: read from the environment once, checked so that a mistake stops the start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final
from urllib.parse import urlsplit

import msgspec

from domain.errors import Misconfigured

WEBHOOK_SECRETS: Final = "STRIPE_WEBHOOK_SECRETS"
API_KEY: Final = "STRIPE_API_KEY"
API_BASE: Final = "STRIPE_API_BASE"
KNOWN: Final = (WEBHOOK_SECRETS, API_KEY, API_BASE)

STRIPE_API: Final = "https://api.stripe.com"
SIGNING_PREFIX: Final = "whsec_"
KEY_PREFIXES: Final = ("sk_", "rk_")
LIVE_KEY_PREFIXES: Final = ("sk_live_", "rk_live_")
"""Secret and restricted keys: https://docs.stripe.com/keys"""


class StripeConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """What this installation needs to talk with Stripe. Its text form shows no secret."""

    webhook_secrets: tuple[str, ...]
    """One, or two while a secret is being rolled; the whole text is the key."""
    api_key: str
    api_base: str
    livemode: bool
    """Whether events are of real money; events of the other kind are ignored."""

    def secrets(self) -> tuple[str, ...]:
        """Values that must appear in no log, error or metric."""
        return (*self.webhook_secrets, self.api_key)

    def __repr__(self) -> str:
        mode = "live" if self.livemode else "test"
        count = len(self.webhook_secrets)
        return f"StripeConfiguration({mode} mode, {count} webhook secrets, {self.api_base})"


def configure(environ: Mapping[str, str], sandbox: str | None) -> StripeConfiguration | None:
    """Read Stripe's settings; None when there are none.

    An empty variable counts as absent. Raises ``Misconfigured`` naming the variable, never its
    value, when something is missing, wrong, or unknown under Stripe's prefix.
    """
    present = {k: v for k, v in environ.items() if k.startswith("STRIPE_") and v.strip()}
    if not present:
        return None
    _refuse_unknown(present)
    api_key = _api_key(present.get(API_KEY))
    livemode = api_key.startswith(LIVE_KEY_PREFIXES)
    if livemode and sandbox:
        raise Misconfigured(
            f"{API_KEY} is a live key, but BILLHOOK_SANDBOX is set: unset BILLHOOK_SANDBOX, "
            "or use a test key"
        )
    return StripeConfiguration(
        webhook_secrets=_webhook_secrets(present.get(WEBHOOK_SECRETS)),
        api_key=api_key,
        api_base=_api_base(present.get(API_BASE), sandbox, livemode=livemode),
        livemode=livemode,
    )


def _refuse_unknown(names: Iterable[str]) -> None:
    for name in names:
        if name not in KNOWN:
            nearest = get_close_matches(name, KNOWN, n=1, cutoff=0.0)[0]
            raise Misconfigured(
                f"{name} is not a setting of Billhook; did you mean {nearest}? "
                f"Stripe's settings are {', '.join(KNOWN)}"
            )


def _api_key(value: str | None) -> str:
    if value is None:
        raise Misconfigured(f"{API_KEY} is missing: Stripe is switched on by its other settings")
    if _has_space(value):
        raise Misconfigured(
            f"{API_KEY} has white space or invisible characters in or around it: remove them"
        )
    if value.startswith("pk_"):
        raise Misconfigured(
            f"{API_KEY} is a publishable key (pk_…): use a secret (sk_…) or restricted (rk_…) key"
        )
    if not value.startswith(KEY_PREFIXES):
        raise Misconfigured(f"{API_KEY} must begin with sk_ or rk_")
    return value


def _webhook_secrets(value: str | None) -> tuple[str, ...]:
    if value is None:
        raise Misconfigured(
            f"{WEBHOOK_SECRETS} is missing: copy the signing secret (whsec_…) of the endpoint "
            "from Stripe's dashboard; verification cannot be switched off"
        )
    secrets = tuple(value.split(","))
    for position, secret in enumerate(secrets, start=1):
        if fault := _fault_of(secret):
            raise Misconfigured(f"{WEBHOOK_SECRETS}: secret {position} of {len(secrets)} {fault}")
    return secrets


def _fault_of(secret: str) -> str | None:
    """What is wrong with a signing secret, in words that do not repeat it."""
    if not secret.strip():
        return "is empty: remove the comma that is too much"
    # A stray line break changes the key of the HMAC, and then every delivery looks forged.
    if _has_space(secret):
        return "has white space or invisible characters in or around it: remove them"
    if not secret.startswith(SIGNING_PREFIX) or secret == SIGNING_PREFIX:
        return f"is no signing secret: it must begin with {SIGNING_PREFIX} and go on after it"
    if not secret.isascii():
        return "has characters that no signing secret has: copy it again"
    return None


def _has_space(value: str) -> bool:
    return any(character.isspace() or not character.isprintable() for character in value)


def _api_base(value: str | None, sandbox: str | None, *, livemode: bool) -> str:
    if value is None:
        return f"{sandbox.rstrip('/')}/stripe" if sandbox else STRIPE_API
    base = value.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname or _has_space(base):
        raise Misconfigured(f"{API_BASE} must be an http or https URL, for example {STRIPE_API}")
    if livemode and parts.scheme != "https":
        raise Misconfigured(f"{API_BASE} must be https: a live key would travel in clear text")
    return base
