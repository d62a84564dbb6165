"""A rule's notice becomes one mail to the right address, with its paper and its number."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from domain import clock, invoice_files, notices
from domain.accounts import Account
from domain.catalogue import load
from domain.database import Database
from domain.effects import Effect
from domain.errors import NotYet
from domain.invoices import Invoice
from domain.mails import kinds
from domain.money import Money
from domain.work import Work
from tests import lives
from workers.effects import send_mail
from workers.process_events import drain
from workers.runtime import Runtime

RENEWAL = kinds.RenewalAhead(
    on=clock.now() + timedelta(days=1), amount=Money(4_900, "EUR"), plan="Pro"
)


def work(session: Any, billing: dict[str, Any] | None = None, locale: str = "pl") -> Work:
    account = Account(
        ref="acme",
        email="owner@customers.example",
        locale=locale,
        currency="EUR",
        billing=billing or {},
    )
    session.add(account)
    session.flush()
    return Work(session, load(), account)


def wanted(session: Any) -> list[Effect]:
    return list(session.scalars(select(Effect).order_by(Effect.id)))


def test_a_notice_wants_one_mail_per_cause(database: Database) -> None:
    with database.transaction() as session:
        unit = work(session)
        notes = [
            notices.notify(unit, "renewal_ahead", cause, RENEWAL)
            for cause in ("order:1", "order:1", "order:2")
        ]
        assert notes == [True, False, True]
        first, second = wanted(session)
        assert (first.kind, first.target, first.cause) == ("send_mail", "renewal_ahead", "order:1")
        assert first.payload["to"] == "owner@customers.example"
        assert first.payload["locale"] == "pl"
        assert "attach" not in first.payload
        assert first.account_id == unit.account.id
        assert first.key != second.key


def test_what_travels_in_the_effect_is_what_was_told(database: Database) -> None:
    with database.transaction() as session:
        notices.notify(work(session), "renewal_ahead", "order:1", RENEWAL)
    with database.transaction() as session:
        (effect,) = wanted(session)
        assert kinds.read("renewal_ahead", effect.payload["parameters"]) == RENEWAL


def test_a_notice_may_be_for_later(database: Database) -> None:
    later = clock.now() + timedelta(days=3)
    with database.transaction() as session:
        notices.notify(work(session), "unblocked", "order:1", {}, at=later)
        assert wanted(session)[0].next_attempt_at == later


def test_papers_go_to_the_billing_address_and_the_rest_to_the_account(database: Database) -> None:
    refund = kinds.RefundDone(amount=Money(100, "EUR"))
    with database.transaction() as session:
        unit = work(session, {"email": "books@customers.example"})
        notices.notify(unit, "refund_done", "refund:1", refund)
        notices.notify(unit, "blocked", "refund:1", kinds.Blocked(reason="refunded"))
        assert [effect.payload["to"] for effect in wanted(session)] == [
            "books@customers.example",
            "owner@customers.example",
        ]


def test_a_mistake_in_a_notice_shows_in_the_rule(database: Database) -> None:
    with database.transaction() as session:
        unit = work(session)
        with pytest.raises(msgspec.ValidationError):
            notices.notify(unit, "blocked", "order:1", RENEWAL)
        with pytest.raises(ValueError, match="needs the id of its paper"):
            notices.notify(unit, "receipt", "order:1", {})
        with pytest.raises(ValueError, match="comes without a paper"):
            notices.notify(unit, "unblocked", "order:1", {}, invoice_id=1)
        assert wanted(session) == []


@pytest.fixture
def runtime(database: Database, tmp_path: Path) -> Runtime:
    runtime = lives.runtime_on(database)
    runtime.settings = msgspec.structs.replace(runtime.settings, state_dir=tmp_path)
    lives.account(runtime, locale="cs")
    return runtime


def _receipt(runtime: Runtime) -> Effect:
    """Pay an order, and want the receipt of its invoice."""
    order = lives.order(runtime)
    for event in lives.payment_events(order):
        lives.deliver(runtime, event)
    drain(runtime)
    with runtime.database.transaction() as session:
        invoice = session.scalars(select(Invoice)).one()
        receipt = kinds.Receipt(
            total=Money(invoice.total, invoice.currency),
            paid=Money(invoice.total, invoice.currency),
            plan="Standard",
            interval="month",
            agents=2,
            period_end=clock.now(),
        )
        account = session.get_one(Account, invoice.account_id)
        unit = Work(session, runtime.catalogue, account)
        notices.notify(unit, "receipt", f"invoice:{invoice.id}", receipt, invoice_id=invoice.id)
        statement = select(Effect).where(
            Effect.kind == "send_mail", Effect.cause == f"invoice:{invoice.id}"
        )
        return session.scalars(statement).one()


def test_a_receipt_carries_the_number_and_the_pdf_of_its_invoice(
    runtime: Runtime, tmp_path: Path
) -> None:
    pytest.importorskip("typst")
    from email import message_from_bytes
    from email.message import EmailMessage
    from email.policy import default

    send_mail.perform(runtime, _receipt(runtime))
    (path,) = (tmp_path / "mail").iterdir()
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    number = f"{clock.now().year}-000001"
    assert message["Subject"] == f"Potvrzení platby, faktura {number}"
    (pdf,) = message.iter_attachments()
    assert isinstance(pdf, EmailMessage)
    assert pdf.get_filename() == f"{number}.pdf"
    assert pdf.get_content_type() == "application/pdf"
    assert pdf.get_content().startswith(b"%PDF-")
    # What is downloaded, now and in ten years, is the file that was mailed.
    with runtime.database.transaction() as session:
        invoice = session.scalars(select(Invoice)).one()
        assert invoice_files.stored(session, invoice.id, 1) == pdf.get_content()


def test_a_paper_without_its_number_is_waited_for(runtime: Runtime) -> None:
    effect = _receipt(runtime)
    with runtime.database.transaction() as session:
        invoice = session.scalars(select(Invoice)).one()
        invoice.number = invoice.position = None
    with pytest.raises(NotYet, match="has no number yet"):
        send_mail.perform(runtime, effect)
