"""The filters of events, as the list takes them in its query and a replay in its body."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from domain.event_search import Filter
from webhooks.api.fields import Ref, Sought
from webhooks.inbox_rows import EARLIEST, LATEST

Status = Literal[
    "received",
    "processed",
    "ignored",
    "waiting",
    "unmatched",
    "quarantined",
    "parked",
    "dismissed",
]
Origin = Literal["webhook", "backfill", "replay"]
Word = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        description="1 to 64 letters, digits and . _ -.",
    ),
]
Instant = Annotated[
    datetime,
    Meta(
        tz=True,
        description="An instant in RFC 3339 with its offset.",
        examples=["2026-03-02T10:00:00Z"],
    ),
]


class EventFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events; every filter that is given narrows."""

    status: Annotated[Status | None, Meta(description="Where it stands.")] = None
    provider: Annotated[Word | None, Meta(description="Who sent it.", examples=["example"])] = None
    type: Annotated[
        Word | None,
        Meta(description="Its type, in the provider's words.", examples=["payment.made"]),
    ] = None
    account: Annotated[Ref | None, Meta(description="The app's ref of the account.")] = None
    order: Annotated[Word | None, Meta(description="The order that it is about.")] = None
    error: Annotated[
        Sought | None,
        Meta(description="The fingerprint of its failure, or the beginning of some."),
    ] = None
    origin: Annotated[Origin | None, Meta(description="How it came.")] = None
    received_from: Annotated[Instant | None, Meta(description="Received then or later.")] = None
    received_to: Annotated[Instant | None, Meta(description="Received before.")] = None
    q: Annotated[
        Sought | None,
        Meta(
            description="An event's number or its id at the provider, a payment, an order or an "
            "account; of payments and orders 12 characters or more of the beginning will do."
        ),
    ] = None

    @property
    def wanted(self) -> Filter:
        """The same for the domain."""
        given = {name: getattr(self, name) for name in Filter.__struct_fields__}
        for name in TIMES:
            given[name] = _within(given[name])
        return Filter(**given)


TIMES: Final = ("received_from", "received_to")


def _within(instant: datetime | None) -> datetime | None:
    """At the ends of the calendar another time zone has no such year."""
    if instant is None:
        return None
    if instant.year <= EARLIEST.year:
        return EARLIEST
    return LATEST if instant.year >= LATEST.year else instant.astimezone(UTC)
