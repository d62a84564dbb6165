"""How PayPal signs its deliveries, and how its verify API reads them back.

The signature binds the body only through its CRC-32:
https://developer.paypal.com/api/rest/webhooks/rest/#link-verifyownsignature
"""

from __future__ import annotations

import base64
import json
import zlib
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from cryptography.exceptions import InvalidSignature

from webhooks.sandbox.authority import Authority

ALGORITHM: Final = "SHA256withRSA"
_SPACE: Final = " \t\n\r"


def sign(
    authority: Authority,
    webhook_id: str,
    body: bytes,
    at: datetime,
    cert_url: str,
    *,
    transmission_id: str | None = None,
) -> dict[str, str]:
    """Headers of one transmission of ``body`` at ``at``; every transmission gets a new id."""
    transmission = transmission_id or str(uuid4())
    time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = authority.sign(signed_message(transmission, time, webhook_id, body))
    return {
        "PAYPAL-TRANSMISSION-ID": transmission,
        "PAYPAL-TRANSMISSION-TIME": time,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
        "PAYPAL-CERT-URL": cert_url,
        "PAYPAL-AUTH-ALGO": ALGORITHM,
        "PAYPAL-AUTH-VERSION": "v2",
    }


def signed_message(transmission_id: str, time: str, webhook_id: str, body: bytes) -> bytes:
    """``id|time|webhook id|CRC-32``, the last as an unsigned decimal without padding."""
    return f"{transmission_id}|{time}|{webhook_id}|{zlib.crc32(body)}".encode()


def is_authentic(authority: Authority, fields: dict[str, str], body: bytes) -> bool:
    """Whether this authority signed ``body`` with these fields of a verify request."""
    if fields.get("auth_algo") != ALGORITHM:
        return False
    message = signed_message(
        fields["transmission_id"], fields["transmission_time"], fields["webhook_id"], body
    )
    try:
        signature = base64.b64decode(fields["transmission_sig"], validate=True)
        authority.verify(signature, message)
    except (ValueError, InvalidSignature):
        return False
    return True


def raw_member(document: bytes, name: str) -> bytes | None:
    """The bytes of a member's value exactly as they stand in a JSON object; the last one counts.

    The value is not re-serialised: ``1.0`` stays ``1.0``, spaces and escapes stay. None when there
    is no such member. Raises ValueError for what is not a JSON object.
    """
    text = document.decode()
    decoder = json.JSONDecoder()
    position, found = _skip(text, 0), None
    if text[position : position + 1] != "{":
        raise ValueError("not a JSON object")
    position = _skip(text, position + 1)
    while text[position : position + 1] == '"':
        key, position = decoder.raw_decode(text, position)
        start = _skip(text, _expect(text, position, ":"))
        _, end = decoder.raw_decode(text, start)
        found = text[start:end].encode() if key == name else found
        position = _skip(text, end)
        position = _skip(text, position + 1) if text[position : position + 1] == "," else position
    return found


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position


def _expect(text: str, position: int, mark: str) -> int:
    position = _skip(text, position)
    if text[position : position + 1] != mark:
        raise ValueError(f"{mark!r} expected at character {position}")
    return position + 1
