"""Tell the app that an account changed, by a signed webhook.

The message names the account and what happened; the app then reads the account.
"""

from __future__ import annotations

from typing import Any

import msgspec

from domain.accounts import Account
from domain.effects import Effect
from workers import standard_webhooks
from workers.perform_effects import Overtaken
from workers.runtime import Runtime


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
    body = msgspec.json.encode(message)
    return {"status": standard_webhooks.post("the app", url, secret, effect.key, body)}
