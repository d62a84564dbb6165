"""Events through the API: what was sent, and what did not arrive."""

from __future__ import annotations

from fnmatch import fnmatchcase

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_forms import Params
from webhooks.sandbox.stripe_lists import page

_KEPT_FOR = 30 * 86400


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/events/{id}"""
    return account.fetch("event", key)


def retrieve_thin(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v2/core/events/{id}"""
    return account.fetch("v2.core.event", key)


def listing(account: StripeAccount, params: Params) -> Document:
    """GET /v1/events of the last 30 days, by type, creation and ``delivery_success``."""
    wanted = params.texts("types") or ([named] if (named := params.text("type")) else ["*"])
    since = account.now() - _KEPT_FOR
    found = [
        event
        for event in account.find("event")
        if event["created"] >= since and any(fnmatchcase(event["type"], w) for w in wanted)
    ]
    delivered = params.flag("delivery_success")
    if delivered is not None:
        courier = account.world.courier
        found = [e for e in found if courier.delivered("stripe", e["id"]) == delivered]
    return page(found, params, "/v1/events")
