"""The keys and secrets of the sandbox: random, made once, and kept in a file for its owner only."""

from __future__ import annotations

import os
import random
import secrets
from pathlib import Path

import msgspec

_FILE = "sandbox-credentials.json"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a developer would find in the two providers' dashboards."""

    stripe_api_key: str
    stripe_webhook_secret: str
    paypal_client_id: str
    paypal_client_secret: str
    paypal_webhook_id: str

    @classmethod
    def make(cls, seed: int | None = None) -> Credentials:
        """New ones; always the same for the same seed."""
        # With a seed nothing is secret, and nothing is meant to be: it makes a test repeatable.
        dice: random.Random = secrets.SystemRandom() if seed is None else random.Random(seed)

        def letters(length: int, alphabet: str = _ALPHABET) -> str:
            return "".join(dice.choices(alphabet, k=length))

        return cls(
            stripe_api_key=f"sk_test_51{letters(97)}",
            stripe_webhook_secret=f"whsec_{letters(32)}",
            paypal_client_id=f"A{letters(79)}",
            paypal_client_secret=f"E{letters(79)}",
            paypal_webhook_id=letters(17, "ABCDEFGHJKLMNPRSTUVWXY0123456789"),
        )

    @classmethod
    def load_or_make(cls, directory: Path | None, seed: int | None = None) -> Credentials:
        """Those kept in ``directory``, made there at the first call; without one, new ones."""
        if directory is None:
            return cls.make(seed)
        path = directory / _FILE
        if path.exists():
            return msgspec.json.decode(path.read_bytes(), type=cls)
        made = cls.make(seed)
        directory.mkdir(parents=True, exist_ok=True)
        _write_private(path, msgspec.json.format(msgspec.json.encode(made)))
        return made

    def environment(self, base_url: str) -> dict[str, str]:
        """The settings with which Billhook uses the sandbox at ``base_url``."""
        return {
            "STRIPE_API_KEY": self.stripe_api_key,
            "STRIPE_WEBHOOK_SECRETS": self.stripe_webhook_secret,
            "PAYPAL_CLIENT_ID": self.paypal_client_id,
            "PAYPAL_CLIENT_SECRET": self.paypal_client_secret,
            "PAYPAL_WEBHOOK_IDS": self.paypal_webhook_id,
            "PAYPAL_MODE": "sandbox",
            "BILLHOOK_SANDBOX": base_url,
        }


def _write_private(path: Path, content: bytes) -> None:
    # Created with its final mode: there is no moment in which others can read it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
