"""The ``PAYPAL_…`` settings: read once at start-up, refused with the variable's name when wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from domain.errors import Misconfigured
from webhooks.providers.paypal.chain import TrustStore
from webhooks.providers.paypal.sources import (
    LIVE_NAME,
    SANDBOX_NAME,
    CertificateSource,
    live_sources,
    read_source,
    sandbox_sources,
)

PREFIX: Final = "PAYPAL_"
VARIABLES: Final = (
    "PAYPAL_WEBHOOK_IDS",
    "PAYPAL_CLIENT_ID",
    "PAYPAL_CLIENT_SECRET",
    "PAYPAL_MODE",
    "PAYPAL_API_BASE",
    "PAYPAL_CERT_SOURCES",
    "PAYPAL_TRUST_STORE",
)
API_BASES: Final = {
    "live": "https://api-m.paypal.com",
    "sandbox": "https://api-m.sandbox.paypal.com",
}
SIMULATOR_WEBHOOK_ID: Final = "WEBHOOK_ID"
"""PayPal's webhook simulator signs with this literal text in place of an endpoint's id."""

_WEBHOOK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class PayPalSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the PayPal provider needs to know. The trust store is the bundled one when neither
    ``trust_store`` (a PEM file) nor ``trust_url`` (the local sandbox's) is set."""

    webhook_ids: tuple[str, ...]
    client_id: str
    client_secret: str
    mode: str
    api_base: str
    cert_sources: tuple[CertificateSource, ...]
    trust_store: Path | None = None
    trust_url: str | None = None

    def secrets(self) -> tuple[str, ...]:
        """Values that must appear in no log, error or metric."""
        return (self.client_secret,)

    @property
    def livemode(self) -> bool:
        """Whether real money moves."""
        return self.mode == "live"

    def __repr__(self) -> str:
        return f"PayPalSettings(mode={self.mode!r}, api_base={self.api_base!r})"


def configure(environ: Mapping[str, str], sandbox: str | None = None) -> PayPalSettings | None:
    """Read the settings; None when there are none (PayPal is off).

    ``sandbox`` is the base URL of the local sandbox, which then plays API, certificates and trust
    store. Raises ``Misconfigured`` naming the variable that is missing, unknown or wrong.
    """
    given = {name: value.strip() for name, value in environ.items() if name.startswith(PREFIX)}
    given = {name: value for name, value in given.items() if value}
    _refuse_unknown(given)
    if not given:
        return None
    sandbox = sandbox.rstrip("/") if sandbox else None
    mode = _mode(given, sandbox)
    webhook_ids = _webhook_ids(given, mode)
    trust_store = _trust_store(given)
    return PayPalSettings(
        webhook_ids=webhook_ids,
        client_id=_required(given, "PAYPAL_CLIENT_ID"),
        client_secret=_required(given, "PAYPAL_CLIENT_SECRET"),
        mode=mode,
        api_base=_api_base(given, mode, sandbox),
        cert_sources=_cert_sources(given, mode, sandbox, webhook_ids),
        trust_store=trust_store,
        trust_url=f"{sandbox}/paypal/trust.pem" if sandbox and trust_store is None else None,
    )


def _refuse_unknown(given: Mapping[str, str]) -> None:
    for name in sorted(set(given) - set(VARIABLES)):
        close = difflib.get_close_matches(name, VARIABLES, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(VARIABLES)}"
        raise Misconfigured(f"{name} is not a setting of the PayPal provider{hint}")


def _required(given: Mapping[str, str], name: str) -> str:
    if name not in given:
        present = ", ".join(sorted(given))
        raise Misconfigured(
            f"{name} is missing: PayPal is switched on by {present}, and then it needs "
            "PAYPAL_WEBHOOK_IDS, PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET"
        )
    return given[name]


def _mode(given: Mapping[str, str], sandbox: str | None) -> str:
    mode = given.get("PAYPAL_MODE", "sandbox" if sandbox else "live")
    if mode not in API_BASES:
        raise Misconfigured(f"PAYPAL_MODE is {mode!r}; it can be live or sandbox")
    if sandbox and mode == "live":
        raise Misconfigured(
            "PAYPAL_MODE=live and BILLHOOK_SANDBOX exclude each other: the local sandbox plays "
            "PayPal's sandbox; remove one of the two"
        )
    return mode


def _webhook_ids(given: Mapping[str, str], mode: str) -> tuple[str, ...]:
    ids = _listed(_required(given, "PAYPAL_WEBHOOK_IDS"))
    for webhook_id in ids:
        if not _WEBHOOK_ID.fullmatch(webhook_id):
            raise Misconfigured(
                "PAYPAL_WEBHOOK_IDS: an id has letters and digits only, separated by commas; "
                f"{webhook_id!r} is none"
            )
    if SIMULATOR_WEBHOOK_ID in ids and mode == "live":
        raise Misconfigured(
            f"PAYPAL_WEBHOOK_IDS contains {SIMULATOR_WEBHOOK_ID!r}, with which PayPal's webhook "
            "simulator signs for anybody: in live mode everyone could send signed events; use the "
            "endpoint's own id, or PAYPAL_MODE=sandbox"
        )
    if not ids:
        raise Misconfigured("PAYPAL_WEBHOOK_IDS names no webhook id")
    return ids


def _api_base(given: Mapping[str, str], mode: str, sandbox: str | None) -> str:
    if sandbox is None:
        base = given.get("PAYPAL_API_BASE", API_BASES[mode]).rstrip("/")
        return _checked_base(base)
    base = given.get("PAYPAL_API_BASE", f"{sandbox}/paypal").rstrip("/")
    _inside_sandbox("PAYPAL_API_BASE", f"{base}/", sandbox)
    return base


def _checked_base(base: str) -> str:
    parts = urlsplit(base)
    extras = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme != "https" or not parts.hostname or extras:
        raise Misconfigured(f"PAYPAL_API_BASE is {base!r}; it must be like {API_BASES['live']}")
    return base


def _cert_sources(
    given: Mapping[str, str], mode: str, sandbox: str | None, webhook_ids: tuple[str, ...]
) -> tuple[CertificateSource, ...]:
    if "PAYPAL_CERT_SOURCES" in given:
        prefixes = _listed(given["PAYPAL_CERT_SOURCES"])
    elif sandbox is not None:
        prefixes = (f"{sandbox}/paypal/v1/notifications/certs/",)
    else:
        return _usual_sources(mode, webhook_ids)
    name = LIVE_NAME if mode == "live" else SANDBOX_NAME
    return tuple(_source(prefix, name, sandbox) for prefix in prefixes)


def _usual_sources(mode: str, webhook_ids: tuple[str, ...]) -> tuple[CertificateSource, ...]:
    """The simulator serves its certificate from the live hosts, whatever it simulates."""
    if mode == "live":
        return live_sources()
    simulated = SIMULATOR_WEBHOOK_ID in webhook_ids
    return (*sandbox_sources(), *(live_sources() if simulated else ()))


def _source(prefix: str, name: str, sandbox: str | None) -> CertificateSource:
    if sandbox is not None:
        _inside_sandbox("PAYPAL_CERT_SOURCES", prefix, sandbox)
    try:
        return read_source(prefix, name, plain_under=sandbox)
    except ValueError as error:
        raise Misconfigured(f"PAYPAL_CERT_SOURCES: {error}") from error


def _inside_sandbox(name: str, url: str, sandbox: str) -> None:
    if not url.startswith(f"{sandbox}/"):
        raise Misconfigured(
            f"{name} points to {url!r} while BILLHOOK_SANDBOX is {sandbox!r}: with a local sandbox "
            "everything of PayPal comes from there; remove one of the two"
        )


def _trust_store(given: Mapping[str, str]) -> Path | None:
    if "PAYPAL_TRUST_STORE" not in given:
        return None
    path = Path(given["PAYPAL_TRUST_STORE"])
    try:
        TrustStore.from_pem(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Misconfigured(f"PAYPAL_TRUST_STORE: {path} cannot be used: {error}") from error
    return path


def _listed(text: str) -> tuple[str, ...]:
    parts = (part.strip() for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))
