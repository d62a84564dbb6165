"""What the contract suite must know of each provider: settings, a signer, and the shape of events.

A new provider adds itself to ``PARTICIPANTS``; everything else about it is read from its spec.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, settings

from domain import clock
from tests.contract import shapes
from tests.contract.acme.verify import HEADER, sign
from webhooks.providers import Provider, registry, specs
from webhooks.providers.provider import Delivery, ProviderSpec
from webhooks.sandbox import paypal_signature, stripe_signature
from webhooks.sandbox.paypal_events import authority_of, certificate_url
from webhooks.sandbox.world import World

ROOT: Final = Path(__file__).parents[2]
EXTRA: Final = {"BILLHOOK_PROVIDERS": "tests.contract.acme"}
SPECS: Final = {spec.name: spec for spec in specs(EXTRA)}
ACME_SECRET: Final = "acme_secret_of_the_suite"

Document = shapes.Document
Signer = Callable[[World, bytes], Mapping[str, str]]
Wrapper = Callable[[str, Document], Document]


class Participant(msgspec.Struct, frozen=True):
    """``needed``: every setting without which it cannot be switched on; ``public``: those of
    them that are no secrets."""

    needed: tuple[str, ...]
    public: tuple[str, ...]
    sign: Signer
    wrap: Wrapper
    thing: Document
    """An object with every field that the translator may look for."""
    states: tuple[str, ...]
    """Values of its state or status."""


def _sign_stripe(world: World, body: bytes) -> Mapping[str, str]:
    secret = world.credentials.stripe_webhook_secret
    return {"stripe-signature": stripe_signature.sign(secret, body, clock.now())}


def _sign_paypal(world: World, body: bytes) -> Mapping[str, str]:
    webhook_id = world.credentials.paypal_webhook_id
    signed = paypal_signature.sign(
        authority_of(world), webhook_id, body, clock.now(), certificate_url(world)
    )
    return {name.lower(): value for name, value in signed.items()}


def _sign_acme(_world: World, body: bytes) -> Mapping[str, str]:
    stamp = str(int(clock.now().timestamp()))
    return {HEADER: f"{stamp}.{sign(ACME_SECRET, stamp, body)}"}


PARTICIPANTS: Final = {
    "stripe": Participant(
        needed=("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS"),
        public=(),
        sign=_sign_stripe,
        wrap=lambda kind, thing: {
            "id": "evt_1",
            "object": "event",
            "type": kind,
            "livemode": False,
            "data": {"object": thing, "previous_attributes": thing},
        },
        thing=shapes.STRIPE,
        states=("succeeded", "active", "past_due", "canceled", "lost", "won", "complete", "open"),
    ),
    "paypal": Participant(
        needed=("PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_WEBHOOK_IDS"),
        public=("PAYPAL_CLIENT_ID", "PAYPAL_WEBHOOK_IDS"),
        sign=_sign_paypal,
        wrap=lambda kind, thing: {"id": "WH-1", "event_type": kind, "resource": thing},
        thing=shapes.PAYPAL,
        states=("COMPLETED", "PENDING", "DECLINED", "ACTIVE", "SUSPENDED", "RESOLVED", "refunded"),
    ),
    "acme": Participant(
        needed=("ACME_API_KEY", "ACME_WEBHOOK_SECRETS", "ACME_LEDGER"),
        public=("ACME_LEDGER",),
        sign=_sign_acme,
        wrap=lambda kind, thing: {"id": "acme_event_1", "type": kind, "at": 1, "data": thing},
        thing=shapes.ACME,
        states=("completed", "pending", "failed"),
    ),
}


NAMES: Final = sorted(SPECS)
every = pytest.mark.parametrize("name", NAMES)
loose = pytest.mark.xfail(strict=False, reason="acme takes ids of any kind and any letters")
besides = pytest.mark.parametrize("name", ["paypal", "stripe", pytest.param("acme", marks=loose)])
quick = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def settings_of(world: World) -> dict[str, str]:
    """Settings that switch every provider on, played by ``world``."""
    acme = {
        "ACME_API_KEY": "acme_key_of_the_suite",
        "ACME_WEBHOOK_SECRETS": ACME_SECRET,
        "ACME_LEDGER": "suite",
    }
    return {**EXTRA, **acme, **world.environment()}


def provider_of(name: str, world: World) -> Provider:
    """A provider as a fresh process has it."""
    return registry(settings_of(world), world.base_url)[name]


def own_settings(spec: ProviderSpec, world: World) -> dict[str, str]:
    """Those of ``settings_of`` that are the provider's own."""
    given = settings_of(world).items()
    return {name: value for name, value in given if name.startswith(spec.prefix)}


def delivery_of(name: str, world: World, body: bytes, **changes: str) -> Delivery:
    """An authentic delivery of a body, with changes to its headers."""
    headers = {**PARTICIPANTS[name].sign(world, body), **changes}
    return Delivery(headers=headers, body=body, received_at=clock.now())


@cache
def words_of(name: str) -> tuple[str, ...]:
    """Every word that the provider's code knows: the keys and values that it looks for."""
    package = SPECS[name].translator.partition(":")[0].rpartition(".")[0]
    folder = ROOT / package.replace(".", "/")
    found = {
        node.value
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return tuple(sorted(word for word in found if re.fullmatch(r"[A-Za-z][\w-]{1,30}", word)))
