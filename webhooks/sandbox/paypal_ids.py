"""Ids that look like PayPal's; the same in every run of a world with a seed."""

from __future__ import annotations

from typing import Final

from webhooks.sandbox.world import World

_CAPITALS: Final = "0123456789ABCDEFGHJKLMNPRSTUVWXY"
_SMALL: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_DIGITS: Final = "0123456789"


def transaction_id(world: World) -> str:
    """Of an order, a capture, a sale, a refund, an authorization: 17 capitals and digits."""
    return world.store.letters(17, _CAPITALS)


def event_id(world: World) -> str:
    """``WH-…-…``."""
    letters = world.store.letters(34, _CAPITALS)
    return f"WH-{letters[:17]}-{letters[17:]}"


def subscription_id(world: World) -> str:
    """``I-…``."""
    return f"I-{world.store.letters(12, _CAPITALS)}"


def plan_id(world: World) -> str:
    """``P-…``."""
    return f"P-{world.store.letters(24, _CAPITALS)}"


def parent_payment_id(world: World) -> str:
    """``PAY-…``, the v1 payment that a capture belongs to."""
    return f"PAY-{world.store.letters(24, _CAPITALS)}"


def dispute_id(world: World) -> str:
    """``PP-D-…``."""
    return f"PP-D-{world.store.letters(5, _DIGITS)}"


def token_id(world: World) -> str:
    """Of a vaulted payment method: 8 small letters and digits."""
    return world.store.letters(8, _SMALL)


def customer_id(world: World) -> str:
    """Of the owner of vaulted payment methods: 10 digits."""
    return world.store.letters(10, _DIGITS)


def payer_id(world: World) -> str:
    """Of a buyer's PayPal account: 13 capitals and digits."""
    return world.store.letters(13, _CAPITALS)
