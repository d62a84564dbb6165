"""A year of one account of each kind, by a clock that is moved: what stands at its end.

By card, by wallet, and run by either provider: twelve months and more pass in seconds, through the
real API, signed webhooks and every job. In each a renewal fails and recovers, and the subscription
ends and the account is blocked; who is run by a provider then comes back.
"""

from __future__ import annotations

import email
import email.policy
import time
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import accounts, clock
from domain.accounts import Account
from domain.effects import Effect
from domain.invoice_files import InvoiceFile
from domain.invoices import Invoice
from domain.payments import Payment
from domain.settings import Settings
from tests.invariants import assert_invariants
from workers.embedded import Embedded
from workers.stories.library import STORIES
from workers.stories.stage import Stage

SECONDS = 60
"""Of the processor, for a year: nothing really waits."""
REMINDERS = "renewal_ahead"
"""Mails that are counted where they are tested."""
OURS = {"receipt": 13, "renewal_failed": 2, "expiry_warning": 3, "blocked": 1}
THEIRS = {"receipt": 13, "blocked": 1, "unblocked": 1}
OVER = {
    "state": "expired",
    "auto_renew": False,
    "auto_renew_off_reason": "customer",
    "managed_by": "us",
    "agents": 2,
}


class Year(NamedTuple):
    """Whose year it is, and what stands at its end."""

    ref: str
    status: str
    subscription: dict[str, Any]
    mails: dict[str, int]


YEARS = {
    "year-by-card": Year("kamila", "blocked", OVER, OURS),
    "year-by-wallet": Year("walter", "blocked", OVER, OURS),
    "stripe-billing": Year(
        "stella",
        "active",
        {"state": "active", "auto_renew": True, "managed_by": "stripe", "agents": 3},
        THEIRS,
    ),
    "paypal-subscription": Year(
        "pavel",
        "active",
        {"state": "active", "auto_renew": True, "managed_by": "paypal", "agents": 1},
        THEIRS,
    ),
}


@pytest.fixture
def billhook(tmp_path: Path, frozen_clock: object) -> Iterator[Embedded]:
    settings = msgspec.structs.replace(
        Settings(),
        database_url=f"sqlite:///{tmp_path / 'year.db'}",
        port=0,
        state_dir=tmp_path,
        log_level="error",
    )
    running = Embedded(settings, sandbox_port=0, seed=1).start()
    yield running
    running.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", YEARS)
def test_a_year_plays_through_in_seconds_and_ends_as_documented(
    billhook: Embedded, tmp_path: Path, name: str
) -> None:
    year, began, spent = YEARS[name], clock.now(), time.process_time()
    stage = Stage(billhook)
    STORIES[name](stage)
    assert (clock.now() - began).days >= 365
    assert time.process_time() - spent < SECONDS
    told = stage.account(year.ref)
    assert told["status"] == year.status
    assert (told["blocked"] or {}).get("reason") == (
        "subscription_expired" if year.status == "blocked" else None
    )
    assert year.subscription.items() <= told["subscription"].items()
    assert (told["credit"]["amount"], told["open_order"]) == (0, None)
    with billhook.runtime.database.transaction() as session:
        owner = accounts.find(session, year.ref)
        check_papers(session, owner)
        sent = mails_of(session, owner)
        assert sent == year.mails
    check_letters(sorted((tmp_path / "mail").glob("**/*.eml")), year)
    assert_invariants(billhook.runtime.database)


def check_papers(session: Session, owner: Account) -> None:
    """Thirteen payments, each with its invoice over its amount: numbered without a gap, in the
    series of its year, printed once and for good."""
    papers = session.scalars(
        select(Invoice).where(Invoice.account_id == owner.id).order_by(Invoice.id)
    ).all()
    paid = session.scalars(
        select(Payment).where(Payment.account_id == owner.id, Payment.state == "succeeded")
    ).all()
    assert len(papers) == len(paid) == 13
    amounts = {payment.id: payment.amount for payment in paid}
    assert {paper.payment_id: paper.total for paper in papers} == amounts
    assert {paper.kind for paper in papers} == {"invoice"}
    for series in {paper.series for paper in papers}:
        positions = [paper.position for paper in papers if paper.series == series]
        assert positions == list(range(1, len(positions) + 1))
        assert all(p.number == f"{series}-{p.position:06}" for p in papers if p.series == series)
    assert all(a.issued_at < b.issued_at for a, b in pairwise(papers))
    files = session.execute(select(InvoiceFile.invoice_id, InvoiceFile.pdf)).all()
    assert sorted(number for number, _ in files) == [paper.id for paper in papers]
    assert all(pdf.startswith(b"%PDF-") for _, pdf in files)


def mails_of(session: Session, owner: Account) -> Counter[str]:
    """The mails that went out to the account, by kind."""
    statement = select(Effect.target).where(
        Effect.account_id == owner.id,
        Effect.kind == "send_mail",
        Effect.status == "done",
        Effect.target != REMINDERS,
    )
    return Counter(session.scalars(statement))


def check_letters(files: list[Path], year: Year) -> None:
    """Each mail is a letter to the customer; the receipts carry one PDF each, all different."""
    letters = [read(file) for file in files]
    assert {letter["To"] for letter in letters} == {f"{year.ref}@customers.example"}
    attached = [
        part.get_content()
        for letter in letters
        for part in letter.iter_attachments()
        if part.get_content_type() == "application/pdf"
    ]
    assert len(attached) == len(set(attached)) == year.mails["receipt"]
    assert len(letters) >= sum(year.mails.values())


def read(file: Path) -> EmailMessage:
    """A letter as it was written."""
    return email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
