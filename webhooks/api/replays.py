"""``/api/replays``: work many events again, carefully, and watch it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.orm import Session

from domain import replay_filters, replays
from domain.audit import Decider
from domain.replays import Replay
from webhooks.api.event_states import ReasonBody
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply
from webhooks.api.paging import Cursor, PageQuery, RowId
from webhooks.api.replay_states import (
    ItemPage,
    ItemsQuery,
    ItemState,
    PreviewState,
    ReplayBody,
    ReplayPage,
    ReplayPath,
    ReplayState,
)

_CURSOR: Final[Cursor[int]] = Cursor("replays", RowId)
_ITEMS: Final[Cursor[int]] = Cursor("replay items", RowId)


def post_replay(call: Call, body: ReplayBody) -> Reply:
    """Count, or begin."""
    with call.services.database.transaction() as session:
        if body.dry_run:
            found = replay_filters.preview(session, body.filter.wanted, body.of)
            return Reply(PreviewState.of(found))
        replay = replays.create(session, body.plan, call.decider(body.reason or ""))
        state = ReplayState.of_replay(replay)
    return Reply(state, 201, {"Location": f"/api/replays/{state.id}"})


def get_replays(call: Call, query: PageQuery) -> Reply:
    """Read one page."""
    before = _CURSOR.decode(query.cursor)
    with call.services.database.transaction() as session:
        rows = replays.page(session, query.limit + 1, before)
    page, following = _CURSOR.cut(rows, query.limit, lambda replay: replay.id)
    shown = [ReplayState.of_replay(replay) for replay in page]
    return Reply(ReplayPage(items=shown, next=following))


def get_replay(call: Call, path: ReplayPath) -> Reply:
    """Read one with its progress."""
    with call.services.database.transaction() as session:
        return Reply(ReplayState.of_replay(replays.find(session, path.id)))


def get_items(call: Call, path: ReplayPath, query: ItemsQuery) -> Reply:
    """Read one page of results."""
    after = _ITEMS.decode(query.cursor)
    with call.services.database.transaction() as session:
        replays.find(session, path.id)
        rows = replays.items(session, path.id, query.limit + 1, after, state=query.state)
    page, following = _ITEMS.cut(rows, query.limit, lambda item: item.position)
    return Reply(ItemPage(items=[ItemState.of(item) for item in page], next=following))


def post_cancel(call: Call, path: ReplayPath, body: ReasonBody) -> Reply:
    """Stop it."""
    return _decided(call, path, body, replays.cancel)


def post_resume(call: Call, path: ReplayPath, body: ReasonBody) -> Reply:
    """Go on with it."""
    return _decided(call, path, body, replays.resume)


def _decided(
    call: Call,
    path: ReplayPath,
    body: ReasonBody,
    decide: Callable[[Session, int, Decider], Replay],
) -> Reply:
    with call.services.database.transaction() as session:
        replay = decide(session, path.id, call.decider(body.reason))
        return Reply(ReplayState.of_replay(replay))


_EXAMPLE: Final[dict[str, Any]] = {
    "id": 7,
    "of": "events",
    "filter": {"error": "payment.made: KeyError: 'plan'"},
    "reason": "the bug is mended",
    "actor": "operator:ana",
    "state": "running",
    "note": None,
    "created_at": "2026-03-02T10:30:00Z",
    "started_at": "2026-03-02T10:30:01Z",
    "finished_at": None,
    "total": 120,
    "waiting": 10,
    "under_way": 100,
    "passed": 10,
    "failed": 0,
    "skipped": 0,
    "error_rate": 0.0,
    "canary": 10,
    "max_errors": 10,
    "rate": 100,
}
_PLANNED: Final[dict[str, Any]] = {
    **_EXAMPLE,
    "state": "planned",
    "started_at": None,
    "waiting": 120,
    "under_way": 0,
    "passed": 0,
    "error_rate": None,
}
_CANCELLED: Final[dict[str, Any]] = {
    **_EXAMPLE,
    "state": "cancelled",
    "note": "cancelled by operator:ana: the wrong group",
}
_PREVIEW: Final[dict[str, Any]] = {
    "count": 120,
    "more": False,
    "by_status": {"parked": 120},
    "by_type": {"payment.made": 120},
    "sample": [
        {
            "id": 4711,
            "type": "payment.made",
            "status": "parked",
            "account": "shop-4711",
            "note": "KeyError: 'plan'",
        }
    ],
}
_ITEM: Final[dict[str, Any]] = {
    "position": 1,
    "id": 4711,
    "state": "passed",
    "note": None,
    "started_at": "2026-03-02T10:30:01Z",
    "settled_at": "2026-03-02T10:30:02Z",
}
_REASON: Final = {"reason": "the wrong group"}
_UNKNOWN: Final = Refusal(404, "replay_unknown", "There is no replay of that number.")
_BAD_CURSOR: Final = Refusal(400, "cursor_invalid", "The cursor is not one of this list.")
_NO_REASON: Final = Refusal(422, "reason_missing", "The reason is missing or too long.")

OPERATIONS: Final = (
    Operation(
        name="postReplay",
        method="POST",
        path="/api/replays",
        tag="replays",
        summary="Replay events",
        description="Has events worked on again, also finished ones: what succeeded before "
        "succeeds again without harm, since every effect happens once. Ask with `dry_run` first: "
        "it counts and shows a sample, and changes nothing. A canary goes first, the rest follows "
        "at a steady rate, and the replay stops itself when too many fail. A replay has at most "
        "100000 events. Those in quarantine are never replayed.",
        roles=frozenset({"operator"}),
        handler=post_replay,
        example={
            "filter": {"error": "payment.made: KeyError: 'plan'"},
            "reason": "the bug is mended",
        },
        answers={
            200: Answer(PreviewState, "With `dry_run`: what would be replayed.", _PREVIEW),
            201: Answer(ReplayState, "The replay was planned.", _PLANNED),
        },
        refusals=(
            Refusal(409, "nothing_to_replay", "The filter finds nothing."),
            Refusal(409, "replay_too_large", "The filter finds too much."),
            Refusal(409, "payload_dropped", "What it finds has lost its payloads by age."),
            Refusal(422, "filter_empty", "The filter names nothing."),
            Refusal(422, "filter_quarantined", "Events in quarantine are never replayed."),
            Refusal(422, "filter_not_for_effects", "A filter that effects do not have."),
            _NO_REASON,
        ),
    ),
    Operation(
        name="getReplays",
        method="GET",
        path="/api/replays",
        tag="replays",
        summary="List replays",
        description="Every replay, newest first.",
        roles=frozenset({"viewer"}),
        handler=get_replays,
        answers={200: Answer(ReplayPage, "One page.", {"items": [_EXAMPLE], "next": None})},
        refusals=(_BAD_CURSOR,),
    ),
    Operation(
        name="getReplay",
        method="GET",
        path="/api/replays/{id}",
        tag="replays",
        summary="Watch a replay",
        description="How far it is, as of now.",
        roles=frozenset({"viewer"}),
        handler=get_replay,
        answers={200: Answer(ReplayState, "The replay.", _EXAMPLE)},
        refusals=(_UNKNOWN,),
    ),
    Operation(
        name="getReplayItems",
        method="GET",
        path="/api/replays/{id}/items",
        tag="replays",
        summary="Read a replay's results",
        description="What became of each event, in the order in which they are begun. The first "
        "try decides: an event that failed may still succeed later by itself.",
        roles=frozenset({"viewer"}),
        handler=get_items,
        answers={200: Answer(ItemPage, "One page.", {"items": [_ITEM], "next": None})},
        refusals=(_UNKNOWN, _BAD_CURSOR),
    ),
    Operation(
        name="postReplayCancel",
        method="POST",
        path="/api/replays/{id}/cancel",
        tag="replays",
        summary="Stop a replay",
        description="Nothing more is begun; what is under way comes to its end.",
        roles=frozenset({"operator"}),
        handler=post_cancel,
        example=_REASON,
        answers={200: Answer(ReplayState, "The replay, cancelled.", _CANCELLED)},
        refusals=(_UNKNOWN, Refusal(409, "replay_not_running", "It is over."), _NO_REASON),
    ),
    Operation(
        name="postReplayResume",
        method="POST",
        path="/api/replays/{id}/resume",
        tag="replays",
        summary="Go on with a replay",
        description="One that stopped or was cancelled goes on with what is left, with a canary "
        "and an error rate of its own.",
        roles=frozenset({"operator"}),
        handler=post_resume,
        example={"reason": "mended now"},
        answers={200: Answer(ReplayState, "The replay, running.", _EXAMPLE)},
        refusals=(_UNKNOWN, Refusal(409, "replay_not_stopped", "It is not stopped."), _NO_REASON),
    ),
)
