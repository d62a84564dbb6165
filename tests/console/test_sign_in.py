"""Signing in and out: what it takes, what it tells, how often it may be tried, how it ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from domain import audit, clock, operators, sign_in
from domain.audit import AuditEntry, Decider
from domain.database import Database
from domain.operator_sessions import IDLE, LIFETIME, OperatorSession
from domain.sign_in import Limit, SignInLimit, TooManyTries
from tests.console.conftest import PASSWORD, Visitor, add_operator

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def is_signed_in(visitor: Visitor) -> bool:
    """Whether pages are shown."""
    return bool(visitor.get("/console/me").status_code == 200)


def entries(database: Database, action: str) -> list[AuditEntry]:
    """What the audit log says about an action."""
    with database.transaction() as session:
        return audit.page(session, 50, action=action)


def test_the_right_password_leads_where_one_wanted_to_go(
    stranger: Visitor, database: Database
) -> None:
    add_operator(database, "anna", "operator")
    answer = stranger.sign_in(" Anna ", to="/console/audit?actor=x")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/audit?actor=x")
    assert is_signed_in(stranger)
    (entry,) = entries(database, "sign_in")
    assert (entry.actor, entry.source) == ("operator:anna", "192.0.2.1")


@pytest.mark.parametrize(
    "to",
    ["https://evil.example/console", "//evil.example", "/console\\@evil", "/docs", "/consoles"],
)
def test_nobody_is_led_elsewhere_after_the_sign_in(
    stranger: Visitor, database: Database, to: str
) -> None:
    add_operator(database, "anna", "operator")
    assert stranger.sign_in("anna", to=to).headers["location"] == "/console"


def test_the_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(
    stranger: Visitor, database: Database
) -> None:
    add_operator(database, "anna", "operator")
    cookie = stranger.sign_in("anna").headers["set-cookie"]
    assert cookie.startswith("billhook_session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_the_hosts_alone(
    browser: Callable[..., Visitor], database: Database
) -> None:
    add_operator(database, "anna", "operator")
    visitor = browser(base_url="https://testserver")
    answer = visitor.client.post(
        "/console/sign-in",
        data={"name": "anna", "password": PASSWORD},
        headers={"Origin": "https://testserver"},
        follow_redirects=False,
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-billhook_session=")
    assert "Secure" in cookie.split("; ")
    assert is_signed_in(visitor)


def test_over_https_a_cookie_that_a_neighbouring_host_may_have_set_is_not_believed(
    browser: Callable[..., Visitor], operator: Visitor
) -> None:
    value = operator.client.cookies["billhook_session"]
    visitor = browser(base_url="https://testserver")
    visitor.client.cookies.set("billhook_session", value)
    assert not is_signed_in(visitor)


def test_wrong_names_and_wrong_passwords_are_answered_alike(
    stranger: Visitor, database: Database
) -> None:
    add_operator(database, "anna", "operator")
    wrong, unknown = stranger.sign_in("anna", "not hers at all"), stranger.sign_in("nobody")
    assert wrong.status_code == unknown.status_code == 422
    assert "The name or the password is wrong." in wrong.text
    assert wrong.text.replace("anna", "nobody") == unknown.text
    assert "set-cookie" not in wrong.headers


def test_a_disabled_operator_neither_gets_in_nor_stays_in(
    operator: Visitor, stranger: Visitor, database: Database
) -> None:
    with database.transaction() as session:
        by = Decider(actor="cli:tests")
        operators.disable(session, by, operators.find(session, "anna"))
    assert not is_signed_in(operator)
    assert stranger.sign_in("anna").status_code == 422


def test_what_is_sent_after_the_session_has_ended_leads_back_to_its_question(
    operator: Visitor, stranger: Visitor
) -> None:
    question = "/console/accounts/shop/block"
    token = operator.token()
    late = stranger.post(question, {"csrf": token, "reason": "chargebacks"})
    assert late.headers["location"] == (
        "/console/sign-in?to=%2Fconsole%2Faccounts%2Fshop%2Fblock&undone=true"
    )
    page = stranger.get(late.headers["location"]).text
    assert "nothing was done" in page
    assert f'name="to" value="{question}"' in page
    assert 'action="/console/sign-in"' in page


def test_signing_out_ends_the_session_and_not_only_the_cookie(
    operator: Visitor, database: Database
) -> None:
    kept = operator.client.cookies["billhook_session"]
    answer = operator.post("/console/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    operator.client.cookies.set("billhook_session", kept)
    assert not is_signed_in(operator)
    assert len(entries(database, "sign_out")) == 1


def test_only_a_digest_of_the_secret_is_kept(operator: Visitor, database: Database) -> None:
    value = operator.client.cookies["billhook_session"]
    with database.transaction() as session:
        kept = session.scalars(select(OperatorSession)).one()
    assert value.partition(".")[0].encode() not in kept.digest
    assert len(kept.digest) == 32


@pytest.mark.parametrize("spoilt", ["", "x", "x.y", "ž.ž", "a" * 5000])
def test_a_made_up_cookie_is_nobody(stranger: Visitor, spoilt: str) -> None:
    headers = {"Cookie": f"billhook_session={spoilt}".encode()}
    assert stranger.get("/console/me", headers=headers).status_code == 303


def test_a_session_ends_when_nobody_uses_it(
    browser: Callable[..., Visitor], database: Database
) -> None:
    add_operator(database, "anna", "operator")
    visitor = browser()
    with time_machine.travel(NOW, tick=False) as traveller:
        visitor.sign_in("anna")
        traveller.shift(IDLE - timedelta(minutes=2))
        assert is_signed_in(visitor)
        traveller.shift(IDLE - timedelta(minutes=2))
        assert is_signed_in(visitor)
        traveller.shift(IDLE + timedelta(minutes=2))
        assert not is_signed_in(visitor)


def test_a_page_that_refreshes_itself_does_not_keep_a_session_alive(
    browser: Callable[..., Visitor], database: Database
) -> None:
    add_operator(database, "anna", "operator")
    visitor = browser()
    with time_machine.travel(NOW, tick=False) as traveller:
        visitor.sign_in("anna")
        traveller.shift(IDLE / 2)
        assert visitor.part("/console", "live").status_code == 200
        traveller.shift(IDLE / 2 + timedelta(minutes=1))
        gone = visitor.part("/console", "live")
    assert gone.status_code == 204
    assert gone.headers["HX-Redirect"].startswith("/console/sign-in")


def test_a_session_ends_after_a_week_however_it_is_used(
    browser: Callable[..., Visitor], database: Database
) -> None:
    add_operator(database, "anna", "operator")
    visitor = browser()
    with time_machine.travel(NOW, tick=False) as traveller:
        visitor.sign_in("anna")
        for _ in range(int(LIFETIME / (IDLE / 2)) - 1):
            traveller.shift(IDLE / 2)
            assert is_signed_in(visitor)
        traveller.shift(IDLE / 2 + timedelta(seconds=1))
        assert not is_signed_in(visitor)


def test_the_clock_of_the_business_signs_nobody_out(operator: Visitor) -> None:
    clock.travel(clock.wall() + timedelta(days=300))
    try:
        assert is_signed_in(operator)
    finally:
        clock.reset()


def test_guessing_is_slowed_down_and_waiting_helps(
    browser: Callable[..., Visitor], database: Database
) -> None:
    add_operator(database, "anna", "operator")
    visitor = browser()
    with time_machine.travel(NOW, tick=False) as traveller:
        answers = [visitor.sign_in("anna", "wrong").status_code for _ in range(6)]
        assert answers == [422] * 5 + [429]
        refused = visitor.sign_in("anna")
        assert refused.status_code == 429
        assert "Try again in 60 seconds." in refused.text
        assert browser("198.51.100.7").sign_in("anna").status_code == 303
        traveller.shift(timedelta(seconds=61))
        assert visitor.sign_in("anna").status_code == 303


def test_unknown_names_are_limited_like_known_ones(browser: Callable[..., Visitor]) -> None:
    visitor = browser()
    answers = [visitor.sign_in("nobody", "wrong").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def use_up(database: Database, limit: Limit) -> None:
    """Take every try that a limit has in hand."""
    with suppress(TooManyTries):
        while True:
            with database.transaction() as session:
                sign_in._spend(session, [limit])


def test_who_is_known_to_come_from_a_network_is_not_kept_out_by_others(
    browser: Callable[..., Visitor], database: Database
) -> None:
    add_operator(database, "anna", "operator")
    assert browser("192.0.2.1").sign_in("anna").status_code == 303
    use_up(database, Limit(sign_in._key("name", "anna"), 30, timedelta(minutes=10)))
    assert browser("198.51.100.7").sign_in("anna").status_code == 429
    assert browser("192.0.2.1").sign_in("anna").status_code == 303


def test_one_network_guesses_many_names_no_faster(
    browser: Callable[..., Visitor], database: Database
) -> None:
    add_operator(database, "anna", "operator")
    network = sign_in.network_of("2001:db8::1")
    use_up(database, Limit(sign_in._key("network", network), 20, timedelta(minutes=10)))
    assert browser("2001:db8::ffff").sign_in("anna").status_code == 429
    assert browser("2001:db8:0:1::1").sign_in("anna").status_code == 303


def test_limits_that_are_unused_again_are_forgotten(stranger: Visitor, database: Database) -> None:
    with time_machine.travel(NOW, tick=False) as traveller:
        stranger.sign_in("one", "wrong")
        traveller.shift(timedelta(hours=1))
        stranger.sign_in("two", "wrong")
        with database.transaction() as session:
            kept = session.scalars(select(SignInLimit.free_at)).all()
    assert len(kept) == 3
    assert min(kept) > NOW + timedelta(minutes=59)
