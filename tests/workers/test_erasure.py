"""Erasure on request: what is personal is gone, and what the law wants kept adds up as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update

from domain import accounts, erasure, event_view, inbox, readings, trials
from domain.accounts import Account
from domain.audit import AuditEntry, Decider
from domain.data_keys import DataKey, Erased
from domain.database import Database
from domain.effects import Effect
from domain.errors import Refused
from domain.history import HistoryEntry
from domain.inbox import Event, Payload
from domain.invoices import Invoice
from domain.methods import PaymentMethod
from domain.orders import Order
from domain.payments import Payment
from domain.ports import ReadingRequest
from domain.readings import StoredReading
from domain.subscriptions import Subscription
from domain.trials import Trial
from domain.work import Work
from tests import lives
from tests.invariants import assert_invariants
from tests.workers.sealed_shop import (
    BY,
    CANARY,
    LAST4,
    bodies,
    bought,
    erase,
    keep_card,
    perform,
    raw,
    with_ring,
)
from workers import process_events
from workers.runtime import Runtime

EMAIL = f"{CANARY}@customers.example"


@pytest.fixture
def runtime(database: Database) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime, email=EMAIL)
    return runtime


def settled(runtime: Runtime) -> None:
    """A purchase with everything that follows from it."""
    bought(runtime)
    perform(runtime)


def count(runtime: Runtime, table: Any) -> int:
    with runtime.database.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_ids_amounts_invoices_and_the_audit_stay_and_the_invariants_hold(
    runtime: Runtime,
) -> None:
    settled(runtime)

    def books() -> list[Any]:
        with runtime.database.transaction() as session:
            papers = session.execute(
                select(Invoice.number, Invoice.total, Invoice.currency, Invoice.id)
            ).all()
            money = session.execute(select(Payment.reference, Payment.amount, Payment.state)).all()
            events = session.execute(
                select(Event.provider_event_id, Event.amount, Event.status).order_by(Event.id)
            ).all()
            paper = session.scalars(select(Invoice)).one().content["buyer"]["email"]
            return [*papers, *money, *events, paper]

    before = books()
    erase(runtime)
    assert books() == before
    assert EMAIL in before
    assert_invariants(runtime.database)
    with runtime.database.transaction() as session:
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.action, entry.actor, entry.subject) == ("erase", BY.actor, "acme")
        assert entry.reason == BY.reason
        kinds = session.scalars(select(HistoryEntry.kind)).all()
        assert "personal_data_erased" in kinds


def test_nothing_personal_is_left_outside_the_papers(runtime: Runtime) -> None:
    settled(runtime)
    names = ("accounts", "effects", "events", "payments", "payment_methods", "orders", "history")
    assert EMAIL.encode() in (before := raw(runtime.database, *names))
    assert LAST4.encode() in before
    done = erase(runtime)
    assert (done["payloads"], done["payment_methods"]) == (3, 0)
    left = raw(runtime.database, *names, "attempts", "audit")
    assert CANARY.encode() not in left
    assert LAST4.encode() not in left
    with runtime.database.transaction() as session:
        account = accounts.find(session, "acme")
        assert (account.email, account.billing) == ("", {"country": "CZ"})
        assert account.erased_at is not None


def test_the_payloads_cannot_be_read_any_more_nor_worked_again(runtime: Runtime) -> None:
    settled(runtime)
    first = lives.events(runtime)[0]
    erase(runtime)
    assert all(isinstance(each, Erased) for each in bodies(runtime).values())
    with runtime.database.transaction() as session:
        seen = event_view.view(session, first.id, unmasked=True)
        assert (seen.payload, seen.body) == (None, None)
        assert seen.erased_at is not None
        event = inbox.find(session, first.id, lock=True)
        with pytest.raises(Refused, match="was erased on 20") as refused:
            inbox.replay(session, event, actor="test", reason="again")
    assert refused.value.code == "payload_erased"


def test_an_older_copy_of_its_rows_cannot_be_read_either(runtime: Runtime) -> None:
    settled(runtime)
    event = lives.events(runtime)[0]
    with runtime.database.transaction() as session:
        body = session.scalar(select(Payload.body).where(Payload.event_id == event.id))
        keys = session.scalars(select(DataKey)).one()
        wrapped, master = keys.wrapped, keys.master
    erase(runtime)
    with runtime.database.transaction() as session:
        session.execute(delete(Payload).where(Payload.event_id == event.id))
        values = {"event_id": event.id, "received_at": event.received_at, "body": body}
        session.add(Payload(**values))
        old = {"sealed_key": event.sealed_key, "data_key_id": event.data_key_id}
        session.execute(update(Event).where(Event.id == event.id).values(**old))
        gone = session.scalars(select(DataKey)).one()
        assert (gone.wrapped, gone.master) == (None, None)
        assert wrapped is not None
        assert master == "tests"
    assert isinstance(bodies(runtime)[event.id], Erased)


def test_an_event_whose_payload_was_erased_is_parked_with_the_reason(runtime: Runtime) -> None:
    settled(runtime)
    erase(runtime)
    with runtime.database.transaction() as session:
        session.execute(update(Event).values(status="received", next_attempt_at=BY_NOW))
    process_events.drain(runtime)
    told = {(event.status, event.note) for event in lives.events(runtime)}
    assert {status for status, _ in told} == {"parked"}
    assert all("erased on" in (note or "") for _, note in told)


BY_NOW = text("received_at")


def test_payloads_that_were_kept_plain_are_deleted(runtime: Runtime) -> None:
    plain = with_ring(runtime)
    settled(plain)
    erase(plain)
    assert count(runtime, Payload) == 0
    assert all(isinstance(each, Erased) for each in bodies(runtime).values())
    assert len(bodies(runtime)) == 3
    plain.close()


def test_what_comes_later_gets_a_fresh_key_and_is_erased_by_the_next_erasure(
    runtime: Runtime,
) -> None:
    settled(runtime)
    erase(runtime)
    bought(runtime, intent="pi_2")
    perform(runtime)
    assert sum(isinstance(each, bytes) for each in bodies(runtime).values()) == 3
    erase(runtime)
    assert all(isinstance(each, Erased) for each in bodies(runtime).values())
    with runtime.database.transaction() as session:
        keys = session.scalars(select(DataKey)).all()
        assert [key.destroyed_at is not None for key in keys] == [True, True]
    assert_invariants(runtime.database)


def test_other_accounts_are_not_touched(runtime: Runtime) -> None:
    settled(runtime)
    lives.account(runtime, "other")
    bought(runtime, "other", "pi_2")
    perform(runtime)
    erase(runtime)
    told = list(bodies(runtime).values())
    assert [isinstance(each, bytes) for each in told] == [False] * 3 + [True] * 3
    with runtime.database.transaction() as session:
        assert accounts.find(session, "other").email == "other@customers.example"


def test_readings_and_dry_runs_of_its_events_are_gone(runtime: Runtime) -> None:
    settled(runtime)
    event = lives.events(runtime)[0]
    with runtime.database.transaction() as session:
        sequence = readings.begin(session, "stripe", ReadingRequest("charge", "ch_1"))
        readings.complete(session, sequence, {"name": CANARY})
        effect = session.scalars(select(Effect).limit(1)).one()
        effect.kind, effect.event_id = "read_object", event.id
        effect.result = {"sequence": sequence}
        trials.want(session, event.id, BY)
    assert erase(runtime)["readings"] == 1
    with runtime.database.transaction() as session:
        row = session.get_one(StoredReading, sequence)
        assert (row.sealed, row.document, row.sealed_key) == (None, None, None)
    assert count(runtime, Trial) == 0


def test_saved_methods_are_removed_here_and_at_the_provider_and_mails_are_skipped(
    runtime: Runtime,
) -> None:
    settled(runtime)
    keep_card(runtime, "pm_1")
    with runtime.database.transaction() as session:
        assert LAST4 in session.scalars(select(PaymentMethod)).one().label
        mail = session.scalars(select(Effect).where(Effect.kind == "send_mail")).first()
        assert mail is not None
        mail.status, mail.next_attempt_at = "wanted", mail.created_at
    assert LAST4.encode() in raw(runtime.database, "history")
    erase(runtime)
    assert LAST4.encode() not in raw(runtime.database, "history", "payment_methods", "effects")
    with runtime.database.transaction() as session:
        method = session.scalars(select(PaymentMethod)).one()
        assert method.removed_at is not None
        assert (method.last4, method.token) == (None, "pm_1")
        removal = session.scalars(select(Effect).where(Effect.kind == "remove_method")).one()
        assert (removal.status, removal.target) == ("wanted", "pm_1")
        mails = session.scalars(select(Effect).where(Effect.kind == "send_mail")).all()
        assert {each.payload.get("to") for each in mails} == {None}
        assert "skipped" in {each.status for each in mails}


def _open_order(runtime: Runtime) -> None:
    lives.order(runtime)


def _unfinished_event(runtime: Runtime) -> None:
    settled(runtime)
    with runtime.database.transaction() as session:
        session.execute(update(Event).where(Event.id == 1).values(status="parked"))


def _pending_effect(runtime: Runtime) -> None:
    settled(runtime)
    with runtime.database.transaction() as session:
        owner = session.scalars(select(Account.id)).one()
        values = {"cause": "x", "kind": "refund_payment", "target": "x", "status": "parked"}
        session.add(Effect(account_id=owner, **values))


TOO_EARLY: dict[str, tuple[Callable[[Runtime], None], bool, str]] = {
    "an open order": (_open_order, True, "order .* is open"),
    "an unfinished event": (_unfinished_event, True, "event 1 is parked"),
    "a planned refund": (_pending_effect, True, "refund_payment"),
    "a subscription that runs": (settled, False, "runs until"),
}


@pytest.mark.parametrize("what", TOO_EARLY)
def test_nothing_is_erased_too_early(runtime: Runtime, what: str) -> None:
    prepare, end_now, told = TOO_EARLY[what]
    prepare(runtime)
    with pytest.raises(Refused, match=told):
        erase(runtime, end_now=end_now)
    with runtime.database.transaction() as session:
        assert accounts.find(session, "acme").email == EMAIL
    assert not any(isinstance(each, Erased) for each in bodies(runtime).values())


def test_a_subscription_that_runs_is_ended_when_that_is_said(runtime: Runtime) -> None:
    settled(runtime)
    erase(runtime)
    with runtime.database.transaction() as session:
        ended = session.scalars(select(Subscription)).one()
        assert (ended.state, ended.auto_renew) == ("ended", False)
        assert ended.auto_renew_off_reason == "erased"
        assert session.scalars(select(Order.state)).all() == ["paid"]


def test_an_erasure_without_a_reason_is_refused(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        work = Work(session, runtime.catalogue, accounts.lock(session, "acme"), actor="x")
        with pytest.raises(Refused, match="reason"):
            erasure.erase(work, Decider(actor="x"))
