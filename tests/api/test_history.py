"""The history of an account in pages."""

from __future__ import annotations

import base64

import msgspec
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from domain import history
from domain.accounts import Account
from domain.database import Database

PATH = "/api/accounts/shop/history"


@pytest.fixture
def seven(shop: str, database: Database) -> list[str]:
    """Seven lines in the history, newest first, after that of the creation."""
    with database.transaction() as session:
        account = session.scalars(select(Account)).one()
        for number in range(7):
            history.note(session, account.id, "account_updated", fields=f"field {number}")
            session.flush()
    return [f"account details changed: field {number}" for number in reversed(range(7))]


def test_pages_show_every_line_once_newest_first(client: TestClient, seven: list[str]) -> None:
    page = client.get(f"{PATH}?limit=3").json()
    seen = [item["sentence"] for item in page["items"]]
    while page["next"] is not None:
        page = client.get(f"{PATH}?limit=3&cursor={page['next']}").json()
        assert len(page["items"]) <= 3
        seen += [item["sentence"] for item in page["items"]]
    assert seen == [*seven, "account created"]


def test_lines_that_are_added_meanwhile_move_nothing(
    client: TestClient, database: Database, seven: list[str]
) -> None:
    first = client.get(f"{PATH}?limit=3").json()
    with database.transaction() as session:
        account = session.scalars(select(Account)).one()
        history.note(session, account.id, "account_updated", fields="late")
    second = client.get(f"{PATH}?limit=3&cursor={first['next']}").json()
    assert [item["sentence"] for item in second["items"]] == seven[3:6]


def test_the_last_page_has_no_next(client: TestClient, seven: list[str]) -> None:
    assert client.get(f"{PATH}?limit=8").json()["next"] is None
    assert client.get(f"{PATH}?limit=7").json()["next"] is not None


def test_a_line_has_time_kind_sentence_and_details(client: TestClient, seven: list[str]) -> None:
    item = client.get(PATH).json()["items"][0]
    assert set(item) == {"at", "kind", "sentence", "details"}
    assert item["at"].endswith("Z")
    assert item["details"] == {"fields": "field 6"}


def cursor_of(value: object) -> str:
    """A cursor with other contents than ours."""
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!!",
        "žluť",
        "%00",
        cursor_of(5),
        cursor_of(["history", "5"]),
        cursor_of(["history", 0]),
        cursor_of(["history", 2**63]),
        cursor_of(["events", 5]),
        cursor_of(["history", 5, 6]),
    ],
)
def test_a_cursor_that_we_did_not_give_is_refused(
    client: TestClient, seven: list[str], cursor: str
) -> None:
    answer = client.get(f"{PATH}?cursor={cursor}")
    assert answer.status_code == 400
    assert answer.json()["code"] in {"cursor_invalid", "query_invalid"}


def test_an_unknown_account_has_no_history(client: TestClient) -> None:
    assert client.get("/api/accounts/nobody/history").status_code == 404
