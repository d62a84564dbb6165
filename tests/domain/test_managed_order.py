"""Whatever the order and repetition of a provider's reports, the account ends the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import count
from types import ModuleType
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import clock, period_papers
from domain.catalogue import load
from domain.database import Database
from domain.errors import NotYet
from domain.facts import Fact, PaymentSucceeded, SubscriptionRead
from domain.money import Money
from domain.vat import decide
from tests import lives
from tests.conftest import FROZEN_AT
from tests.domain.paid_accounts import tell
from tests.domain.run_by_provider import Outcome, money, month, outcome, read, time_passes
from workers.runtime import Runtime

_numbers = count()
FACES: Final = st.sampled_from(["active", "cancelling", "past_due", "suspended", "ended"])
Plot = tuple[list[Fact], list[Fact], timedelta]


@pytest.fixture
def runtime(sqlite_url: str, frozen_clock: ModuleType) -> Iterator[Runtime]:
    # Hundreds of accounts: the kind of database makes no difference to what is merged.
    database = Database(sqlite_url)
    yield lives.runtime_on(database)
    database.dispose()


@st.composite
def plots(draw: st.DrawFn) -> Plot:
    """The reports about one subscription, in the order made and in another with repeats, and how
    long after its beginning they are worked on.

    A reading may be answered late and then says what is so then: ``seen`` is the moment it shows,
    never before the one at which its number was drawn. The last one shows the end.
    """
    months = draw(st.integers(1, 3))
    faces = draw(st.lists(FACES, min_size=1, max_size=4))
    facts: list[Fact] = [money(number) for number in range(months)]
    for number in range(len(faces)):
        seen = draw(st.integers(number, len(faces) - 1))
        settled = min(seen, months - 1)
        facts.append(_reading(number + 1, faces[seen], settled, draw(st.integers(1, 3))))
    mixed = draw(st.permutations(facts + draw(st.lists(st.sampled_from(facts), max_size=4))))
    return facts, mixed, timedelta(days=draw(st.integers(0, 110)))


def _reading(sequence: int, face: str, settled: int, agents: int) -> SubscriptionRead:
    stopped = face in {"suspended", "ended"}
    result: SubscriptionRead = read(
        sequence,
        "active" if face == "cancelling" else face,
        settled if face in {"active", "cancelling"} else None,
        agents=agents,
        auto_renew=face in {"active", "past_due"},
        given_up=stopped and sequence % 2 == 0,
    )
    return result


def told(runtime: Runtime, facts: list[Fact], late_by: timedelta) -> Outcome:
    """Work on facts about a new account as the worker does: what is too early comes again."""
    ref = f"acme-{next(_numbers)}"
    clock.travel(FROZEN_AT + late_by)
    lives.account(runtime, ref)
    waiting = [_renamed(fact, ref) for fact in facts]
    while waiting:
        waiting = [fact for fact in waiting if not _worked(runtime, fact, ref)]
    time_passes(runtime, ref)
    return _anonymous(outcome(runtime, ref), ref)


def _worked(runtime: Runtime, fact: Fact, ref: str) -> bool:
    try:
        tell(runtime, fact, ref=ref)
    except NotYet:
        return False
    return True


def _renamed(fact: Fact, ref: str) -> Fact:
    names = {"subscription": f"sub {ref}"}
    if isinstance(fact, PaymentSucceeded):
        names["payment"] = f"{fact.payment} {ref}"
    return msgspec.structs.replace(fact, **names)


def _anonymous(found: Outcome, ref: str) -> Outcome:
    assert found.subscription is not None
    columns = tuple(v.replace(ref, "") if isinstance(v, str) else v for v in found.subscription)
    payments = tuple((name.replace(ref, ""), state, use) for name, state, use in found.payments)
    return found._replace(subscription=columns, payments=payments)


@given(plot=plots())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_order_in_which_a_provider_is_heard_makes_no_difference(
    runtime: Runtime, plot: Plot
) -> None:
    facts, mixed, late_by = plot
    straight = told(runtime, facts, late_by)
    assert told(runtime, mixed, late_by) == straight
    assert len(straight.papers) == sum(isinstance(fact, PaymentSucceeded) for fact in facts)


@given(plot=plots())
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_being_late_makes_no_difference_to_where_it_ends(runtime: Runtime, plot: Plot) -> None:
    """Heard at once and the clock running on, or all heard at the end."""
    facts, mixed, late_by = plot

    def in_time() -> Outcome:
        ref = f"early-{next(_numbers)}"
        clock.travel(FROZEN_AT)
        lives.account(runtime, ref)
        readings = [fact for fact in facts if isinstance(fact, SubscriptionRead)]
        for fact in [*readings, *(f for f in facts if f not in readings)]:
            _worked(runtime, _renamed(fact, ref), ref)
        for moment in _moments(FROZEN_AT + late_by):
            clock.travel(moment)
            time_passes(runtime, ref)
        return _anonymous(outcome(runtime, ref), ref)

    assert in_time() == told(runtime, mixed, late_by)


def _moments(until: datetime) -> list[datetime]:
    ends = [month(number).end for number in range(3)]
    steps = [*ends, *(end + timedelta(days=5) for end in ends)]
    return [*sorted(step for step in steps if step < until), until]


@given(
    gross=st.integers(1, 10**9),
    country=st.sampled_from(["CZ", "DE", "FI", "HU", "US"]),
    agents=st.integers(1, 50),
)
def test_an_invoice_taken_out_of_what_was_paid_adds_up_to_it(
    gross: int, country: str, agents: int
) -> None:
    catalogue = load()
    tax = decide(catalogue, country, FROZEN_AT.date())
    net = period_papers.net_of(Money(gross, "EUR"), tax)
    exact = Fraction(gross) / (1 + Fraction(tax.percent) / 100)
    assert abs(net.amount - exact) <= Fraction(1, 2)
    lines = period_papers.lines(catalogue, lives.target(agents=agents), net)
    assert sum(line["net"]["amount"] for line in lines) == net.amount
    for line in lines:
        assert line["quantity"] * line["unit_price"]["amount"] == line["net"]["amount"]
