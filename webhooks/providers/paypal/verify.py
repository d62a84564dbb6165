"""Whether a delivery is from PayPal, and which event it carries.

https://developer.paypal.com/api/rest/webhooks/rest/#link-verifyownsignature
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from webhooks.providers.paypal.certificates import Certificates
from webhooks.providers.paypal.chain import Untrusted
from webhooks.providers.paypal.documents import instant
from webhooks.providers.paypal.downloads import Unavailable
from webhooks.providers.paypal.settings import PayPalSettings
from webhooks.providers.paypal.sources import CertificateSource, source_of
from webhooks.providers.provider import Delivery, Identity, Verdict

ALGORITHM: Final = "SHA256withRSA"
"""The only one PayPal was ever seen to use. Taking the algorithm from the header would let the
sender choose a weak one."""

MAX_AGE: Final = timedelta(days=3, hours=6)
"""PayPal retries for 3 days, each time with a new signature; an older one is a replay, against
which a CRC-32 is no protection."""

MAX_AHEAD: Final = timedelta(minutes=5)

_TRANSMISSION_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_TEXT_LIMIT: Final = 255
_SIGNATURE_LIMIT: Final = 1024


class _Refused(Exception):
    """The delivery is not from PayPal; the message says why."""


class Transmission(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers of one delivery say, checked for form. ``sent`` is the time as written,
    because the signature covers it so."""

    id: str
    sent: str
    signature: bytes
    cert_url: str
    source: CertificateSource


class PayPalVerifier:
    """Judges deliveries with PayPal's certificates. Safe to share between threads."""

    def __init__(self, settings: PayPalSettings, certificates: Certificates | None = None) -> None:
        self._webhook_ids = settings.webhook_ids
        self._sources = settings.cert_sources
        self._certificates = certificates or Certificates(settings)

    def needs_network(self, delivery: Delivery) -> bool:
        """Whether a certificate has to be fetched; never for what would be refused anyway."""
        try:
            transmission = self._transmission(delivery)
        except _Refused:
            return False
        return not self._certificates.settled(transmission.cert_url)

    def verify(self, delivery: Delivery) -> Verdict:
        """Judge a delivery at its arrival time. ``unknown`` when its certificate cannot be had."""
        try:
            transmission = self._transmission(delivery)
            key = self._certificates.key(
                transmission.cert_url, transmission.source, delivery.received_at
            )
            signer = self._signer(key, transmission, delivery.body)
        except (_Refused, Untrusted) as error:
            return Verdict(status="forged", reason=str(error))
        except Unavailable as error:
            return Verdict(status="unknown", reason=str(error), delivery_key=transmission.id)
        return Verdict(status="authentic", signer=signer, delivery_key=transmission.id)

    def trusted_until(self) -> datetime | None:
        """Until when the certificate that verified last holds, with all above it."""
        return self._certificates.trusted_until

    def identify(self, body: bytes) -> Identity:
        """Read id and type from an authentic body; what cannot be read is ``malformed``."""
        return identify(body)

    def _transmission(self, delivery: Delivery) -> Transmission:
        headers = delivery.headers
        if _header(headers, "paypal-auth-algo") != ALGORITHM:
            raise _Refused(f"PAYPAL-AUTH-ALGO is not {ALGORITHM}")
        transmission_id = _header(headers, "paypal-transmission-id")
        if not _TRANSMISSION_ID.fullmatch(transmission_id):
            raise _Refused("PAYPAL-TRANSMISSION-ID is not an id")
        sent = _header(headers, "paypal-transmission-time")
        _require_recent(sent, delivery.received_at)
        cert_url = _header(headers, "paypal-cert-url")
        source = source_of(cert_url, self._sources)
        if source is None:
            raise _Refused("PAYPAL-CERT-URL is not one of PayPal's addresses for certificates")
        signature = _signature(_header(headers, "paypal-transmission-sig"))
        return Transmission(
            id=transmission_id, sent=sent, signature=signature, cert_url=cert_url, source=source
        )

    def _signer(self, key: RSAPublicKey, transmission: Transmission, body: bytes) -> str:
        for position, message in enumerate(self._messages(transmission, body), start=1):
            try:
                key.verify(transmission.signature, message, PKCS1v15(), SHA256())
            except InvalidSignature:
                continue
            return f"webhook id {position} of {len(self._webhook_ids)}"
        raise _Refused(
            "the signature does not match: the body was changed, or it was signed for a webhook "
            "id that PAYPAL_WEBHOOK_IDS does not name"
        )

    def _messages(self, transmission: Transmission, body: bytes) -> Iterator[bytes]:
        checksum = zlib.crc32(body)
        for webhook_id in self._webhook_ids:
            yield f"{transmission.id}|{transmission.sent}|{webhook_id}|{checksum}".encode()


def verifier(settings: PayPalSettings) -> PayPalVerifier:
    """The verifier for these settings."""
    return PayPalVerifier(settings)


def identify(body: bytes) -> Identity:
    """Read id, type and creation time from a body. Never raises.

    PayPal's simulator writes impossible dates; one that cannot be read is left out.
    """
    try:
        head = msgspec.json.decode(body, type=_Head)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        head = None
    if head is None or not (_is_plain(head.id) and _is_plain(head.event_type)):
        digest = hashlib.sha256(body).hexdigest()
        return Identity(event_id=f"malformed-{digest[:32]}", event_type="malformed", malformed=True)
    return Identity(
        event_id=head.id, event_type=head.event_type, created_at=instant(head.create_time)
    )


class _Head(msgspec.Struct):
    """The part of an event that tells which one it is."""

    id: str
    event_type: str
    create_time: Any = None


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= _TEXT_LIMIT and text.isprintable()


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise _Refused(f"the header {name.upper()} is missing")
    return value


def _require_recent(sent: str, arrival: datetime) -> None:
    if not _TIME.fullmatch(sent):
        raise _Refused("PAYPAL-TRANSMISSION-TIME is not a time in UTC")
    try:
        age = arrival - datetime.fromisoformat(sent).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Refused("PAYPAL-TRANSMISSION-TIME is not a time in UTC") from None
    if age > MAX_AGE:
        raise _Refused("the transmission is older than the 3 days in which PayPal retries")
    if age < -MAX_AHEAD:
        raise _Refused("the transmission time lies in the future")


def _signature(text: str) -> bytes:
    if len(text) > _SIGNATURE_LIMIT:
        raise _Refused("PAYPAL-TRANSMISSION-SIG is longer than any signature")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _Refused("PAYPAL-TRANSMISSION-SIG is not base64") from None
