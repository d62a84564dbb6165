"""Everything replayed at the end of a story: nothing may change, nobody be told anything twice."""

from __future__ import annotations

import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import replays
from domain.audit import Decider
from domain.effects import Effect
from domain.event_search import Filter
from domain.history import HistoryEntry
from domain.inbox import Event
from domain.invoices import NumberSeries
from domain.replays import AT_WORK, Plan
from tests.stories.outcome import Outcome, differences, outcome
from workers import process_events
from workers.embedded import Embedded
from workers.replay import replay
from workers.stories.stage import Stage

BY = Decider(actor="operator:test", reason="everything once more")
PATIENCE = 500
PAUSE_S = 0.02


def replay_everything(billhook: Embedded, stage: Stage) -> None:
    """Replay every event; fail when something is another than before."""
    database = billhook.runtime.database
    stage.settle()
    with database.transaction() as session:
        before, told = outcome(session), _told(session)
        providers = list(session.scalars(select(Event.provider).distinct()))
        made = [_plan(session, provider) for provider in providers]
    for number in made:
        _follow(billhook, number)
    stage.settle()
    with database.transaction() as session:
        assert differences(before, outcome(session)) == []
        found = differences(told, _told(session))
    assert found == [], "\n".join(found)


def _plan(session: Session, provider: str) -> int:
    plan = Plan(filter=Filter(provider=provider), max_errors=0)
    return replays.create(session, plan, BY).id


def _follow(billhook: Embedded, number: int) -> None:
    """Move it to its end without moving the time."""
    runtime = billhook.runtime
    for _ in range(PATIENCE):
        replay(runtime)
        process_events.drain(runtime)
        with runtime.database.transaction() as session:
            state = replays.find(session, number).state
            failed = replays.items(session, number, 10, state="failed")
        if state not in AT_WORK:
            break
        # Another worker may be at the account.
        time.sleep(PAUSE_S)
    notes = [(item.subject_id, item.note) for item in failed]
    assert (state, notes) == ("done", []), f"{state} {notes}"


def _told(session: Session) -> Outcome:
    """What was wanted for accounts outside, said in histories, and numbered. Readings change
    nothing, and what the clock wants from time to time is about no account."""
    of_accounts = Effect.account_id.is_not(None), Effect.kind != "read_object"
    wanted = session.scalars(select(Effect).where(*of_accounts))
    lines = session.scalars(select(HistoryEntry))
    series = session.scalars(select(NumberSeries))
    return {
        "effects": [f"{one.cause} {one.kind} {one.target} {one.status}" for one in wanted],
        "history": [f"{one.account_id} {one.kind} {one.details}" for one in lines],
        "numbers": [f"{one.series} {one.last}" for one in series],
    }
