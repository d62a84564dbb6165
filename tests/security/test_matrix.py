"""Every route × every claim to be somebody: who may pass passes, and a refusal leaves nothing done.

The table of ``doors.py`` is held against the application's own routes and against the published
contract.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select
from starlette.routing import Route
from starlette.testclient import TestClient

from domain.database import Base
from domain.invoices import Invoice
from domain.orders import Order
from domain.payments import Payment
from tests.security.doors import DOORS, EXAMPLES, NOWHERE, REASON, SAFE, Door
from tests.security.keys import KEYS, Key, Locksmith, Shown
from webhooks.api import OPERATIONS
from webhooks.api.openapi import document
from webhooks.api.parts import Services

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
OVERRIDES = {
    "X-HTTP-Method-Override": "DELETE",
    "X-HTTP-Method": "PUT",
    "X-Method-Override": "POST",
}
OURS = frozenset({"operators", "operator_sessions", "api_tokens", "sign_in_limits"})
"""Tables that change because of how these tests sign in."""


@pytest.fixture
def places(services: Services) -> dict[str, str]:
    """What there is for each name in a path."""
    with services.database.transaction() as session:
        number = session.scalars(select(Invoice.number)).first()
        assert number is not None
        assert session.get(Payment, 1) is not None
        assert session.scalars(select(Order.id)).first() is not None
    return {"ref": "shop", "id": "1", "number": number, "provider": "acme", "name": "console.css"}


def snapshot(services: Services) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, except what signing in leaves."""
    with services.database.transaction() as session:
        return {
            name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for name, table in Base.metadata.tables.items()
            if name not in OURS
        }


def send(client: TestClient, door: Door, shown: Shown, places: dict[str, str]) -> Any:
    """Make a call that would succeed if it were allowed, as far as that can be."""
    address, headers = door.address(places), shown.headers
    if door.path.startswith("/console") and door.changes:
        data = {**REASON, "name": "nobody", "password": "wrong", "csrf": shown.csrf}
        return client.request(door.method, address, data=data, headers=headers)
    example = EXAMPLES.get((door.method, door.path))
    more = {} if example is None else {"json": example}
    return client.request(door.method, address, headers=headers, **more)


def verdict(door: Door, key: Key) -> int | None:
    """The status of the refusal that is due; None when the call may pass."""
    is_meant = key.is_ours and key.has_token
    if door.is_public:
        return None
    if door.path == "/console/sign-in":
        return None if key.is_ours and (key.has_token or key.console is None) else 403
    if not door.is_api:
        role, stranger = key.console, 303
    else:
        role, stranger = key.api, 401
        is_meant = is_meant or key.console is None
    if role is None:
        return stranger
    return None if door.admits(role) and (is_meant or not door.changes) else 403


def refusal(answer: Any) -> int | None:
    """The status by which a call was kept out; None when it was let in."""
    location = answer.headers.get("location", "")
    is_sent_away = location.startswith("/console/sign-in") and "set-cookie" not in answer.headers
    return answer.status_code if is_sent_away or answer.status_code in {401, 403} else None


GUARDED = [door for door in DOORS if "provider" not in door.who]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_each_claim_opens_the_doors_that_it_should_and_no_other(
    services: Services, client: TestClient, places: dict[str, str], key: Key
) -> None:
    smith, before = Locksmith(services), snapshot(services)
    closed = [door for door in GUARDED if verdict(door, key) is not None]
    opened = [door for door in GUARDED if door not in closed]
    answers = {door: send(client, door, key.make(smith), places) for door in closed}
    wrong = [
        (*door, refusal(answer), verdict(door, key))
        for door, answer in answers.items()
        if refusal(answer) != verdict(door, key)
    ]
    assert wrong == []
    assert snapshot(services) == before
    for door in opened:
        answer = send(client, door, key.make(smith), places)
        assert refusal(answer) is None, door
        assert answer.status_code < 500, door


def test_a_refusal_says_how_to_get_in_and_nothing_of_what_is_inside(
    client: TestClient, places: dict[str, str]
) -> None:
    for door in (each for each in GUARDED if each.is_api):
        there, nowhere = (
            client.request(door.method, door.address(values))
            for values in (places, {**places, "ref": "none", "id": "99", "number": "NONE"})
        )
        assert there.headers["www-authenticate"] == 'Bearer realm="billhook"'
        assert there.json() == nowhere.json()


def test_no_credential_is_worth_a_signature_to_the_webhooks(
    services: Services, client: TestClient
) -> None:
    smith, before = Locksmith(services), snapshot(services)
    for key in KEYS:
        answer = client.post("/webhooks/acme", json={"id": "e"}, headers=key.make(smith).headers)
        assert answer.status_code in {400, 429}, key.name
    assert snapshot(services) == before


def test_every_route_of_the_application_has_its_line_in_the_table(client: TestClient) -> None:
    routes = {route.path for route in client.app.routes}  # type: ignore[attr-defined]
    assert all(isinstance(route, Route) for route in client.app.routes)  # type: ignore[attr-defined]
    assert routes == {door.path for door in DOORS} | {NOWHERE}


def test_every_method_that_is_not_in_the_table_is_refused_to_everybody(
    services: Services, client: TestClient, places: dict[str, str]
) -> None:
    smith, before = Locksmith(services), snapshot(services)
    operator = next(key for key in KEYS if key.name == "an operator")
    known = {(door.method, door.path) for door in DOORS}
    known |= {("HEAD", door.path) for door in DOORS if door.method == "GET"}
    for path in {door.path for door in DOORS}:
        for method in METHODS:
            if (method, path) in known:
                continue
            door = Door(method, path, frozenset())
            # Below the console nothing takes another method, so nothing is there for it.
            expected = 404 if path == "/console/static/{name}" else 405
            for shown in (operator.make(smith), Shown({"Authorization": smith.token("app")})):
                answer = send(client, door, shown, places)
                assert answer.status_code == expected, (method, path)
    assert snapshot(services) == before


def test_where_nothing_is_no_method_does_anything(services: Services, client: TestClient) -> None:
    before = snapshot(services)
    for method in METHODS:
        assert client.request(method, "/console/nowhere/at-all").status_code == 404
    assert snapshot(services) == before


def test_the_table_says_what_the_published_contract_says() -> None:
    told = {
        (method.upper(), path): set(re.findall(r"`(\w+)`", each["description"].split("\n\n")[-1]))
        for path, methods in document(OPERATIONS)["paths"].items()
        for method, each in methods.items()
    }
    assert told == {(d.method, d.path): set(d.who) for d in DOORS if d.path.startswith("/api/")}


def test_a_header_that_names_another_method_changes_nothing(
    services: Services, client: TestClient, places: dict[str, str]
) -> None:
    shown = Shown({"Authorization": f"Bearer {Locksmith(services).token('app')}", **OVERRIDES})
    before = snapshot(services)
    reading = [door for door in GUARDED if door.method == "GET" and door.admits("app")]
    for door in reading:
        if not door.path.endswith(".pdf"):
            address = f"{door.address(places)}?_method=DELETE"
            for method in SAFE:
                client.request(method, address, headers=shown.headers)
                client.request(method, door.address(places), headers=shown.headers)
    assert len(reading) >= 5
    assert snapshot(services) == before


def test_head_is_refused_where_get_is(
    services: Services, client: TestClient, places: dict[str, str]
) -> None:
    smith = Locksmith(services)
    for key in (KEYS[0], next(key for key in KEYS if key.name == "a viewer")):
        for door in GUARDED:
            if door.method == "GET":
                answer = send(client, door._replace(method="HEAD"), key.make(smith), places)
                assert refusal(answer) == verdict(door, key), (key.name, door)
