"""What holds for every page: who may see it, what it is sent with, and how it looks when wrong."""

from __future__ import annotations

from tests.console.conftest import Visitor


def test_the_start_leads_to_the_console_and_the_console_to_the_sign_in(stranger: Visitor) -> None:
    start = stranger.get("/")
    assert (start.status_code, start.headers["location"]) == (303, "/console")
    audit = stranger.get("/console/audit?actor=a%26b")
    assert audit.status_code == 303
    assert audit.headers["location"] == ("/console/sign-in?to=%2Fconsole%2Faudit%3Factor%3Da%2526b")


def test_a_page_that_does_not_exist_is_a_page_that_says_so(operator: Visitor) -> None:
    answer = operator.get("/console/nowhere")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text


def test_the_audit_log_shows_the_sign_in(operator: Visitor) -> None:
    answer = operator.get("/console/audit")
    assert answer.status_code == 200
    assert "operator:anna" in answer.text
