"""Replays, as callers of the API send and see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from domain.replay_filters import Preview
from domain.replays import CANARY, MAX_ERRORS, RATE, Plan, Replay, ReplayItem
from webhooks.api.event_filters import EventFilter
from webhooks.api.fields import Number, Reason
from webhooks.api.paging import PageQuery

Of = Annotated[
    Literal["events", "effects"],
    Meta(
        description="Replay events, or try effects again that failed; effects are chosen by "
        "`error`, `type` (their kind), `status` and `account`."
    ),
]


class ReplayPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which replay."""

    id: Annotated[Number, Meta(description="The replay's number.")]


class ReplayBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be replayed, why, and how carefully."""

    filter: Annotated[EventFilter, Meta(description="Which events; it must name something.")]
    reason: Annotated[Reason | None, Meta(description="Why; needed unless it is a dry run.")] = None
    dry_run: Annotated[
        bool, Meta(description="Only count what would be replayed, and show some of it.")
    ] = False
    of: Of = "events"
    canary: Annotated[
        int, Meta(ge=0, le=1000, description="So many go first, alone, and must pass.")
    ] = CANARY
    max_errors: Annotated[
        int, Meta(ge=0, le=100, description="Percent of failures above which it stops itself.")
    ] = MAX_ERRORS
    rate: Annotated[int, Meta(ge=1, le=1000, description="How many are begun a second.")] = RATE

    @property
    def plan(self) -> Plan:
        """The same for the domain."""
        return Plan(
            filter=self.filter.wanted,
            of=self.of,
            canary=self.canary,
            max_errors=self.max_errors,
            rate=self.rate,
        )


class SampleState(msgspec.Struct, frozen=True, kw_only=True):
    """One of those that would be replayed."""

    id: int
    type: str
    status: str
    account: str | None
    note: str | None


class PreviewState(msgspec.Struct, frozen=True, kw_only=True):
    """What would be replayed now."""

    count: int
    more: Annotated[bool, Meta(description="There are more than a replay may have.")]
    by_status: dict[str, int]
    by_type: dict[str, int]
    sample: Annotated[list[SampleState], Meta(description="The latest few.")]

    @classmethod
    def of(cls, preview: Preview) -> PreviewState:
        """As callers see it."""
        return msgspec.convert(preview, cls, from_attributes=True)


class ReplayState(msgspec.Struct, frozen=True, kw_only=True):
    """One replay. `total` is the sum of `waiting`, `under_way`, `passed`, `failed`, `skipped`."""

    id: int
    of: Of
    filter: Annotated[dict[str, Any], Meta(description="As it was asked for.")]
    reason: str
    actor: str
    state: Annotated[
        Literal["planned", "running", "stopped", "cancelled", "done"],
        Meta(description="`stopped`: it stopped itself, since too many failed."),
    ]
    note: Annotated[str | None, Meta(description="Why it stopped.")]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    total: int
    waiting: int
    under_way: int
    passed: int
    failed: int
    skipped: Annotated[int, Meta(description="Finished otherwise before their turn came.")]
    error_rate: Annotated[
        float | None, Meta(description="Percent of failures since it began or was resumed.")
    ]
    canary: int
    max_errors: int
    rate: int

    @classmethod
    def of_replay(cls, replay: Replay) -> ReplayState:
        """As callers see it."""
        return cls(**{name: getattr(replay, name) for name in cls.__struct_fields__})


class ReplayPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of replays, newest first; `next` is the cursor of the page after it."""

    items: list[ReplayState]
    next: str | None


class ItemsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which items are wanted."""

    state: Annotated[
        Literal["waiting", "started", "passed", "failed", "skipped"] | None,
        Meta(description="Only those in this state."),
    ] = None


class ItemState(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event or effect."""

    position: int
    id: Annotated[int, Meta(description="The number of the event, or of the effect.")]
    state: Literal["waiting", "started", "passed", "failed", "skipped"]
    note: Annotated[str | None, Meta(description="How it failed, or why it was skipped.")]
    started_at: datetime | None
    settled_at: datetime | None

    @classmethod
    def of(cls, item: ReplayItem) -> ItemState:
        """As callers see it."""
        names = (name for name in cls.__struct_fields__ if name != "id")
        return cls(id=item.subject_id, **{name: getattr(item, name) for name in names})


class ItemPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of items in their order; `next` is the cursor of the page after it."""

    items: list[ItemState]
    next: str | None
