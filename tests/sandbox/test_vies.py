"""The played register of VAT numbers answers as the real one does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from domain.settings import VIES, read
from webhooks.sandbox import vies
from webhooks.sandbox.app import create_sandbox

REQUESTER = {"requesterMemberStateCode": "CZ", "requesterNumber": "12345679"}


@pytest.fixture
def register() -> Iterator[TestClient]:
    with TestClient(create_sandbox(None, seed=7)) as client:
        yield client


def check(register: TestClient, number: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """Ask about a number; returns status and body."""
    body = {"countryCode": number[:2], "vatNumber": number[2:], **more}
    answer = register.post("/vies/check-vat-number", json=body)
    return answer.status_code, answer.json()


def test_a_consultation_number_is_given_to_whoever_says_who_asks(register: TestClient) -> None:
    status, known = check(register, "DE123456100", **REQUESTER)
    assert (status, known["valid"]) == (200, True)
    assert known["requestIdentifier"].startswith("WAPI")
    assert check(register, "DE123456100")[1]["requestIdentifier"] == ""


def test_a_number_that_is_not_valid_is_an_ordinary_answer(register: TestClient) -> None:
    status, known = check(register, "DE123456200", **REQUESTER)
    assert (status, known["valid"], known["requestIdentifier"]) == (200, False, "")


@pytest.mark.parametrize("ending", vies.ERRORS)
def test_errors_come_in_the_body_and_only_wrong_input_is_a_400(
    register: TestClient, ending: str
) -> None:
    status, body = check(register, f"DE123456{ending}")
    assert status == (400 if ending == "201" else 200)
    assert body == {"actionSucceed": False, "errorWrappers": [{"error": vies.ERRORS[ending]}]}


def test_what_cannot_be_read_is_wrong_input(register: TestClient) -> None:
    answer = register.post("/vies/check-vat-number", content=b"{")
    assert (answer.status_code, answer.json()["errorWrappers"]) == (
        400,
        [{"error": "INVALID_INPUT"}],
    )


def test_a_register_can_be_away_for_one_member_state(register: TestClient) -> None:
    away = {"country": "EL", "available": False}
    assert register.post("/sandbox/vies/states", json=away).json() == away
    assert check(register, "EL094259216")[1]["errorWrappers"] == [{"error": "MS_UNAVAILABLE"}]
    assert check(register, "DE136695976")[1]["valid"] is True
    register.post("/sandbox/vies/states", json={**away, "available": True})
    assert check(register, "EL094259216")[1]["valid"] is True


def test_the_answer_about_a_number_can_be_chosen_but_not_invented(register: TestClient) -> None:
    chosen = {"number": "DE136695976", "answer": "invalid"}
    assert register.post("/sandbox/vies/numbers", json=chosen).status_code == 200
    assert check(register, "DE136695976")[1]["valid"] is False
    refused = register.post("/sandbox/vies/numbers", json={**chosen, "answer": "perhaps"})
    assert (refused.status_code, "valid, invalid" in refused.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    "environ, expected",
    [
        ({}, VIES),
        ({"BILLHOOK_SANDBOX": "http://s:1/"}, "http://s:1/vies/check-vat-number"),
        ({"BILLHOOK_SANDBOX": "http://s:1", "VIES_URL": "http://v:2/ask"}, "http://v:2/ask"),
    ],
)
def test_the_register_is_the_one_told_else_the_played_else_the_real_one(
    environ: dict[str, str], expected: str
) -> None:
    assert read(environ, dotenv=None).vat_register == expected
