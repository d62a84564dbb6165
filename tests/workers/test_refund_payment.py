"""Refunds at the provider: asked for once, whatever is lost, and finished by whoever is first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import func, select

from domain import refunds
from domain.database import Database
from domain.effects import Effect
from domain.errors import Permanent, Transient, Unknown
from domain.invoices import Invoice
from domain.money import Money
from domain.payments import find
from domain.ports import RefundOutcome, RefundRequest
from domain.refunds import Refund
from domain.subscriptions import Subscription
from tests import lives
from tests.domain.paid_accounts import (
    PRICE,
    PROVIDER,
    alerts_of,
    opened,
    outcome,
    paid,
    perform,
    refund,
    tell,
    total,
    working,
)
from workers import perform_effects
from workers.runtime import Runtime

REFUND = "refund_payment"


class Bank:
    """A provider that gives money back, once per key, and goes wrong when told to."""

    def __init__(self) -> None:
        self.made: dict[str, RefundOutcome] = {}
        self.asked: list[RefundRequest] = []
        self.status = "succeeded"
        self.before: Exception | None = None
        """Raised once, before anything is done."""
        self.after: Exception | None = None
        """Raised once, after the money was given back: the answer is lost."""
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens between the refund and the answer."""
        self.cancelled: list[str] = []

    def refund(self, request: RefundRequest) -> RefundOutcome:
        """Give money back."""
        self.asked.append(request)
        if error := self.before:
            self.before = None
            raise error
        name = f"re_{len(self.made) + 1}"
        answer = RefundOutcome(refund=name, status=self.status)  # type: ignore[arg-type]
        made = self.made.setdefault(request.key, answer)
        self.meanwhile()
        if error := self.after:
            self.after = None
            raise error
        return made

    def cancel_subscription(self, reference: str, key: str) -> None:
        """End a subscription."""
        self.cancelled.append(reference)


@pytest.fixture
def runtime(database: Database, frozen_clock: ModuleType) -> Runtime:
    runtime = lives.runtime_on(database)
    paid(runtime)
    return runtime


@pytest.fixture
def bank(runtime: Runtime) -> Bank:
    bank = Bank()
    vars(runtime.providers[PROVIDER])["gateway"] = bank
    return bank


@pytest.fixture
def asked(runtime: Runtime) -> Refund:
    """The customer's refund, wanted."""
    wanted: Refund = working(runtime, refunds.request_full)
    return wanted


def assert_finished(runtime: Runtime) -> None:
    """The customer's refund is done, with everything that follows from it, once."""
    state = outcome(runtime)
    assert state.refunds == (("re_1", "succeeded", True),)
    assert (state.refunded, state.subscription, state.blocked) == (PRICE, "ended", "refunded")
    assert [note[2] for note in state.credit_notes] == [PRICE]
    with runtime.database.transaction() as session:
        subscription = session.scalars(select(Subscription)).one()
        note = session.scalars(select(Invoice).where(Invoice.kind == "credit_note")).one()
        mails = select(func.count()).where(Effect.kind == "send_mail", Effect.target == "blocked")
        assert session.scalar(mails) == 1
    assert (subscription.auto_renew, subscription.auto_renew_off_reason) == (False, "refunded")
    assert note.number == "CN-2026-000001"


def test_the_answer_of_the_provider_finishes_the_refund(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    assert perform(runtime, REFUND) == ["done"]
    assert_finished(runtime)
    [request] = bank.asked
    assert (request.key, request.payment) == (asked.key, "pay_1")
    assert request.amount == Money(PRICE, "CZK")


def test_the_event_and_the_total_after_the_answer_add_nothing(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    perform(runtime, REFUND)
    tell(runtime, refund("re_1", PRICE), total(PRICE))
    perform(runtime, "settle_refund_total")
    assert_finished(runtime)


def test_the_event_before_the_answer_finishes_the_refund_once(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    bank.meanwhile = lambda: tell(runtime, total(PRICE), refund("re_1", PRICE))
    assert perform(runtime, REFUND) == ["done"]
    perform(runtime, "settle_refund_total")
    assert_finished(runtime)


def test_a_pending_refund_is_finished_by_the_event(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    bank.status = "pending"
    perform(runtime, REFUND)
    assert outcome(runtime).blocked is None
    assert working(runtime, refunds.request_full).state == "pending"
    tell(runtime, refund("re_1", PRICE))
    assert_finished(runtime)


@pytest.mark.parametrize("error", [Unknown("no answer"), Transient("away")], ids=str)
def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    runtime: Runtime, bank: Bank, asked: Refund, error: Exception
) -> None:
    bank.after = error
    assert perform(runtime, REFUND) == ["waiting"]
    assert outcome(runtime).refunded == 0
    assert perform(runtime, REFUND) == ["done"]
    assert {request.key for request in bank.asked} == {asked.key}
    assert len(bank.made) == 1
    assert_finished(runtime)


def test_when_the_event_came_after_a_lost_answer_nothing_is_asked_again(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    bank.after = Unknown("no answer")
    perform(runtime, REFUND)
    tell(runtime, refund("re_1", PRICE))
    assert perform(runtime, REFUND) == ["skipped"]
    assert len(bank.asked) == 1
    assert_finished(runtime)


def test_a_worker_that_died_before_recording_is_followed_by_another(
    runtime: Runtime, bank: Bank, asked: Refund, frozen_clock: ModuleType
) -> None:
    bank.after = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        perform(runtime, REFUND)
    assert outcome(runtime).refunded == 0
    frozen_clock.advance(timedelta(minutes=5))
    assert perform(runtime, REFUND) == ["done"]
    assert_finished(runtime)


def test_a_worker_that_died_after_recording_changes_nothing_more(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    perform(runtime, REFUND)
    with runtime.database.transaction() as session:
        effect = session.scalars(select(Effect).where(Effect.kind == REFUND)).one()
        effect.status = "running"
    assert perform(runtime, REFUND) == ["skipped"]
    assert_finished(runtime)


def test_a_refund_that_the_provider_fails_is_told_and_can_be_asked_for_again(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    bank.status = "failed"
    assert perform(runtime, REFUND) == ["done"]
    state = outcome(runtime)
    assert (state.refunded, state.blocked) == (0, None)
    assert state.alerts == (("refund_failed", f"{PROVIDER}:re_1"),)
    assert working(runtime, refunds.request_full).id != asked.id


def test_a_refund_that_the_provider_refuses_is_parked_with_an_alert(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    bank.before = Permanent("the balance is too low")
    assert perform(runtime, REFUND) == ["parked"]
    assert alerts_of(runtime) == [("refund_refused", f"{PROVIDER}:pay_1")]
    assert working(runtime, refunds.request_full).id == asked.id
    with runtime.database.transaction() as session:
        session.scalars(select(Effect).where(Effect.kind == REFUND)).one().status = "wanted"
    assert perform(runtime, REFUND) == ["done"]
    assert_finished(runtime)
    assert alerts_of(runtime) == []


def test_a_dispute_opened_before_the_provider_is_asked_stops_the_refund(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    tell(runtime, opened())
    assert perform(runtime, REFUND) == ["parked"]
    assert bank.asked == []
    assert ("refund_refused", f"{PROVIDER}:pay_1") in alerts_of(runtime)


def test_a_refund_made_at_the_provider_meanwhile_fulfils_the_customers(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    tell(runtime, refund("re_1", PRICE))
    assert perform(runtime, REFUND) == ["skipped"]
    assert bank.asked == []
    assert_finished(runtime)


def test_a_refund_that_nothing_is_left_for_fails_with_an_alert(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    tell(runtime, refund("re_8", 18_580), refund("re_9", 100_000))
    assert perform(runtime, REFUND) == ["skipped"]
    assert bank.asked == []
    state = outcome(runtime)
    assert ("None", "failed", False) in state.refunds
    assert ("refund_failed", f"{PROVIDER}:pay_1") in state.alerts


def test_two_partial_refunds_of_the_same_amount_are_two(runtime: Runtime, bank: Bank) -> None:
    for _ in range(2):
        working(
            runtime,
            lambda work: refunds.request(
                work,
                find(work.session, PROVIDER, "pay_1"),  # type: ignore[arg-type]
                Money(500, "CZK"),
                "goodwill",
            ),
        )
    bank.meanwhile = lambda: tell(runtime, refund(f"re_{len(bank.made)}", 500))
    assert perform(runtime, REFUND) == ["done", "done"]
    state = outcome(runtime)
    assert (state.refunded, state.subscription, state.alerts) == (1000, "active", ())
    assert state.refunds == (("re_1", "succeeded", True), ("re_2", "succeeded", True))


def test_a_provider_that_is_switched_off_is_named(
    runtime: Runtime, asked: Refund, database: Database
) -> None:
    without = lives.runtime_on(database, {"PAYPAL_CLIENT_ID": "c", **_paypal()})
    assert perform(without, REFUND) == ["parked"]
    with database.transaction() as session:
        effect = session.scalars(select(Effect).where(Effect.kind == REFUND)).one()
    assert f"provider {PROVIDER} is switched off" in (effect.note or "")


def test_a_subscription_that_the_provider_runs_is_cancelled_there(
    runtime: Runtime, bank: Bank, asked: Refund
) -> None:
    with runtime.database.transaction() as session:
        running = session.scalars(select(Subscription)).one()
        running.managed_by, running.managed_reference = PROVIDER, "sub_1"
    perform(runtime, REFUND)
    assert perform(runtime, "cancel_subscription") == ["done"]
    assert bank.cancelled == ["sub_1"]
    assert outcome(runtime).subscription == "ended"


def test_every_effect_of_a_refund_has_its_module() -> None:
    for kind in (REFUND, "settle_refund_total", "cancel_subscription"):
        assert callable(perform_effects._perform_function(kind))


def _paypal() -> dict[str, str]:
    return {name: value for name, value in lives.ENVIRON.items() if name.startswith("PAYPAL_")}
