"""``/api/effects/{id}/retry``: have one that failed tried again."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from domain import interventions
from webhooks.api import event_docs as docs
from webhooks.api.event_states import EffectState, ReasonBody
from webhooks.api.events import OPERATOR, effect_state
from webhooks.api.fields import Number
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply


class EffectPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which effect."""

    id: Annotated[Number, Meta(description="The effect's number.")]


def post_retry(call: Call, path: EffectPath, body: ReasonBody) -> Reply:
    """Have it tried now."""
    with call.services.database.transaction() as session:
        effect = interventions.retry_effect(session, path.id, call.decider(body.reason))
        session.flush()
        state = effect_state(effect, unmasked=call.principal.role == OPERATOR)
    call.services.bell.ring("perform_effects")
    return Reply(state)


OPERATIONS: Final = (
    Operation(
        name="postEffectRetry",
        method="POST",
        path="/api/effects/{id}/retry",
        tag="events",
        summary="Have an effect tried again",
        description="An effect that waits, or was left to a person, is tried now, with the key "
        "that it had before: what has happened at the other side does not happen twice.",
        roles=frozenset({"operator"}),
        handler=post_retry,
        example={"reason": "the app is up again"},
        answers={200: Answer(EffectState, "The effect, due now.", docs.EFFECT)},
        refusals=(
            Refusal(404, "effect_unknown", "There is no effect of that number."),
            Refusal(409, "effect_not_retryable", "It is done, skipped or running."),
        ),
    ),
)
