"""What the overview, alerts, audit log, settings and one's own account show and do."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from starlette.testclient import TestClient

from domain import alerts, audit, clock, leases, operators, tallies
from domain.alerts import Alert
from domain.audit import Decider
from domain.database import Database
from domain.inbox import Event
from domain.settings import Settings
from tests.console.conftest import ENVIRON, PASSWORD, Visitor
from webhooks.api.parts import Services
from webhooks.app import create_app

SECRETS = {
    "DATABASE_URL": "postgresql://billhook:pa55word@db.internal/billhook",
    "REDIS_URL": "redis://:red15@queue.internal",
    "SMTP_URL": "smtp://mailer:sm7p@mail.internal",
    "ALERT_URLS": "slack://t0ken/t1/t2",
    "BILLHOOK_SECRET_KEY": "s3cr3t" * 8,
    "BILLHOOK_APP_WEBHOOK_SECRET": "whsec_app",
    "BILLHOOK_APP_WEBHOOK_URL": "https://app.example/hook?key=k3y",
    "BILLHOOK_PUBLIC_URL": "https://user:h1dden@billing.example/p4th",
    "ACME_API_KEY": "acme_key",
}


def received(database: Database, **values: Any) -> int:
    """An event of Acme's that came a minute ago."""
    now = clock.now()
    stored = {
        "provider": "acme",
        "provider_event_id": f"evt_{values}",
        "type": "paid",
        "status": "received",
        "origin": "webhook",
        "delivery_id": "d1",
        "received_at": now - timedelta(minutes=2),
        "next_attempt_at": now,
        **values,
    }
    with database.transaction() as session:
        event = Event(**stored)
        session.add(event)
        session.flush()
        return event.id


def raised(database: Database, rule: str = "dispute_opened", **details: Any) -> int:
    """An alert."""
    with database.transaction() as session:
        told = {"amount": "49.00 EUR", "account": "shop", **details}
        assert alerts.raise_alert(session, rule, "dp_1", **told)
        return session.scalars(select(Alert.id).order_by(Alert.id.desc())).first() or 0


def test_the_overview_is_calm_when_nothing_is_wrong(operator: Visitor, database: Database) -> None:
    with database.transaction() as session:
        leases.take(session, "clock", "tests", clock.wall(), timedelta(minutes=1))
    page = operator.get("/console").text
    assert "Everything runs. Nothing needs a person." in page
    assert "The clock process is not seen" not in page
    assert "No alert is open." in page


def test_the_overview_tells_what_needs_a_person(operator: Visitor, database: Database) -> None:
    received(database, status="parked", amount=4900, currency="EUR", next_attempt_at=None)
    received(database, status="waiting", received_at=clock.now() - timedelta(hours=3))
    raised(database)
    page = operator.get("/console").text
    assert "Something needs a person." in page
    assert "The clock process is not seen" in page
    assert "A payment is disputed" in page
    assert "€49.00" in page
    assert "3 hours" in page
    assert "Acme" in page


def test_the_charts_show_what_was_counted(operator: Visitor, database: Database) -> None:
    at = clock.now() - timedelta(hours=1)
    for number in range(3):
        received(database, provider_event_id=f"evt_{number}", received_at=at)
    with database.transaction() as session:
        tallies.count_events(session)
    page = operator.get("/console?period=day").text
    (data, _) = re.findall(r'data-chart="([^"]+)"', page)
    assert data.count("3") >= 1
    assert "&#34;label&#34;:&#34;Received&#34;" in data
    assert re.search(r'<path d="M0.0 \d', page)


def test_the_shortest_period_in_which_something_came_is_shown(
    operator: Visitor, database: Database
) -> None:
    received(database, received_at=clock.now() - timedelta(days=3))
    with database.transaction() as session:
        tallies.count_events(session)
    assert 'value="week" aria-pressed="true"' in operator.get("/console").text


def test_alerts_are_listed_told_and_acknowledged(operator: Visitor, database: Database) -> None:
    number = raised(database)
    listed = operator.get("/console/alerts").text
    assert "€49.00 of account shop are disputed (dp_1)." in listed
    page = operator.get(f"/console/alerts/{number}").text
    assert 'href="/console/accounts/shop"' in page
    assert "Us, by €49.00 and the fee" in page
    question = operator.get(f"/console/alerts/{number}/acknowledge").text
    assert f"Look after alert {number}?" in question
    done = operator.post(f"/console/alerts/{number}/acknowledge", {"reason": "I call them"})
    assert (done.status_code, done.headers["location"]) == (303, f"/console/alerts/{number}")
    after = operator.get(f"/console/alerts/{number}").text
    assert "You look after this alert now." in after
    assert "operator:anna" in after
    assert "I call them" in after
    assert "You look after this alert now." not in operator.get(f"/console/alerts/{number}").text
    with database.transaction() as session:
        (entry,) = audit.page(session, 5, action="acknowledge")
    assert (entry.actor, entry.subject, entry.reason) == (
        "operator:anna",
        str(number),
        "I call them",
    )


def test_an_alert_that_is_over_is_not_acknowledged(operator: Visitor, database: Database) -> None:
    number = raised(database)
    with database.transaction() as session:
        alerts.resolve(session, "dispute_opened", "dp_1")
    refused = operator.post(f"/console/alerts/{number}/acknowledge", {"reason": "too late"})
    assert refused.status_code == 409
    assert "is over" in refused.text
    assert "too late" in refused.text
    assert "(dp_1)" not in operator.get("/console/alerts").text
    assert "(dp_1)" in operator.get("/console/alerts?state=resolved").text


def test_a_viewer_sees_no_button_for_what_is_not_theirs(
    viewer: Visitor, database: Database
) -> None:
    number = raised(database)
    assert "Acknowledge" not in viewer.get(f"/console/alerts/{number}").text


def test_alerts_are_told_in_the_visitors_language(operator: Visitor, database: Database) -> None:
    number = raised(database)
    operator.post("/console/me/looks", {"language": "cs", "theme": "dark"})
    page = operator.get(f"/console/alerts/{number}").text
    assert 'lang="cs" data-theme="dark"' in page
    assert "Zpochybněno je 49,00\N{NO-BREAK SPACE}€ účtu shop (dp_1)." in page
    operator.post("/console/me/looks", {"language": "", "theme": "auto"})
    assert 'lang="en" data-theme="auto"' in operator.get("/console").text


def test_what_holds_a_month_back_is_told_in_the_visitors_language_and_leads_to_its_events(
    operator: Visitor, database: Database
) -> None:
    month = {"table": "payloads", "month": "2025-02", "due": "2026-04-05 00:00 UTC"}
    held = {"parked": 3, "waiting": 1}
    number = raised(database, "month_held_back", **month, setting="BILLHOOK_X", held=held)
    page = operator.get(f"/console/alerts/{number}").text
    assert "was to go on 5 Apr 2026, 00:00 UTC" in page
    assert "still need it: 3 parked, 1 waiting." in page
    chosen = "status=parked&amp;received_from=2025-02-01&amp;received_to=2025-02-28"
    assert f"/console/events?{chosen}" in page
    operator.post("/console/me/looks", {"language": "cs", "theme": "dark"})
    assert "ještě potřebují: 3 odloženo, 1 čeká." in operator.get(f"/console/alerts/{number}").text


def test_the_audit_log_is_filtered_and_paged_without_a_gap(
    operator: Visitor, database: Database
) -> None:
    with database.transaction() as session:
        for number in range(120):
            by = Decider(actor=f"operator:p{number % 2}", reason=f"because {number}")
            audit.record(session, by, "dismiss", "event", number)
    address, seen = "/console/audit?actor=operator:p1", []
    while address:
        page = operator.get(address).text
        seen += [int(found) for found in re.findall(r"because (\d+)", page)]
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == list(range(119, 0, -2))


def test_what_a_person_wrote_is_never_markup(operator: Visitor, database: Database) -> None:
    with database.transaction() as session:
        by = Decider(actor="operator:<b>x", reason='<script>alert("1")</script>')
        audit.record(session, by, "dismiss", "event", "<i>7")
    page = operator.get("/console/audit").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert "<i>7" not in page


@pytest.fixture
def configured(services: Services) -> Services:
    """The services with every secret set."""
    settings = Settings(environ={**ENVIRON, **SECRETS})
    return Services(
        settings=settings,
        database=services.database,
        providers=services.providers,
        catalogue=services.catalogue,
        bell=services.bell,
    )


def test_settings_show_no_secret(configured: Services, operator: Visitor) -> None:
    client = TestClient(create_app(configured), cookies=dict(operator.client.cookies))
    page = re.sub(r"\s+", " ", client.get("/console/settings").text)
    for name, value in SECRETS.items():
        assert f"<code>{name}</code>" in page
        assert value not in page
    for part in ("pa55word", "red15", "sm7p", "t0ken", "h1dden", "k3y", "p4th", "acme_key"):
        assert part not in page
    assert "https://billing.example" in page
    assert "/webhooks/acme" in page


def test_a_password_is_changed_and_other_browsers_are_signed_out(
    operator: Visitor, browser: Callable[..., Visitor]
) -> None:
    other = browser()
    assert other.sign_in("anna").status_code == 303
    new = {"new": "a sentence is fine", "again": "a sentence is fine"}
    wrong = operator.post("/console/me/password", {"current": "not that one", **new})
    assert wrong.status_code == 422
    differs = {"current": PASSWORD, "new": "a sentence is fine", "again": "another one"}
    assert operator.post("/console/me/password", differs).status_code == 422
    short = {"current": PASSWORD, "new": "short", "again": "short"}
    assert operator.post("/console/me/password", short).status_code == 422
    assert other.get("/console/me").status_code == 200
    done = operator.post("/console/me/password", {"current": PASSWORD, **new})
    assert done.status_code == 303
    assert operator.get("/console/me").status_code == 200
    assert other.get("/console/me").status_code == 303
    assert other.sign_in("anna").status_code == 422
    assert other.sign_in("anna", "a sentence is fine").status_code == 303


def test_an_open_browser_is_no_place_to_guess_the_password(operator: Visitor) -> None:
    guess = {"current": "wrong", "new": "a sentence is fine", "again": "a sentence is fine"}
    with time_machine.travel(clock.wall(), tick=False):
        answers = [operator.post("/console/me/password", guess).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_one_session_or_all_others_are_ended_by_hand(
    operator: Visitor, browser: Callable[..., Visitor], database: Database
) -> None:
    others = [browser(), browser()]
    for other in others:
        other.sign_in("anna")
    (first, *_) = re.findall(r"/console/me/sessions/(\d+)/end", operator.get("/console/me").text)
    assert operator.post(f"/console/me/sessions/{first}/end").status_code == 303
    assert sorted(other.get("/console/me").status_code for other in others) == [200, 303]
    operator.post("/console/me/sessions/end")
    assert [other.get("/console/me").status_code for other in others] == [303, 303]
    assert operator.get("/console/me").status_code == 200


def test_nobody_ends_the_sessions_of_others(
    operator: Visitor, viewer: Visitor, database: Database
) -> None:
    with database.transaction() as session:
        anna = operators.find(session, "anna").id
    for number in range(1, anna + 3):
        viewer.post(f"/console/me/sessions/{number}/end")
    assert operator.get("/console/me").status_code == 200
