"""Tell the app that an account changed, by a webhook signed as in Standard Webhooks.

The message names the account and what happened; the app then reads the account. Spec:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final

import msgspec
import urllib3

from domain import clock
from domain.accounts import Account
from domain.effects import Effect
from domain.errors import Permanent, Transient
from workers.perform_effects import Overtaken
from workers.runtime import Runtime

TIMEOUT: Final = urllib3.Timeout(connect=3.05, read=15)
GONE: Final = 410
_http = urllib3.PoolManager(timeout=TIMEOUT, retries=False)


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Post the message; anything but 2xx is tried again, 410 never."""
    url, secret = runtime.settings.app_webhook_url, runtime.settings.app_webhook_secret
    if url is None or secret is None:
        raise Overtaken("BILLHOOK_APP_WEBHOOK_URL is not set: the app is told nothing")
    with runtime.database.transaction() as session:
        account = session.get_one(Account, effect.account_id)
    message = {
        "type": effect.target,
        "timestamp": effect.payload["at_instant"],
        "data": {"account": account.ref, "status": account.status},
    }
    status = _post(url, secret, effect.key, msgspec.json.encode(message))
    return {"status": status}


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the ``webhook-signature`` header: ``v1,`` and a base64 HMAC-SHA256.

    ``secret`` is ``whsec_`` and base64 as the specification has it, or any other text as it is.
    """
    key = secret.encode()
    if secret.startswith("whsec_"):
        key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _post(url: str, secret: str, message_id: str, body: bytes) -> int:
    timestamp = int(clock.now().timestamp())
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    try:
        answer = _http.request("POST", url, body=body, headers=headers, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        raise Transient(f"the app could not be reached: {type(error).__name__}") from error
    if answer.status == GONE:
        raise Permanent("the app answered 410: it does not want messages any more")
    if not 200 <= answer.status < 300:
        raise Transient(f"the app answered {answer.status}")
    return answer.status
