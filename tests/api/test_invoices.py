"""An account's papers: listed, downloaded, annotated."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from domain import accounts, revisions
from domain.database import Database
from domain.effects import Effect
from domain.invoice_files import InvoiceFile
from domain.invoices import Invoice
from domain.papers.cii import cii
from domain.papers.rows import paper_of
from domain.papers.samples import CZECH, sample_invoice
from tests.api.conftest import Worker, details
from webhooks.api import resource
from webhooks.api.parts import Services
from workers import perform_effects
from workers.runtime import Runtime

LIST = "/api/accounts/shop/invoices"
NUMBER = "2026-000001"
PDF = f"/api/invoices/{NUMBER}.pdf"


def issue(database: Database, count: int = 1, **changes: Any) -> None:
    """Invoices of the shop, numbered from 1."""
    with database.transaction() as session:
        account = accounts.find(session, "shop")
        for position in range(1, count + 1):
            row = sample_invoice("cs", "CZK", CZECH, position=position)
            row.series, row.position, row.account_id = "2026", position, account.id
            row.cause = f"test:{position}"
            for name, value in changes.items():
                setattr(row, name, value)
            session.add(row)


@pytest.fixture
def invoice(shop: str, database: Database) -> str:
    """One invoice of the shop."""
    issue(database)
    return NUMBER


def kept(database: Database) -> list[InvoiceFile]:
    with database.transaction() as session:
        return list(session.scalars(select(InvoiceFile).order_by(InvoiceFile.revision)))


def test_pages_show_every_invoice_once_newest_first(
    client: TestClient, shop: str, database: Database
) -> None:
    issue(database, 5)
    page = client.get(f"{LIST}?limit=2").json()
    seen = [item["number"] for item in page["items"]]
    while page["next"] is not None:
        page = client.get(f"{LIST}?limit=2&cursor={page['next']}").json()
        seen += [item["number"] for item in page["items"]]
    assert seen == [f"2026-{position:06d}" for position in (5, 4, 3, 2, 1)]


def test_an_invoice_is_listed_with_its_amounts_and_its_pdf(
    client: TestClient, invoice: str
) -> None:
    (item,) = client.get(LIST).json()["items"]
    assert (item["number"], item["kind"], item["account"]) == (NUMBER, "invoice", "shop")
    assert item["net"]["amount"] + item["vat"]["amount"] == item["total"]["amount"]
    assert (item["pdf"], item["revision"], item["corrects"]) == (PDF, 1, None)


def test_the_first_download_is_rendered_and_kept(
    client: TestClient, invoice: str, working: Worker, database: Database
) -> None:
    answer = client.get(PDF)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"] == f'inline; filename="{NUMBER}.pdf"'
    assert answer.content.startswith(b"%PDF-1.7")
    (file,) = kept(database)
    assert (file.revision, file.pdf) == (1, answer.content)
    assert file.sha256 == hashlib.sha256(answer.content).hexdigest()


def test_a_kept_file_is_answered_as_it_is(
    client: TestClient, invoice: str, working: Worker, database: Database
) -> None:
    client.get(PDF)
    with database.transaction() as session:
        session.scalars(select(InvoiceFile)).one().pdf = b"%PDF as it once was"
    assert client.get(PDF).content == b"%PDF as it once was"


def test_without_a_worker_the_answer_says_that_it_is_being_printed(
    client: TestClient, invoice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "PATIENCE_S", 0.1)
    for _ in range(2):
        answer = client.get(PDF)
        assert answer.status_code == 202
        assert answer.json() == {"number": NUMBER, "revision": 1, "state": "rendering"}


def test_a_pdf_that_cannot_be_made_is_refused_with_the_way_out(
    client: TestClient, shop: str, working: Worker, database: Database
) -> None:
    issue(database, content={"sale": "nonsense"})
    answer = client.get(PDF)
    assert (answer.status_code, answer.json()["code"]) == (409, "invoice_not_printable")
    with database.transaction() as session:
        assert session.scalars(select(Effect.status)).all() == ["parked"]


@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_the_e_invoice_alone_comes_as_xml(client: TestClient, invoice: str, syntax: str) -> None:
    answer = client.get(PDF, params={"format": syntax})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    assert NUMBER.encode() in answer.content


def test_the_e_invoice_is_the_one_in_the_pdf(
    client: TestClient, invoice: str, database: Database
) -> None:
    with database.transaction() as session:
        expected = cii(paper_of(session.scalars(select(Invoice)).one()))
    assert client.get(PDF, params={"format": "cii"}).content == expected


def test_a_note_makes_a_new_revision_and_the_old_one_is_kept(
    client: TestClient, invoice: str, working: Worker, database: Database
) -> None:
    first = client.get(PDF).content
    answer = client.patch(f"/api/invoices/{NUMBER}", json={"note": "Objednávka 7\nsklad B"})
    assert (answer.json()["revision"], answer.json()["note"]) == (2, "Objednávka 7\nsklad B")
    second = client.get(PDF).content
    assert [file.pdf for file in kept(database)] == [first, second]
    assert first != second


def test_a_revision_that_was_replaced_at_once_is_printed_all_the_same(
    client: TestClient, invoice: str, services: Services, database: Database
) -> None:
    for note in ("first", "second"):
        client.patch(f"/api/invoices/{NUMBER}", json={"note": note})
    perform_effects.drain(
        Runtime(services.settings, database, services.providers, services.catalogue)
    )
    with database.transaction() as session:
        effects = session.scalars(select(Effect).order_by(Effect.id)).all()
    assert [(each.target, each.status) for each in effects] == [
        ("revision:2", "done"),
        ("revision:3", "done"),
    ]
    assert [file.revision for file in kept(database)] == [2, 3]


def test_the_same_note_again_changes_nothing(client: TestClient, invoice: str) -> None:
    states = [
        client.patch(f"/api/invoices/{NUMBER}", json={"note": note}).json()["revision"]
        for note in ("a", "a", None, None, "a")
    ]
    assert states == [2, 2, 3, 3, 4]


def test_the_history_tells_what_a_note_said_before(client: TestClient, invoice: str) -> None:
    for note in ("first", "second"):
        client.patch(f"/api/invoices/{NUMBER}", json={"note": note})
    happened = client.get("/api/accounts/shop/history").json()["items"][0]
    assert happened["sentence"] == f"invoice {NUMBER} has another note: revision 3"
    assert happened["details"]["before"] == "first"


def test_new_billing_details_reach_the_latest_invoice_alone(
    client: TestClient, shop: str, database: Database
) -> None:
    issue(database, 2)
    client.put("/api/accounts/shop", json=details(billing={"name": "Nová s.r.o."}))
    with database.transaction() as session:
        account = accounts.lock(session, "shop")
        assert revisions.readdress(session, account, "test") is None
    with database.transaction() as session:
        found = {row.number: row for row in session.scalars(select(Invoice))}
        names = {number: row.content["buyer"]["name"] for number, row in found.items()}
    assert names == {NUMBER: CZECH["name"], "2026-000002": "Nová s.r.o."}
    assert [found[number].revision for number in (NUMBER, "2026-000002")] == [1, 2]


@pytest.mark.parametrize("note", ["", " indented", "x" * 501, "bell\x07"])
def test_a_note_that_cannot_be_printed_is_refused(
    client: TestClient, invoice: str, note: str
) -> None:
    answer = client.patch(f"/api/invoices/{NUMBER}", json={"note": note})
    assert (answer.status_code, answer.json()["code"]) == (422, "body_invalid")


@pytest.mark.parametrize(
    "method,path", [("GET", ".pdf"), ("GET", ".pdf?format=ubl"), ("PATCH", "")]
)
def test_a_number_that_was_never_given_is_unknown(
    client: TestClient, shop: str, method: str, path: str
) -> None:
    body = {"note": "x"} if method == "PATCH" else None
    answer = client.request(method, f"/api/invoices/2026-999999{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "invoice_unknown")
