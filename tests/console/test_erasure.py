"""Erasing the personal data of an account from its page: told before, confirmed, done once."""

from __future__ import annotations

import html

import pytest
from sqlalchemy import update

from domain import accounts
from domain.database import Database
from domain.effects import Effect
from domain.operators import Operator
from tests.console.conftest import ORIGIN, Bell, Visitor
from tests.console.erasures import (
    CONFIRMED,
    EMAIL,
    FORM,
    NAME,
    PAGE,
    WHY,
    customer,
    decisions,
    email_of,
    entered,
)
from webhooks.api import OPERATIONS
from webhooks.console.account_erasure import ACTIONS, GONE, KEPT, NEXT


@pytest.fixture
def shop(database: Database) -> int:
    """The account of somebody who wants to be forgotten; its number."""
    return customer(database)


def test_the_page_says_what_goes_what_stays_and_what_is_left_to_do(
    operator: Visitor, shop: int
) -> None:
    assert f'href="{FORM}"' in operator.get(PAGE).text
    shown = operator.get(FORM)
    assert shown.status_code == 200
    for text in (*GONE, *KEPT, *NEXT):
        assert html.escape(text.format(ref="shop")) in shown.text
    assert "Erase the personal data of account shop?" in shown.text
    assert 'name="confirmation"' in shown.text


def test_the_name_is_gone_the_line_in_the_audit_log_stays_and_the_page_says_when(
    operator: Visitor, database: Database, bell: Bell, shop: int
) -> None:
    done = operator.post(FORM, entered(operator))
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    page = operator.get(PAGE).text
    assert "The personal data are erased." in page
    with database.transaction() as session:
        at = accounts.find(session, "shop").erased_at
    assert at is not None
    said = f"The personal data were erased on {at:%-d %b %Y, %H:%M} by operator:anna"
    assert said in page
    for planted in (NAME, EMAIL, "Canary Street", "9977"):
        assert planted not in page
    [line] = decisions(database)
    assert (line.actor, line.subject, line.reason) == ("operator:anna", "shop", WHY)
    assert line.source == "192.0.2.1"
    assert bell.rung == ["perform_effects"]
    assert "personal data erased" in operator.get("/console/accounts?q=shop").text


def test_a_form_that_is_sent_twice_erases_once(
    operator: Visitor, database: Database, shop: int
) -> None:
    form = entered(operator)
    first, second = (operator.post(FORM, form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert len(decisions(database)) == 1
    assert "The personal data had been erased already, on" in operator.get(PAGE).text


def test_a_form_from_before_a_colleagues_erasure_does_not_reach_what_came_since(
    operator: Visitor, database: Database, shop: int
) -> None:
    old = entered(operator)
    operator.post(FORM, entered(operator))
    with database.transaction() as session:
        accounts.find(session, "shop").email = EMAIL
    operator.post(FORM, old)
    assert email_of(database) == EMAIL
    assert "The app has told of the customer again since." in operator.get(PAGE).text


def test_what_came_since_is_erased_by_whoever_asks_again(
    operator: Visitor, database: Database, shop: int
) -> None:
    operator.post(FORM, entered(operator))
    with database.transaction() as session:
        accounts.find(session, "shop").email = EMAIL
        session.execute(update(Effect).values(status="done"))
    assert "Erasing again reaches what came since." in operator.get(FORM).text
    assert operator.post(FORM, entered(operator, reason="the rest")).status_code == 303
    assert email_of(database) == ""
    assert [line.reason for line in decisions(database)] == ["the rest", WHY]


@pytest.mark.parametrize("typed", ["", "Shop", "shop2", "anna"])
def test_another_reference_than_the_accounts_erases_nothing(
    operator: Visitor, database: Database, shop: int, typed: str
) -> None:
    refused = operator.post(FORM, entered(operator, confirmation=typed))
    assert refused.status_code == 422
    assert "What was typed is not the reference shop. Nothing was erased" in refused.text
    assert WHY in refused.text
    assert email_of(database) == EMAIL
    assert decisions(database) == []


def test_an_erasure_needs_a_reason(operator: Visitor, database: Database, shop: int) -> None:
    refused = operator.post(FORM, entered(operator, reason="  "))
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert email_of(database) == EMAIL


def test_the_reference_may_have_been_pasted_with_a_space(
    operator: Visitor, database: Database, shop: int
) -> None:
    assert operator.post(FORM, entered(operator, confirmation=" shop ")).status_code == 303
    assert email_of(database) == ""


def test_a_viewer_is_neither_led_to_it_nor_let_do_it(
    viewer: Visitor, database: Database, shop: int
) -> None:
    assert "erasure" not in viewer.get(PAGE).text
    assert viewer.get(FORM).status_code == 403
    refused = viewer.post(FORM, CONFIRMED)
    assert refused.status_code == 403
    assert "This needs the role operator" in refused.text
    assert email_of(database) == EMAIL


def test_a_viewer_is_told_that_and_when_it_was_done(
    operator: Visitor, viewer: Visitor, shop: int
) -> None:
    operator.post(FORM, entered(operator))
    assert "The personal data were erased on" in viewer.get(PAGE).text


def test_whoever_may_erase_through_the_api_may_here_and_nobody_else() -> None:
    [theirs] = [one for one in OPERATIONS if one.path == "/api/accounts/{ref}/erasure"]
    [ours] = ACTIONS
    assert ours.roles == theirs.roles


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_the_sessions_token_erases_nothing(
    operator: Visitor, database: Database, shop: int, token: str
) -> None:
    sent = {**CONFIRMED, "csrf": token}
    refused = operator.client.post(
        FORM, data=sent, headers={"Origin": ORIGIN}, follow_redirects=False
    )
    assert refused.status_code == 403
    assert email_of(database) == EMAIL


def test_a_form_of_another_site_erases_nothing(
    operator: Visitor, database: Database, shop: int
) -> None:
    refused = operator.post(FORM, CONFIRMED, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
    assert email_of(database) == EMAIL


def test_an_account_that_is_not_there_is_said_so(operator: Visitor) -> None:
    missing = operator.get("/console/accounts/nobody/erasure")
    assert missing.status_code == 404
    assert "There is no account nobody." in missing.text
    sent = {"confirmation": "nobody", "reason": WHY}
    assert operator.post("/console/accounts/nobody/erasure", sent).status_code == 404


@pytest.mark.parametrize(
    "language, title, refusal",
    [
        ("fr", "Effacer les données personnelles du compte shop ?", "n’est pas la référence shop"),
        ("cs", "Vymazat osobní údaje účtu shop?", "není označení shop"),
    ],
)
def test_it_is_asked_and_refused_in_the_visitors_language(
    operator: Visitor, database: Database, shop: int, language: str, title: str, refusal: str
) -> None:
    with database.transaction() as session:
        session.execute(update(Operator).values(language=language))
    assert title in operator.get(FORM).text
    assert refusal in operator.post(FORM, {**CONFIRMED, "confirmation": "x"}).text
