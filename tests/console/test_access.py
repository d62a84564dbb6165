"""Who may see and do what: every address of the console, for everybody, and forged calls."""

from __future__ import annotations

import re
from typing import Any

import pytest

from domain.audit import AuditEntry
from domain.database import Database
from tests.console.conftest import ORIGIN, Visitor
from webhooks.console import MODULES
from webhooks.console.page import OPERATOR, Action, Page

PAGES: list[Page] = [page for module in MODULES for page in getattr(module, "PAGES", ())]
ACTIONS: list[Action] = [one for module in MODULES for one in getattr(module, "ACTIONS", ())]
CLOSED = [page for page in PAGES if not page.is_open]
GUARDED = [action for action in ACTIONS if not action.is_open]
FORGED: dict[str, dict[str, str]] = {
    "of another site": {"Origin": "https://evil.example"},
    "of nowhere": {"Origin": "null"},
    "of a neighbour": {"Origin": "http://testserver.evil.example"},
    "that the browser calls foreign": {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"},
    "without an origin": {},
}


def address(path: str) -> str:
    """A path with its places filled in."""
    return "/console" + re.sub(r"\{\w+\}", "1", path)


def count_decisions(database: Database) -> int:
    """How many lines the audit log has."""
    with database.transaction() as session:
        return session.query(AuditEntry).count()


@pytest.mark.parametrize("page", CLOSED, ids=lambda page: page.path or "/")
def test_a_stranger_is_asked_to_sign_in(stranger: Visitor, page: Page) -> None:
    answer = stranger.get(address(page.path))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in?to=%2Fconsole")


@pytest.mark.parametrize("action", GUARDED, ids=lambda action: action.path)
def test_a_stranger_can_do_nothing(stranger: Visitor, database: Database, action: Action) -> None:
    answer = stranger.client.post(
        address(action.path),
        data={"reason": "because"},
        headers={"Origin": ORIGIN},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0] == "/console/sign-in"
    assert count_decisions(database) == 0


@pytest.mark.parametrize("page", CLOSED, ids=lambda page: page.path or "/")
def test_a_viewer_reads_every_page_that_is_not_for_operators(viewer: Visitor, page: Page) -> None:
    expected = {403} if page.roles == OPERATOR else {200, 404}
    assert viewer.get(address(page.path)).status_code in expected


@pytest.mark.parametrize("page", CLOSED, ids=lambda page: page.path or "/")
def test_an_operator_reads_every_page(operator: Visitor, page: Page) -> None:
    assert operator.get(address(page.path)).status_code in {200, 404}


@pytest.mark.parametrize(
    "action", [one for one in GUARDED if one.roles == OPERATOR], ids=lambda action: action.path
)
def test_a_viewer_decides_nothing(viewer: Visitor, database: Database, action: Action) -> None:
    before = count_decisions(database)
    answer = viewer.post(address(action.path), {"reason": "because"})
    assert answer.status_code == 403
    assert "This needs the role operator" in answer.text
    assert viewer.get(address(action.path)).status_code in {200, 403, 404, 405}
    assert count_decisions(database) == before


@pytest.mark.parametrize("how", FORGED)
def test_a_form_of_another_site_does_nothing(operator: Visitor, how: str) -> None:
    answer = operator.client.post(
        "/console/sign-out",
        data={"csrf": operator.token()},
        headers=FORGED[how],
        follow_redirects=False,
    )
    assert answer.status_code == 403
    assert operator.get("/console/me").status_code == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_the_sessions_token_does_nothing(operator: Visitor, token: str) -> None:
    answer = operator.client.post(
        "/console/sign-out",
        data={"csrf": token},
        headers={"Origin": ORIGIN},
        follow_redirects=False,
    )
    assert answer.status_code == 403
    assert "out of date" in answer.text
    assert operator.get("/console/me").status_code == 200


def test_the_token_of_another_session_does_not_fit(operator: Visitor, viewer: Visitor) -> None:
    answer = operator.client.post(
        "/console/sign-out",
        data={"csrf": viewer.token()},
        headers={"Origin": ORIGIN},
        follow_redirects=False,
    )
    assert answer.status_code == 403


def test_signing_in_from_another_sites_form_does_nothing(stranger: Visitor) -> None:
    answer = stranger.client.post(
        "/console/sign-in",
        data={"name": "anna", "password": "x"},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403


def test_a_form_is_a_form_and_not_json(operator: Visitor) -> None:
    answer = operator.client.post(
        "/console/sign-out", json={"csrf": operator.token()}, headers={"Origin": ORIGIN}
    )
    assert answer.status_code == 415


def test_an_endless_form_is_not_read(operator: Visitor) -> None:
    answer = operator.post("/console/me/looks", {"theme": "x" * 70_000})
    assert answer.status_code == 413


def test_a_page_is_not_posted_to_and_an_action_not_looked_at(operator: Visitor) -> None:
    assert operator.post("/console/audit").status_code == 405
    assert operator.get("/console/sign-out").status_code == 405


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_the_api_takes_the_session_for_reading(request: pytest.FixtureRequest, role: str) -> None:
    visitor: Visitor = request.getfixturevalue(role)
    assert visitor.get("/api/alerts").json() == {"items": [], "next": None}


def api_ack(visitor: Visitor, **headers: str) -> Any:
    """Acknowledge an alert that is not there, through the API."""
    return visitor.client.post("/api/alerts/1/ack", json={}, headers=headers)


def test_the_api_takes_the_session_for_deciding_only_from_our_pages(
    operator: Visitor, viewer: Visitor
) -> None:
    token = {"X-CSRF-Token": operator.token()}
    assert api_ack(operator).status_code == 403
    assert api_ack(operator, **token).status_code == 403
    assert api_ack(operator, Origin=ORIGIN).status_code == 403
    assert api_ack(operator, Origin="https://evil.example", **token).status_code == 403
    assert api_ack(operator, Origin=ORIGIN, **token).status_code == 404
    theirs = {"X-CSRF-Token": viewer.token()}
    assert api_ack(viewer, Origin=ORIGIN, **theirs).status_code == 403


def test_the_app_s_calls_are_not_for_operators(operator: Visitor) -> None:
    assert operator.get("/api/accounts/shop/invoices").status_code in {200, 403, 404}
    headers = {"Origin": ORIGIN, "X-CSRF-Token": operator.token()}
    answer = operator.client.put("/api/accounts/shop", json={}, headers=headers)
    assert answer.status_code == 403
