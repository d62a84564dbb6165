"""How a replay moves on, a step at a time: settle what came to an end, judge, begin more.

A step runs in one transaction that holds the replay's row, so that two workers never begin the same
item. The work itself is done by the ordinary jobs, which know nothing of replays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain import clock, effects, inbox, payloads, retention
from domain.effects import Effect
from domain.inbox import Event
from domain.keeping import variable
from domain.replays import AT_WORK, Replay, ReplayItem

IN_FLIGHT: Final = 2
"""So many times the rate may be under way: what comes by webhook is not to wait behind it."""
DROPPED: Final = f"its payload was dropped by age ({variable('payloads')})"
Outcome = tuple[str, str | None]


def due(session: Session) -> list[int]:
    """The replays that have something to do: those at work, and those with items under way."""
    under_way = exists().where(ReplayItem.replay_id == Replay.id, ReplayItem.state == "started")
    statement = select(Replay.id).where(Replay.state.in_(AT_WORK) | under_way)
    return list(session.scalars(statement.order_by(Replay.id)))


def step(session: Session, replay_id: int) -> int:
    """Move one replay on; returns how many items were begun, 0 also when another worker has it."""
    statement = select(Replay).where(Replay.id == replay_id).with_for_update(skip_locked=True)
    replay = session.scalar(statement, execution_options={"populate_existing": True})
    if replay is None:
        return 0
    _settle(session, replay)
    if replay.state not in AT_WORK:
        return 0
    if replay.state == "planned":
        replay.state, replay.started_at = "running", clock.now()
    if _fails_too_often(replay):
        _stop(replay)
        return 0
    begun = _begin(session, replay, _room(replay))
    if replay.settled == replay.total:
        replay.state, replay.finished_at = "done", clock.now()
    return begun


def _canary(replay: Replay) -> int:
    before = replay.started - replay.round_started
    return min(replay.canary, replay.total - before)


def _fails_too_often(replay: Replay) -> bool:
    if replay.round_settled < max(1, _canary(replay)):
        return False
    return 100 * replay.round_failed > replay.max_errors * replay.round_settled


def _stop(replay: Replay) -> None:
    replay.state = "stopped"
    replay.note = (
        f"stopped itself: {replay.round_failed} of {replay.round_settled} failed, which is more "
        f"than {replay.max_errors} %"
    )


def _room(replay: Replay) -> int:
    """How many may be begun now."""
    canary = _canary(replay)
    if replay.round_settled < canary:
        return canary - replay.round_started
    return max(0, min(replay.rate, IN_FLIGHT * replay.rate - replay.under_way))


def _begin(session: Session, replay: Replay, limit: int) -> int:
    if limit == 0:
        return 0
    statement = (
        select(ReplayItem)
        .where(ReplayItem.replay_id == replay.id, ReplayItem.state == "waiting")
        .order_by(ReplayItem.position)
        .limit(limit)
    )
    items = {item.subject_id: item for item in session.scalars(statement)}
    begin = _begin_events if replay.of == "events" else _begin_effects
    begun = begin(session, replay, sorted(items))
    for subject_id, skipped in begun:
        _open(replay, items[subject_id])
        if skipped is not None:
            _close(replay, items[subject_id], ("skipped", skipped))
    return len(begun)


def _open(replay: Replay, item: ReplayItem) -> None:
    item.state, item.started_at, item.round = "started", clock.now(), replay.round
    replay.started += 1
    replay.round_started += 1


def _begin_events(
    session: Session, replay: Replay, ids: Sequence[int]
) -> list[tuple[int, str | None]]:
    """Have the events worked on; those that a worker holds right now come in a later step."""
    events = session.scalars(
        select(Event)
        .where(Event.id.in_(ids))
        .order_by(Event.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    told: list[tuple[int, str | None]] = []
    lost = retention.without_payload(session, events)
    for event in events:
        if event.status == "quarantined" or event.id in lost:
            told.append((event.id, DROPPED if event.id in lost else "it is in quarantine"))
            continue
        if payloads.erased_at(session, event) is not None:
            told.append((event.id, "its payload was erased on request"))
            continue
        reason = f"replay {replay.id}: {replay.reason}"
        inbox.replay(session, event, actor=replay.actor, reason=reason)
        told.append((event.id, None))
    effects.retry_readings(session, [event_id for event_id, skipped in told if skipped is None])
    return told


def _begin_effects(
    session: Session, replay: Replay, ids: Sequence[int]
) -> list[tuple[int, str | None]]:
    told: list[tuple[int, str | None]] = []
    statement = select(Effect.id, Effect.status).where(Effect.id.in_(ids)).order_by(Effect.id)
    held = statement.with_for_update(skip_locked=True)
    for effect_id, status in session.execute(held).all():
        if status not in effects.RETRIABLE:
            told.append((effect_id, f"it is {status} already"))
            continue
        reason = f"replay {replay.id}: {replay.reason}"
        effect = effects.retry(session, effect_id, actor=replay.actor, reason=reason)
        # Not since it was begun: what it says from now on is the result.
        effect.failed_at = None
        told.append((effect_id, None))
    return told


def _settle(session: Session, replay: Replay) -> None:
    """Note what became of the items under way."""
    table: Any = Event if replay.of == "events" else Effect
    judge: Callable[[Any], Outcome | None] = _of_event if replay.of == "events" else _of_effect
    statement = (
        select(ReplayItem, table)
        .join(table, table.id == ReplayItem.subject_id)
        .where(ReplayItem.replay_id == replay.id, ReplayItem.state == "started")
        .execution_options(populate_existing=True)
    )
    for item, subject in session.execute(statement):
        outcome = judge(subject)
        if outcome is not None:
            _close(replay, item, outcome)


def _close(replay: Replay, item: ReplayItem, outcome: Outcome) -> None:
    item.state, item.note = outcome
    item.settled_at = clock.now()
    setattr(replay, item.state, getattr(replay, item.state) + 1)
    if item.round == replay.round:
        replay.round_settled += 1
        replay.round_failed += item.state == "failed"


def _of_event(event: Event) -> Outcome | None:
    """The first try decides; one that only waits for a reading has not been tried yet."""
    if event.status in {"processed", "ignored"}:
        return "passed", event.note
    if event.status == "dismissed":
        return "skipped", f"dismissed: {event.note}"
    if event.status == "parked":
        return "failed", event.note
    if event.status == "unmatched" and event.attempts:
        # Without money in it, it is most likely about nobody of ours, as it was before.
        return "failed" if event.payment else "skipped", event.note
    return ("failed", event.note) if event.attempts and event.failed_at is not None else None


def _of_effect(effect: Effect) -> Outcome | None:
    if effect.status in {"done", "skipped"}:
        return "passed", effect.note
    if effect.status == "parked" or effect.failed_at is not None:
        return "failed", effect.note
    return None
