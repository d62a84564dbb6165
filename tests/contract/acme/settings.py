"""Acme's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from domain.errors import Misconfigured

NEEDED: Final = ("ACME_API_KEY", "ACME_WEBHOOK_SECRETS", "ACME_LEDGER")


class AcmeConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """``ledger`` names the in-process ledger that plays Acme."""

    api_key: str
    webhook_secrets: tuple[str, ...]
    ledger: str
    livemode: bool = False

    def secrets(self) -> tuple[str, ...]:
        """Values that must appear in no log, error or metric."""
        return (self.api_key, *self.webhook_secrets)

    def __repr__(self) -> str:
        return f"AcmeConfiguration({len(self.webhook_secrets)} webhook secrets, {self.ledger})"


def configure(environ: Mapping[str, str], sandbox: str | None) -> AcmeConfiguration | None:
    """Read the settings; None when there are none. Raises ``Misconfigured``."""
    values = {name: environ.get(name, "").strip() for name in NEEDED}
    if not any(values.values()):
        return None
    for name, value in values.items():
        if not value:
            raise Misconfigured(f"{name} is missing: Acme needs {', '.join(NEEDED)}")
    secrets = tuple(filter(None, map(str.strip, values["ACME_WEBHOOK_SECRETS"].split(","))))
    if not secrets:
        raise Misconfigured("ACME_WEBHOOK_SECRETS holds no secret")
    return AcmeConfiguration(
        api_key=values["ACME_API_KEY"], webhook_secrets=secrets, ledger=values["ACME_LEDGER"]
    )
