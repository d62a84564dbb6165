"""Order and repetition do not matter (BILLING 10): the central property.

Accounts live through three days at both providers, and every event is told as it happens. Then the
day's events are told anew from the same beginning: shuffled, doubled and late, first to one worker,
then to several at once. What it comes to must be the same.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain import clock
from domain.effects import Effect
from domain.inbox import Event
from tests.invariants import assert_invariants
from tests.stories.doings import Person, begin_day
from tests.stories.lifetimes import DAYS, Life, families
from tests.stories.outcome import Outcome, differences, outcome
from tests.stories.playground import Playground, playground
from webhooks.sandbox.delivery import Message
from workers import perform_effects

BIRTH: Final = datetime(2026, 1, 31, 10, 0, 20, tzinfo=UTC)
"""Well within a minute: moments are compared by the minute, and a day's doings take seconds."""
LATER: Final = timedelta(seconds=30)
HANDS: Final = 3
EXAMPLES: Final = int(os.environ.get("BILLHOOK_LIVES", "12"))
PHASES: Final = (Phase.explicit, Phase.generate)
"""Without shrinking: a life is readable as it is, and each try costs seconds."""


@pytest.fixture
def ground(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Playground]:
    monkeypatch.setitem(perform_effects.KINDS, "send_mail", "tests.stories.letterbox")
    with playground(postgres_url) as opened:
        yield opened
    clock.reset()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    phases=PHASES,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(lives=families(), seed=st.integers(0, 2**32))
@pytest.mark.timeout(600)
def test_events_in_any_order_and_number_come_to_the_same(
    ground: Playground, lives: list[Life], seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - to be repeated
    clock.travel(BIRTH)
    ground.begin()
    people = [Person(ground, life) for life in lives]
    for number, after in enumerate(DAYS):
        begin = clock.travel(BIRTH + after)
        begin_day(ground, people, number)
        ground.past.keep()
        events, happened = live(ground, people, number)
        for hands in (1, HANDS):
            ground.past.put_back()
            clock.travel(begin + LATER)
            ground.scramble(events, dice, hands)
            assert_same(happened, come_to(ground), f"day {number}, {hands} workers")
            assert ground.news() == [], "the providers were asked for more than when it happened"


def live(
    ground: Playground, people: Sequence[Person], number: int
) -> tuple[list[Message], Outcome]:
    """Let the day happen, with every event told at once; all its events, and what came of it."""
    events: list[Message] = []
    for part in (Person.act, Person.react):
        for person in people:
            part(person, person.life.days[number])
        ground.work()
        while fresh := ground.news():
            events += fresh
            ground.deliver(fresh)
            ground.settle()
        clock.advance(timedelta(seconds=1))
    return events, come_to(ground)


def come_to(ground: Playground) -> Outcome:
    """The outcome; nothing may be left to a person, and every invariant must hold."""
    with ground.transaction() as session:
        parked = select(Event.type, Event.note).where(Event.status == "parked")
        left = [f"{kind}: {why}" for kind, why in session.execute(parked)]
        left += session.scalars(select(Effect.note).where(Effect.status == "parked")).all()
        told = outcome(session)
    assert not left, left
    assert_invariants(ground.runtime.database)
    return told


def assert_same(one: Outcome, other: Outcome, when: str) -> None:
    """Two outcomes must be equal; what differs is said line by line."""
    different = differences(one, other)
    if different:
        note(f"{when}; - is as it happened:\n" + "\n".join(different))
    assert not different, when
