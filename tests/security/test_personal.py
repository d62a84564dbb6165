"""Whoever only reads is not told who the customers are: neither by a page nor by a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from domain import history
from domain.accounts import Account
from domain.inbox import Attempt
from domain.invoices import Invoice
from domain.methods import PaymentMethod
from tests.api.conftest import SECRET
from tests.contract.acme.ledger import delivery
from tests.security.doors import DOORS
from tests.security.keys import Locksmith, browser
from webhooks.api.parts import Services

NAME, STREET, PHONE = "Canary Canarella", "Canary Street 77", "+420600777888"
EMAIL, BILLS = "canary.person@customers.example", "canary.bills@customers.example"
VAT, LAST4, NOTE = "CZ26185610", "QZWX", "canary in a note"
PLANTED = (NAME, STREET, PHONE, EMAIL, BILLS, VAT, LAST4, NOTE)
BILLING = {"name": NAME, "street": STREET, "country": "CZ", "vat_number": VAT, "email": BILLS}
"""Written into every table that people read. Four digits for the end of a card's number would be
met by chance in the times and checksums that stand on many pages."""


@pytest.fixture
def number(services: Services) -> str:
    """The number of an invoice; everything personal that there can be is in the store."""
    with services.database.transaction() as session:
        account = session.scalars(select(Account)).one()
        account.email, account.billing = EMAIL, BILLING
        invoice = session.scalars(select(Invoice)).first()
        assert invoice is not None
        invoice.note = NOTE
        invoice.content = {**invoice.content, "buyer": BILLING}
        label = f"visa ····{LAST4}"
        method = {"account_id": account.id, "provider": "acme", "token": "pm_1", "brand": "visa"}
        session.add(PaymentMethod(**method, kind="card", last4=LAST4))
        history.note(session, account.id, "method_saved", method=label)
        return str(invoice.number)


def deliver(client: TestClient) -> None:
    """A signed event that is full of personal data, of a shape that nobody understands."""
    data = {"email": EMAIL, "name": NAME, "phone": PHONE, "card": {"last4": LAST4}, "tax_id": VAT}
    event = {"id": "evt_canary", "type": "payment.completed", "address": {"line1": STREET}, **data}
    headers, body = delivery(event, SECRET)
    assert client.post("/webhooks/acme", content=body, headers=headers).status_code == 200


def read_everything(client: TestClient, headers: dict[str, str], number: str) -> dict[str, Any]:
    """Every answer to a reading call, by its address."""
    answers = {}
    for door in (door for door in DOORS if door.method == "GET"):
        for each in ("1", "2", "3"):
            address = door.address({"ref": "shop", "id": each, "number": number, "name": "x"})
            answers[address] = client.get(address, headers=headers)
    return answers


@pytest.mark.parametrize("how", ["token", "session"])
def test_a_viewer_reads_everything_and_learns_nobodys_name(
    services: Services, client: TestClient, number: str, how: str
) -> None:
    deliver(client)
    smith = Locksmith(services)
    headers = (
        {"Authorization": f"Bearer {smith.token('viewer')}"}
        if how == "token"
        else browser("viewer")(smith).headers
    )
    answers = read_everything(client, headers, number)
    told = {a: p for a, answer in answers.items() for p in PLANTED if p in answer.text}
    assert told == {}
    assert sum(answer.status_code == 200 for answer in answers.values()) > 20


def test_an_operator_and_the_app_are_told_who_the_customers_are(
    services: Services, client: TestClient, number: str, token: Callable[[str], str]
) -> None:
    deliver(client)
    for role in ("operator", "app"):
        headers = {"Authorization": f"Bearer {token(role)}"}
        account = client.get("/api/accounts/shop", headers=headers).json()
        assert (account["email"], account["billing"]["name"]) == (EMAIL, NAME)
        assert account["payment_method"]["last4"] == LAST4
        assert LAST4 in client.get("/api/accounts/shop/history", headers=headers).text
        assert client.get(f"/api/invoices/{number}.pdf?format=cii", headers=headers).is_success
    shown = browser("operator")(Locksmith(services)).headers
    assert NAME in client.get("/console/accounts/shop", headers=shown).text
    assert NOTE in client.get(f"/console/invoices/{number}", headers=shown).text


def test_what_a_viewer_searches_for_is_not_found_by_what_is_covered(
    services: Services, client: TestClient, number: str, token: Callable[[str], str]
) -> None:
    deliver(client)
    headers = {"Authorization": f"Bearer {token('viewer')}"}
    for planted in (NAME, PHONE, VAT):
        assert client.get("/api/events", params={"q": planted}, headers=headers).json() == {
            "items": [],
            "next": None,
        }


def test_no_try_keeps_a_value_of_the_payload(services: Services) -> None:
    with services.database.transaction() as session:
        tries = session.scalars(select(Attempt)).all()
        kept = msgspec.json.encode([[each.error, each.traceback] for each in tries]).decode()
    assert tries
    assert "anna@example.com" not in kept
