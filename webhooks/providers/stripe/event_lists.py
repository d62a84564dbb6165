"""Stripe's list of what happened in the account, page by page, the newest first.

https://docs.stripe.com/api/events/list. The library's objects are passed by: they cost
milliseconds per event.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
import stripe

from domain.errors import Transient
from webhooks.providers.stripe.shapes import Document, children, text

PATH: Final = "/v1/events"
PAGE: Final = 100
"""The most that Stripe gives at once."""


def between(client: stripe.StripeClient, since: datetime, until: datetime) -> Iterator[Document]:
    """The events made between the instants, which Stripe knows to the second: both ends are
    included. Raises ``Transient`` for an answer that is no list of events."""
    created = {"gte": math.floor(since.timestamp()), "lte": math.ceil(until.timestamp())}
    after: dict[str, str] = {}
    while True:
        answer = client.raw_request("get", PATH, created=created, limit=PAGE, **after)
        page = _page(answer.body)
        yield from children({"page": page}, "page")
        if not page.get("has_more"):
            return
        after = {"starting_after": _last(page)}


def _page(body: str | bytes) -> Document:
    try:
        page = msgspec.json.decode(body, type=Document)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Transient("Stripe's list of events is no JSON object") from error
    if not isinstance(page.get("data"), list):
        raise Transient("Stripe's list of events cannot be read: it has no data")
    return page


def _last(page: Document) -> str:
    """The id after which the next page begins. Raises ``Transient`` when none can be told, for
    what was not read must not be taken for read."""
    ids = [text(event, "id") for event in children({"page": page}, "page")]
    last = ids[-1] if ids else None
    if last is None:
        raise Transient("Stripe's list of events cannot be read on: its last event has no id")
    return last
