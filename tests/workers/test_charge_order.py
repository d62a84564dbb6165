"""A renewal is charged at most once, wherever the worker dies and whatever the provider answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain import accounts, clock, effects, methods, orders, timetable
from domain.accounts import Account
from domain.effects import Effect
from domain.errors import Transient
from domain.facts import Method
from domain.invoices import Invoice
from domain.orders import Order
from domain.payments import Payment
from domain.ports import ChargeRequest
from domain.subscriptions import Subscription
from domain.work import Work
from tests import lives
from tests.workers.conftest import Played
from webhooks.sandbox.stripe_versions import kind
from workers import perform_effects
from workers.effects import charge_order
from workers.passage import pass_time
from workers.perform_effects import Overtaken
from workers.process_events import drain
from workers.runtime import Runtime

MONTH = timedelta(days=31)


@pytest.fixture
def due(played: Played) -> Played:
    """An account with a running month, a saved card at the sandbox, and its renewal wanted."""
    runtime = played.runtime
    lives.account(runtime)
    lives.deliver(runtime, *lives.payment_events(lives.order(runtime)))
    drain(runtime)
    save_card(played)
    with runtime.database.transaction() as session:
        end = session.scalars(select(Subscription)).one().period_end
    clock.travel(end - timedelta(hours=23))
    pass_time(runtime)
    return played


def save_card(played: Played) -> None:
    gateway = played.runtime.providers["stripe"].gateway
    client = gateway._client  # type: ignore[attr-defined]
    customer = client.v1.customers.create({"email": "a@customers.example"})
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    with played.runtime.database.transaction() as session:
        account = session.scalars(select(Account)).one()
        work = Work(session, played.runtime.catalogue, account, provider="stripe")
        method = Method(
            kind="card", brand="visa", last4="4242", token=card.id, customer=customer.id
        )
        methods.save(work, method, customer.id, None)


def charges_at_the_provider(played: Played) -> int:
    intents = played.world.store.find(kind("payment_intent"), status="succeeded")
    return len(intents)


def wanted(runtime: Runtime) -> Effect:
    with runtime.database.transaction() as session:
        statement = select(Effect).where(Effect.kind == "charge_order").order_by(Effect.id.desc())
        return session.scalars(statement.limit(1)).one()


def finish(played: Played) -> tuple[int, int, str]:
    """Let what is due happen; returns charges, renewal invoices and the subscription's state."""
    for _ in range(6):
        clock.advance(timedelta(minutes=2))
        perform_effects.drain(played.runtime)
    with played.runtime.database.transaction() as session:
        invoices = session.scalar(select(func.count()).select_from(Invoice)) or 0
        state = session.scalars(select(Subscription)).one().state
    return charges_at_the_provider(played), invoices - 1, state


def test_a_renewal_is_charged_once_and_the_period_goes_on_without_a_gap(due: Played) -> None:
    with due.runtime.database.transaction() as session:
        end = session.scalars(select(Subscription)).one().period_end
    assert finish(due) == (1, 1, "active")
    with due.runtime.database.transaction() as session:
        assert session.scalars(select(Subscription)).one().period_start == end


def test_a_worker_that_dies_before_the_call_leaves_a_charge_to_be_made_once(due: Played) -> None:
    with due.runtime.database.transaction() as session:
        [claimed] = [e for e in effects.claim(session, 50) if e.kind == "charge_order"]
    assert claimed.status == "running"
    assert finish(due) == (1, 1, "active")


def test_a_worker_that_dies_right_after_the_call_does_not_charge_again(due: Played) -> None:
    effect = wanted(due.runtime)
    with due.runtime.database.transaction() as session:
        row = session.get_one(Effect, effect.id)
        row.status, row.attempts = "running", 1
        row.next_attempt_at = clock.now() + timedelta(seconds=90)
        order = session.get_one(Order, effect.target)
        method = methods.current(session, order.account_id)
    assert method is not None
    request = ChargeRequest(
        key=effect.key,
        order=order.id,
        account="acme",
        total=order.money_due,
        description="Standard, 2 × month",
        token=method.token,
        customer=method.customer,
    )
    due.runtime.providers["stripe"].gateway.charge(request)
    assert charges_at_the_provider(due) == 1
    assert finish(due) == (1, 1, "active")


def test_a_worker_that_dies_before_it_recorded_the_outcome_applies_it_once(due: Played) -> None:
    effect = wanted(due.runtime)
    charge_order.perform(due.runtime, effect_as_claimed(effect))
    assert finish(due) == (1, 1, "active")


def effect_as_claimed(effect: Effect) -> Effect:
    effect.attempts = 1
    return effect


@pytest.mark.parametrize("fault", ["timeout", "timeout_before", "error"])
def test_an_answer_that_was_not_heard_is_asked_about_and_never_charged_twice(
    due: Played, fault: str
) -> None:
    due.world.faults.add(
        {"kind": fault, "provider": "stripe", "path": "*/payment_intents", "count": 3}
    )
    assert finish(due) == (1, 1, "active")


def test_several_workers_and_clocks_at_once_charge_a_renewal_once(due: Played) -> None:
    barrier = threading.Barrier(4)

    def work(job: Callable[[Runtime], object]) -> None:
        barrier.wait()
        for _ in range(3):
            job(due.runtime)

    jobs = (perform_effects.drain, pass_time, perform_effects.drain, pass_time)
    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(work, jobs))
    assert finish(due) == (1, 1, "active")
    with due.runtime.database.transaction() as session:
        renewals = session.scalars(select(Order).where(Order.kind == "renewal")).all()
    assert [order.state for order in renewals] == ["paid"]


def test_two_workers_that_both_believe_the_charge_is_theirs_charge_once(due: Played) -> None:
    """One whose lease ran out while it waited for the provider, and the one that took over."""
    effect = wanted(due.runtime)
    barrier = threading.Barrier(2)

    def take(attempts: int) -> str:
        with due.runtime.database.transaction() as session:
            mine = session.get_one(Effect, effect.id)
            session.expunge(mine)
        mine.attempts = attempts
        barrier.wait()
        try:
            charge_order.perform(due.runtime, mine)
        except (Overtaken, Transient) as error:
            return type(error).__name__
        return "charged"

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(take, (1, 2)))
    assert "charged" in told
    assert finish(due) == (1, 1, "active")


def test_money_that_the_event_reported_first_is_not_charged_again(due: Played) -> None:
    effect = wanted(due.runtime)
    with due.runtime.database.transaction() as session:
        order = session.get_one(Order, effect.target)
    lives.deliver(due.runtime, *lives.payment_events(order, "pi_first"))
    drain(due.runtime)
    assert finish(due) == (0, 1, "active")


def test_a_renewal_without_a_saved_method_counts_as_a_failure(due: Played) -> None:
    with due.runtime.database.transaction() as session:
        account = accounts.lock(session, "acme")
        work = Work(session, due.runtime.catalogue, account)
        methods.forget(work)
    with due.runtime.database.transaction() as session:
        end = session.scalars(select(Subscription)).one().period_end
    finish(due)
    for days in (0, 2, 4):
        clock.travel(end + timedelta(days=days, minutes=1))
        pass_time(due.runtime)
        perform_effects.drain(due.runtime)
    with due.runtime.database.transaction() as session:
        subscription = session.scalars(select(Subscription)).one()
        payments = session.scalar(select(func.count()).select_from(Payment))
    assert subscription.auto_renew_off_reason == "renewal_failed"
    assert payments == 1


def test_a_renewal_does_not_take_the_place_of_an_order_that_a_customer_is_paying(
    played: Played,
) -> None:
    runtime = played.runtime
    lives.account(runtime)
    lives.deliver(runtime, *lives.payment_events(lives.order(runtime)))
    drain(runtime)
    with runtime.database.transaction() as session:
        end = session.scalars(select(Subscription)).one().period_end
    clock.travel(end - timedelta(hours=23))
    bigger = lives.order(runtime, agents=5)
    pass_time(runtime)
    with runtime.database.transaction() as session:
        assert session.get_one(Order, bigger.id).state == orders.OPEN
    clock.travel(end + timedelta(minutes=1))
    pass_time(runtime)
    with runtime.database.transaction() as session:
        assert session.get_one(Order, bigger.id).state == "superseded"


def test_a_charge_that_was_wanted_before_a_dispute_opened_is_not_made(due: Played) -> None:
    with due.runtime.database.transaction() as session:
        session.scalars(select(Subscription)).one().renewals_suspended = True
    assert finish(due)[:2] == (0, 0)
    with due.runtime.database.transaction() as session:
        subscription = session.scalars(select(Subscription)).one()
        subscription.renewals_suspended = False
        assert not subscription.renewal_in_flight
        timetable.plan(due.runtime.catalogue, subscription, clock.now())
    clock.advance(timedelta(hours=2))
    pass_time(due.runtime)
    assert finish(due) == (1, 1, "active")
