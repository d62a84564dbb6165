"""What a paper said before it was changed stays readable, with its PDF (BILLING 8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from domain import clock
from domain.database import Database
from domain.invoices import Invoice
from domain.papers.samples import CZECH
from tests.api.conftest import Worker, details
from tests.api.test_invoices import NUMBER, PDF, issue

REVISIONS = f"/api/invoices/{NUMBER}/revisions"


@pytest.fixture
def invoice(shop: str, database: Database, frozen_clock: object) -> str:
    """One invoice of the shop."""
    issue(database)
    return NUMBER


def revisions(client: TestClient) -> list[dict[str, Any]]:
    answer = client.get(REVISIONS)
    assert answer.status_code == 200, answer.text
    assert answer.json()["number"] == NUMBER
    return list(answer.json()["items"])


def test_an_invoice_that_was_never_changed_has_one_revision(
    client: TestClient, invoice: str
) -> None:
    (only,) = revisions(client)
    assert (only["revision"], only["changed"], only["by"]) == (1, "issued", None)
    assert (only["note"], only["buyer"]["name"]) == (None, CZECH["name"])
    assert only["pdf"] == f"{PDF}?revision=1"


def test_every_revision_tells_what_was_changed_by_whom_and_when(
    client: TestClient, invoice: str
) -> None:
    clock.advance(timedelta(days=1))
    client.patch(f"/api/invoices/{NUMBER}", json={"note": "Order 7"})
    clock.advance(timedelta(days=1))
    client.put("/api/accounts/shop", json=details(billing={"name": "Nová s.r.o."}))
    newest, middle, first = revisions(client)
    assert [each["revision"] for each in (newest, middle, first)] == [3, 2, 1]
    assert [each["changed"] for each in (newest, middle, first)] == ["buyer", "note", "issued"]
    assert newest["by"] == middle["by"] == "app:tests as app"
    assert newest["made_at"] == clock.now().isoformat().replace("+00:00", "Z")
    assert [each["note"] for each in (newest, middle, first)] == ["Order 7", "Order 7", None]
    names = [each["buyer"]["name"] for each in (newest, middle, first)]
    assert names == ["Nová s.r.o.", CZECH["name"], CZECH["name"]]


def test_the_pdf_of_an_earlier_revision_is_the_one_that_was_mailed(
    client: TestClient, invoice: str, working: Worker
) -> None:
    mailed = client.get(PDF).content
    client.patch(f"/api/invoices/{NUMBER}", json={"note": "Order 7"})
    newest = client.get(PDF).content
    assert client.get(f"{PDF}?revision=1").content == mailed != newest
    assert client.get(f"{PDF}?revision=2").content == newest


def test_an_earlier_revision_that_nobody_had_asked_for_is_printed_now(
    client: TestClient, invoice: str, working: Worker
) -> None:
    client.patch(f"/api/invoices/{NUMBER}", json={"note": "Order 7"})
    answer = client.get(f"{PDF}?revision=1")
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")


@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_the_e_invoice_of_an_earlier_revision_says_what_it_said(
    client: TestClient, invoice: str, syntax: str
) -> None:
    before = client.get(PDF, params={"format": syntax}).content
    client.patch(f"/api/invoices/{NUMBER}", json={"note": "Order 7"})
    query = {"format": syntax, "revision": "1"}
    assert client.get(PDF, params=query).content == before
    assert b"Order 7" in client.get(PDF, params={"format": syntax}).content


@pytest.mark.parametrize("path", [f"{PDF}?revision=2", f"{PDF}?revision=2&format=cii"])
def test_a_revision_that_there_never_was_is_unknown(
    client: TestClient, invoice: str, path: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "revision_unknown")
    assert "the present one is 1" in answer.json()["detail"]


def test_an_invoice_that_there_never_was_has_no_revisions(client: TestClient, shop: str) -> None:
    answer = client.get("/api/invoices/2026-999999/revisions")
    assert (answer.status_code, answer.json()["code"]) == (404, "invoice_unknown")


def test_a_reverse_charge_goes_on_naming_the_number_that_was_confirmed(
    client: TestClient, invoice: str, database: Database
) -> None:
    with database.transaction() as session:
        row = session.scalars(select(Invoice)).one()
        known = {"number": "DE136695976", "consultation": None, "at": clock.now().isoformat()}
        row.content = {**row.content, "vat_evidence": known}
    billing = {"name": "Blumen GmbH", "country": "DE", "vat_number": "de 136 695 976"}
    client.put("/api/accounts/shop", json=details(billing=billing))
    assert revisions(client)[0]["buyer"]["vat_number"] == "DE136695976"
