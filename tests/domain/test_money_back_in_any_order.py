"""Whatever is reported of a payment's refunds and disputes, in any order: the same in the end."""

from __future__ import annotations

from itertools import count
from types import ModuleType
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from domain.database import Database
from domain.facts import DisputeOutcome, Fact, RefundStatus
from tests import lives
from tests.domain.paid_accounts import (
    PRICE,
    Outcome,
    closed,
    opened,
    outcome,
    paid,
    perform,
    refund,
    tell,
    total,
)
from workers.runtime import Runtime

_numbers = count()


@pytest.fixture
def runtime(database: Database, frozen_clock: ModuleType) -> Runtime:
    return lives.runtime_on(database)


AMOUNTS: Final = st.sampled_from([1, 300, 40_000, 60_000, PRICE])
STATES: Final[st.SearchStrategy[RefundStatus]] = st.sampled_from(["pending", "succeeded", "failed"])
ENDS: Final[st.SearchStrategy[DisputeOutcome]] = st.sampled_from(["won", "lost", "withdrawn"])


@st.composite
def reports(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """Facts about one payment, as a provider could report them, in two orders with repeats."""
    made = draw(st.lists(AMOUNTS, max_size=3))
    facts: list[Fact] = []
    sum_ = 0
    for number, amount in enumerate(made):
        sum_ += amount
        states: list[RefundStatus] = draw(st.lists(STATES, min_size=1, max_size=2))
        reversal = draw(st.booleans())
        facts += [refund(f"re_{number}", amount, state, reversal=reversal) for state in states]
        if draw(st.booleans()):
            facts.append(total(min(sum_, PRICE)))
    ends: list[DisputeOutcome] = draw(st.lists(ENDS, max_size=2))
    for number, end in enumerate(ends):
        amount = draw(AMOUNTS)
        facts += [opened(f"dp_{number}", amount), closed(end, f"dp_{number}", amount)]
    assume(facts)
    repeated = facts + draw(st.lists(st.sampled_from(facts), max_size=3))
    return draw(st.permutations(repeated)), draw(st.permutations(facts))


@given(reports())
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_order_and_repetition_of_reports_do_not_matter(
    runtime: Runtime, orders: tuple[list[Fact], list[Fact]]
) -> None:
    outcomes = [after(runtime, order) for order in orders]
    assert in_sum(outcomes[0]) == in_sum(outcomes[1])
    for state in outcomes:
        assert state.refunded <= PRICE
        assert sum(note[2] for note in state.credit_notes) == state.refunded


@given(st.lists(AMOUNTS, min_size=1, max_size=3), st.data())
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_refunds_reported_singly_and_as_totals_get_the_same_papers_in_any_order(
    runtime: Runtime, amounts: list[int], data: st.DataObject
) -> None:
    assume(sum(amounts) <= PRICE)
    sums = [sum(amounts[: number + 1]) for number in range(len(amounts))]
    facts: list[Fact] = [refund(f"re_{n}", amount) for n, amount in enumerate(amounts)]
    facts += [total(each) for each in sums]
    straight = after(runtime, facts)
    shuffled = after(runtime, data.draw(st.permutations(facts)))
    assert in_sum(shuffled) == in_sum(straight)
    for state in (straight, shuffled):
        assert sorted(note[2] for note in state.credit_notes) == sorted(amounts)


def in_sum(state: Outcome) -> Outcome:
    """The state with what all credit notes come to: net, tax and total."""
    nets, taxes, totals = ([note[n] for note in state.credit_notes] for n in range(3))
    return state._replace(credit_notes=((sum(nets), sum(taxes), sum(totals)),))


def after(runtime: Runtime, facts: list[Fact]) -> Outcome:
    """A new account's state after facts about its one payment, each in its own transaction."""
    number = next(_numbers)
    ref, payment = f"acme{number}", f"pay_{number}x"
    paid(runtime, ref, payment)
    for fact in facts:
        tell(runtime, _about(fact, payment, number), ref=ref)
    before = outcome(runtime, ref)
    perform(runtime, "settle_refund_total")
    state = outcome(runtime, ref)
    assert state.refunded >= before.refunded
    return _nameless(state, number)


def _about(fact: Fact, payment: str, number: int) -> Fact:
    changes = {"payment": payment}
    for name in ("refund", "dispute"):
        if hasattr(fact, name):
            changes[name] = f"{getattr(fact, name)}.{number}"
    return msgspec.structs.replace(fact, **changes)


def _nameless(state: Outcome, number: int) -> Outcome:
    """The state without the names that differ between the two accounts."""
    suffix = f".{number}"
    return state._replace(
        refunds=tuple((str(r[0]).removesuffix(suffix), *r[1:]) for r in state.refunds),
        disputes=tuple((d[0].removesuffix(suffix), d[1]) for d in state.disputes),
        alerts=tuple(
            sorted(
                (a[0], a[1].removesuffix(suffix).replace(f"pay_{number}x", "pay"))
                for a in state.alerts
            )
        ),
    )
