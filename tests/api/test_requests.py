"""What every call has in common: signing in, strict input, ids, and answers when things fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from domain import tokens
from domain.database import Database
from tests.api.conftest import details
from webhooks.api import OPERATIONS
from webhooks.api.operation import Reply
from webhooks.api.parts import Services
from webhooks.api.resource import BODY_BYTES, Resource
from webhooks.hands import Hands

ACCOUNT = "/api/accounts/shop"


def test_a_call_without_a_token_says_how_to_sign_in(anonymous: TestClient) -> None:
    answer = anonymous.get(ACCOUNT)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="billhook"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "billhook token create" in answer.json()["detail"]


@pytest.mark.parametrize("sent", ["Bearer nonsense", "bearer " + "x" * 500, "Bearer ", "Bearer"])
def test_an_unknown_token_is_refused(anonymous: TestClient, sent: str) -> None:
    answer = anonymous.get(ACCOUNT, headers={"Authorization": sent})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_revoked_token_is_refused(anonymous: TestClient, database: Database) -> None:
    with database.transaction() as session:
        row, secret = tokens.create(session, "app", "old")
        tokens.revoke(session, row.id)
    answer = anonymous.get(ACCOUNT, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 401


def test_a_role_that_may_not_is_told_which_may(
    anonymous: TestClient, token: Callable[[str], str]
) -> None:
    sent = {"Authorization": f"Bearer {token('viewer')}"}
    answer = anonymous.put(ACCOUNT, json=details(), headers=sent)
    assert answer.status_code == 403
    assert answer.json()["code"] == "role_missing"
    assert "role app" in answer.json()["detail"]


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_an_operator_reads_what_a_viewer_reads(
    anonymous: TestClient, token: Callable[[str], str], role: str
) -> None:
    answer = anonymous.get(ACCOUNT, headers={"Authorization": f"Bearer {token(role)}"})
    assert answer.json()["code"] == "account_unknown"


def test_a_body_that_is_not_json_is_refused(client: TestClient) -> None:
    answer = client.put(ACCOUNT, content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "body_not_json")


@pytest.mark.parametrize("media_type", ["text/plain", "application/json; charset=latin-1", ""])
def test_a_body_of_another_type_is_refused(client: TestClient, media_type: str) -> None:
    answer = client.put(ACCOUNT, content=b"{}", headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "not_json")


def test_a_body_in_json_with_charset_is_taken(client: TestClient) -> None:
    body = b'{"email": "a@example.com", "currency": "EUR"}'
    sent = {"Content-Type": 'Application/JSON; Charset="UTF-8"'}
    assert client.put(ACCOUNT, content=body, headers=sent).status_code == 201


def test_a_body_that_is_too_large_is_refused(client: TestClient) -> None:
    body = b'{"email": "' + b"a" * BODY_BYTES + b'"}'
    answer = client.put(ACCOUNT, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "changes, field, rule",
    [
        ({"emial": "a@b.cz"}, "emial", "is not known here"),
        ({"email": "anna"}, "email", "is not of the right form. An e-mail address"),
        ({"email": "anna@example.com\n"}, "email", "is not of the right form"),
        ({"email": "anna@exam ple.com"}, "email", "is not of the right form"),
        ({"email": 5}, "email", "must be of type str, not int"),
        ({"currency": "GBP"}, "currency", "cannot be 'GBP'. CZK, EUR, USD or PLN."),
        ({"billing": {"country": "cz"}}, "billing.country", "ISO 3166"),
        ({"billing": {"nmae": "x"}}, "billing.nmae", "The fields are: name, street"),
        ({"billing": {"name": "x" * 201}}, "billing.name", "at most 200 characters"),
        ({"billing": {"name": "a\nb"}}, "billing.name", "One line of text"),
        ({"billing": {"city": " "}}, "billing.city", "One line of text"),
        ({"billing": []}, "billing", "must be of type object"),
    ],
)
def test_a_wrong_field_is_named_with_its_rule(
    client: TestClient, changes: dict[str, Any], field: str, rule: str
) -> None:
    answer = client.put(ACCOUNT, json=details(**changes))
    assert (answer.status_code, answer.json()["code"]) == (422, "body_invalid")
    assert answer.json()["errors"][0]["field"] == field
    assert rule in answer.json()["detail"]


def test_a_missing_field_is_named(client: TestClient) -> None:
    answer = client.put(ACCOUNT, json={"currency": "EUR"})
    assert answer.json()["errors"][0]["field"] == "email"
    assert "is missing" in answer.json()["detail"]


@pytest.mark.parametrize("text", [r"\u0000", r"x\ud800", r"\udc00x", r"\ud800\u0041"])
def test_text_that_cannot_be_stored_is_refused(client: TestClient, text: str) -> None:
    body = b'{"email": "%s@example.com", "currency": "EUR"}' % text.encode()
    answer = client.put(ACCOUNT, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    body = b'{"email": "a@b.cz", "currency": "EUR", "billing": {"name": "%s"}}' % text.encode()
    answer = client.put(ACCOUNT, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[" * 200_000,
        b'{"email":' * 20_000,
        b"null",
        b"[]",
        b'"x"',
        b"{}{}",
        b"1e999",
    ],
)
def test_any_bytes_as_a_body_get_a_clear_answer(client: TestClient, body: bytes) -> None:
    answer = client.put(ACCOUNT, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"]


@pytest.mark.parametrize("ref", ["a b", "x" * 65, ".hidden", "caf%C3%A9", "a%00b", "a%0A"])
def test_a_ref_of_other_characters_is_refused(client: TestClient, ref: str) -> None:
    answer = client.put(f"/api/accounts/{ref}", json=details())
    assert (answer.status_code, answer.json()["code"]) == (422, "path_invalid")
    assert "1 to 64 letters" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=201", "?limit=x", "?limit=", "?page=2", "?limit=1&limit=2", "?a"]
)
def test_a_wrong_query_is_refused(client: TestClient, shop: str, query: str) -> None:
    answer = client.get(f"/api/accounts/{shop}/history{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "query_invalid")


def test_a_sane_request_id_is_kept_and_another_replaced(client: TestClient) -> None:
    kept = client.get(ACCOUNT, headers={"X-Request-Id": "checkout-page-17"})
    assert kept.headers["X-Request-Id"] == "checkout-page-17"
    replaced = client.get(ACCOUNT, headers={"X-Request-Id": 'x" onclick="'})
    assert replaced.headers["X-Request-Id"].isalnum()
    assert client.get(ACCOUNT).headers["X-Request-Id"] != replaced.headers["X-Request-Id"]


def test_another_method_is_answered_with_those_that_are_taken(client: TestClient) -> None:
    answer = client.patch(ACCOUNT)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, PUT"


def test_head_is_answered_like_get(client: TestClient, shop: str) -> None:
    assert client.head(f"/api/accounts/{shop}").status_code == 200


def test_answers_are_kept_by_nobody(client: TestClient, shop: str) -> None:
    answer = client.get(f"/api/accounts/{shop}")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_fault_of_ours_shows_nothing_of_its_inside(
    services: Services, token: Callable[[str], str]
) -> None:
    def faulty(_call: object) -> Reply:
        raise LookupError("the customer anna@example.com is missing")

    operation = replace(OPERATIONS[1], path="/faulty", handler=faulty)
    resource = Resource(services, [operation], Hands(1, "test"))
    with TestClient(Starlette(routes=[Route("/faulty", resource)])) as client:
        answer = client.get("/faulty", headers={"Authorization": f"Bearer {token('app')}"})
    assert answer.status_code == 500
    assert answer.json()["request"] == answer.headers["X-Request-Id"]
    assert "anna" not in answer.text
    assert "LookupError" not in answer.text


def test_a_store_that_is_away_is_answered_with_when_to_come_again(services: Services) -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    resource = Resource(replace(services, database=away), OPERATIONS[:1], Hands(1, "test"))
    with TestClient(Starlette(routes=[Route(OPERATIONS[0].path, resource)])) as client:
        answer = client.put(ACCOUNT, headers={"Authorization": "Bearer some"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["code"] == "store_unavailable"
