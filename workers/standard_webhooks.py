"""Posts messages that are signed as in Standard Webhooks, to whoever wants to be told.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

import urllib3

from domain import clock
from domain.errors import Permanent, Transient
from webhooks import egress

TIMEOUT: Final = urllib3.Timeout(connect=3.05, read=15)
GONE: Final = 410


def post(
    who: str,
    url: str,
    secret: str,
    message_id: str,
    body: bytes,
    timeout: urllib3.Timeout = TIMEOUT,
) -> int:
    """Post one message and return the status, 2xx. ``who`` begins the sentence of an error.

    Raises ``Transient`` for anything but 2xx, and ``Permanent`` for 410.
    """
    timestamp = int(clock.now().timestamp())
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    try:
        answer = egress.shared_pool(url).request(
            "POST", url, body=body, headers=headers, redirect=False, timeout=timeout
        )
    except urllib3.exceptions.HTTPError as error:
        raise Transient(f"{who} could not be reached: {type(error).__name__}") from error
    if answer.status == GONE:
        raise Permanent(f"{who} answered 410: it does not want messages any more")
    if not 200 <= answer.status < 300:
        raise Transient(f"{who} answered {answer.status}")
    return answer.status


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the ``webhook-signature`` header: ``v1,`` and a base64 HMAC-SHA256.

    ``secret`` is ``whsec_`` and base64 as the specification has it, or any other text as it is.
    """
    key = secret.encode()
    if secret.startswith("whsec_"):
        key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
