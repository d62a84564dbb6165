"""Refunds: what follows when they are reported, and the papers for them."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from types import ModuleType
from typing import Final

import msgspec
import pytest
from sqlalchemy import select

from domain import refunds
from domain.database import Database
from domain.effects import Effect
from domain.errors import NotYet, Permanent
from domain.facts import PaymentPending, PaymentSucceeded, RefundStatus
from domain.invoices import Invoice
from domain.money import Money
from tests import lives
from tests.domain.paid_accounts import (
    PRICE,
    PROVIDER,
    alerts_of,
    credit_of,
    outcome,
    overpaid,
    paid,
    perform,
    refund,
    tell,
    total,
    working,
)
from workers.runtime import Runtime

SUBJECT: Final = f"{PROVIDER}:pay_1"


@pytest.fixture
def runtime(database: Database, frozen_clock: ModuleType) -> Runtime:
    return lives.runtime_on(database)


def test_a_refund_reported_by_the_provider_gets_a_credit_note_and_ends_nothing(
    runtime: Runtime,
) -> None:
    paid(runtime)
    tell(runtime, refund("re_1", PRICE))
    with runtime.database.transaction() as session:
        note = session.scalars(select(Invoice).where(Invoice.kind == "credit_note")).one()
        original = session.get_one(Invoice, note.corrects_id)
    assert note.number == "CN-2026-000001"
    assert (note.net, note.vat, note.total) == (original.net, original.vat, original.total)
    assert note.content["corrects"]["number"] == original.number == "2026-000001"
    assert note.content["buyer"] == original.content["buyer"]
    state = outcome(runtime)
    assert (state.refunded, state.subscription, state.blocked) == (PRICE, "active", None)
    assert state.alerts == (("refund_without_end", SUBJECT),)


def test_a_credit_note_made_together_with_its_invoice_names_its_number(runtime: Runtime) -> None:
    lives.account(runtime)
    order = lives.order(runtime)
    arrived = PaymentSucceeded(payment="pay_1", amount=order.money_due, order=order.id)
    tell(runtime, arrived, refund("re_1", 100))
    with runtime.database.transaction() as session:
        note = session.scalars(select(Invoice).where(Invoice.kind == "credit_note")).one()
    assert note.content["corrects"]["number"] == "2026-000001"


def test_a_part_is_split_into_net_and_tax_by_the_rate_of_the_invoice(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, refund("re_1", 10_000))
    assert outcome(runtime).credit_notes == ((8264, 1736, 10_000),)


def test_the_credit_notes_of_all_parts_add_up_to_the_invoice(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, *(refund(f"re_{number}", 3) for number in range(4)))
    tell(runtime, refund("re_9", PRICE - 12))
    notes = outcome(runtime).credit_notes
    assert [sum(part) for part in zip(*notes, strict=True)] == [98_000, 20_580, PRICE]


def test_money_taken_by_a_bank_alerts_and_is_papered(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, refund("rv_1", PRICE, reversal=True))
    state = outcome(runtime)
    assert (state.refunded, state.subscription) == (PRICE, "active")
    assert state.alerts == (("payment_reversed", SUBJECT),)


def test_a_pending_refund_changes_nothing_until_it_succeeds(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, refund("re_1", 500, "pending"))
    before = outcome(runtime)
    assert (before.refunded, before.credit_notes) == (0, ())
    tell(runtime, refund("re_1", 500))
    assert outcome(runtime).refunded == 500


def test_a_failed_refund_is_recorded_with_an_alert(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, refund("re_1", 500, "pending"), refund("re_1", 500, "failed"))
    state = outcome(runtime)
    assert (state.refunded, state.refunds) == (0, (("re_1", "failed", False),))
    assert state.alerts == (("refund_failed", f"{PROVIDER}:re_1"),)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_refund_that_fails_after_its_success_is_left_to_a_person(
    runtime: Runtime, order: tuple[int, ...]
) -> None:
    paid(runtime)
    states: list[RefundStatus] = ["pending", "succeeded", "failed"]
    for index in order:
        tell(runtime, refund("re_1", 500, states[index]))
    state = outcome(runtime)
    assert (state.refunded, state.refunds) == (500, (("re_1", "failed", True),))
    assert {rule for rule, _ in state.alerts} == {"refund_failed", "refund_undone"}


def test_a_refund_waits_for_its_payment(runtime: Runtime) -> None:
    lives.account(runtime)
    order = lives.order(runtime)
    with pytest.raises(NotYet, match="pay_1"):
        tell(runtime, refund("re_1", 500))
    tell(runtime, PaymentPending(payment="pay_1", amount=order.money_due, order=order.id))
    with pytest.raises(NotYet, match="pay_1"):
        tell(runtime, total(500))


def test_a_refund_in_another_currency_is_left_to_a_person(runtime: Runtime) -> None:
    paid(runtime)
    euro = msgspec.structs.replace(refund("re_1", 500), amount=Money(500, "EUR"))
    with pytest.raises(Permanent, match="EUR"):
        tell(runtime, euro)
    assert outcome(runtime).refunded == 0


def test_a_total_alone_is_believed_after_its_single_refunds_had_time_to_come(
    runtime: Runtime,
) -> None:
    paid(runtime)
    tell(runtime, total(700), total(700))
    assert outcome(runtime).refunded == 0
    with runtime.database.transaction() as session:
        effect = session.scalars(select(Effect).where(Effect.kind == "settle_refund_total")).one()
    assert effect.next_attempt_at == effect.created_at + timedelta(seconds=10)
    assert perform(runtime, "settle_refund_total") == ["done"]
    assert outcome(runtime).credit_notes == ((579, 121, 700),)


def test_single_refunds_that_come_after_their_total_add_nothing(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, total(700))
    perform(runtime, "settle_refund_total")
    tell(runtime, refund("re_1", 300), refund("re_2", 400))
    assert outcome(runtime).refunded == 700
    tell(runtime, refund("re_3", 1))
    assert outcome(runtime).refunded == 701


def test_a_total_that_counts_a_refund_on_its_way_is_not_believed(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, total(700), refund("re_1", 700, "pending"))
    perform(runtime, "settle_refund_total")
    assert outcome(runtime).refunded == 0


def test_more_refunded_than_paid_is_counted_as_all_with_an_alert(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, refund("re_1", PRICE), refund("re_2", 1))
    assert outcome(runtime).refunded == PRICE
    assert ("refunded_above_paid", SUBJECT) in alerts_of(runtime)


def test_a_refund_of_money_that_became_credit_takes_the_credit_back(runtime: Runtime) -> None:
    overpaid(runtime, 5000)
    tell(runtime, refund("re_1", 2000))
    tell(runtime, refund("re_1", 2000))
    assert credit_of(runtime) == 3000
    assert outcome(runtime).credit_notes == ()


def test_credit_that_was_spent_is_not_taken_below_zero(runtime: Runtime) -> None:
    overpaid(runtime, 5000)
    paid(runtime, payment="pay_2")
    assert credit_of(runtime) == 0
    tell(runtime, refund("re_1", 5000))
    assert credit_of(runtime) == 0
    assert ("refund_of_spent_credit", SUBJECT) in alerts_of(runtime)


def test_the_customers_refund_ends_everything_when_it_has_succeeded(runtime: Runtime) -> None:
    paid(runtime)
    working(runtime, refunds.request_full)
    assert outcome(runtime).blocked is None
    tell(runtime, refund("re_1", PRICE))
    state = outcome(runtime)
    assert (state.refunded, state.subscription, state.blocked) == (PRICE, "ended", "refunded")
    assert (state.refunds, state.alerts) == ((("re_1", "succeeded", True),), ())
    with runtime.database.transaction() as session:
        mails = session.scalars(select(Effect.target).where(Effect.kind == "send_mail")).all()
        told = session.scalars(select(Effect.target).where(Effect.kind == "tell_app")).all()
    assert {"refund_done", "blocked"} <= set(mails)
    assert {"account.blocked", "subscription.ended"} <= set(told)


def test_an_open_order_is_withdrawn_when_the_account_is_blocked(runtime: Runtime) -> None:
    paid(runtime)
    order = lives.order(runtime, agents=9)
    working(runtime, refunds.request_full)
    tell(runtime, refund("re_1", PRICE))
    with runtime.database.transaction() as session:
        withdrawn = session.get_one(type(order), order.id)
    assert (withdrawn.state, withdrawn.failure) == ("failed", "refunded")


def test_a_total_finishes_the_customers_refund_when_nothing_else_is_heard(
    runtime: Runtime,
) -> None:
    paid(runtime)
    working(runtime, refunds.request_full)
    tell(runtime, total(PRICE))
    perform(runtime, "settle_refund_total")
    assert outcome(runtime).blocked == "refunded"
    tell(runtime, refund("re_1", PRICE))
    state = outcome(runtime)
    assert (state.refunded, state.refunds) == (PRICE, (("re_1", "succeeded", True),))
