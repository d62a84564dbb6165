"""``/api/events/{id}/dry-run`` and ``/api/trials/{id}``: see what working an event would change."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from domain import masking, trials
from domain.trials import Trial
from webhooks.api.event_states import EventPath
from webhooks.api.events import OPERATOR
from webhooks.api.fields import Number
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply


class TrialPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which dry run."""

    id: Annotated[Number, Meta(description="The dry run's number.")]


class TrialState(msgspec.Struct, frozen=True, kw_only=True):
    """One dry run. `result` has: `outcome` (the status the event would have) and `note`, `error`
    with its traceback, `needs` (what would be read from the provider first), `facts`, `changes`
    of rows, `effects`, `history`, `alerts` and `invoices`."""

    id: int
    event: int
    state: Annotated[Literal["wanted", "done"], Meta(description="`wanted`: ask again soon.")]
    actor: str
    wanted_at: datetime
    done_at: datetime | None
    masked: Annotated[bool, Meta(description="Whether personal data are covered.")]
    result: dict[str, Any] | None


def post_trial(call: Call, path: EventPath) -> Reply:
    """Ask for a dry run."""
    with call.services.database.transaction() as session:
        state = _shown(call, trials.want(session, path.id, call.decider("")))
    call.services.bell.ring(trials.JOB)
    headers = {"Location": f"/api/trials/{state.id}"}
    return Reply(state, 201, headers)


def get_trial(call: Call, path: TrialPath) -> Reply:
    """Read one."""
    with call.services.database.transaction() as session:
        return Reply(_shown(call, trials.find(session, path.id)))


def _shown(call: Call, trial: Trial) -> TrialState:
    unmasked = call.principal.role == OPERATOR
    names = ("id", "state", "actor", "wanted_at", "done_at")
    return TrialState(
        event=trial.event_id,
        masked=not unmasked,
        result=trial.result if unmasked else masking.masked(trial.result),
        **{name: getattr(trial, name) for name in names},
    )


_WANTED: Final[dict[str, Any]] = {
    "id": 12,
    "event": 4711,
    "state": "wanted",
    "actor": "operator:ana",
    "wanted_at": "2026-03-02T10:20:00Z",
    "done_at": None,
    "masked": False,
    "result": None,
}
_DONE: Final[dict[str, Any]] = {
    **_WANTED,
    "state": "done",
    "done_at": "2026-03-02T10:20:01Z",
    "result": {
        "outcome": "processed",
        "note": None,
        "error": None,
        "account": "shop-4711",
        "needs": [],
        "facts": [{"type": "CheckoutExpired", "checkout": "chk_1", "order": "ord_1"}],
        "changes": [
            {
                "table": "orders",
                "action": "update",
                "key": {"id": "ord_1"},
                "before": {"state": "open"},
                "after": {"state": "expired"},
            }
        ],
        "effects": [],
        "history": ["order ord_1 expired"],
        "alerts": [],
        "invoices": [],
    },
}

OPERATIONS: Final = (
    Operation(
        name="postEventDryRun",
        method="POST",
        path="/api/events/{id}/dry-run",
        tag="events",
        summary="See what working an event would change",
        description="A worker works the event in a transaction that is taken back: nothing "
        "changes, and no provider and nobody's mailbox is touched. Ask `GET /api/trials/{id}` for "
        "the result.",
        roles=frozenset({"operator"}),
        handler=post_trial,
        answers={201: Answer(TrialState, "The dry run is wanted.", _WANTED)},
        refusals=(
            Refusal(404, "event_unknown", "There is no event of that number."),
            Refusal(409, "event_quarantined", "It is in quarantine."),
        ),
    ),
    Operation(
        name="getTrial",
        method="GET",
        path="/api/trials/{id}",
        tag="events",
        summary="Read a dry run",
        description="What the event would change. It is kept for a week.",
        roles=frozenset({"viewer"}),
        handler=get_trial,
        answers={200: Answer(TrialState, "The dry run.", _DONE)},
        refusals=(Refusal(404, "trial_unknown", "There is no dry run of that number."),),
    ),
)
