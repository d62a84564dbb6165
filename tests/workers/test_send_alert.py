"""Sinks are told of alerts, each for itself: one that is away concerns nobody else."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from domain import alert_messages, alerts, clock, effects
from domain.database import Database
from domain.effects import Effect
from domain.errors import Misconfigured
from tests import lives
from tests.workers.listener import Listener
from workers import perform_effects, sinks
from workers.runtime import Runtime
from workers.sinks import Rest
from workers.watch import tell_alerts

SECRET = "whsec_" + base64.b64encode(b"the operators' own secret").decode()
pytestmark = [
    pytest.mark.usefixtures("frozen_clock", "no_rest"),
    # Apprise imports what Python 3.13 no longer has, and copes.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated"),
]


@pytest.fixture
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sink that failed may be tried again at once: here the clock jumps."""
    monkeypatch.setattr(sinks, "resting", Rest(0.0))


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.stop()


@pytest.fixture
def other() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.stop()


@pytest.fixture
def runtime(database: Database, listener: Listener) -> Runtime:
    runtime = lives.runtime_on(database)
    runtime.settings = msgspec.structs.replace(
        runtime.settings,
        alert_webhook_url=f"http://{listener.address}/alerts",
        alert_webhook_secret=SECRET,
        public_url="https://billing.example.com",
    )
    return runtime


def with_apprise(runtime: Runtime, *addresses: str) -> None:
    urls = tuple(f"json://{address}/hook" for address in addresses)
    runtime.settings = msgspec.structs.replace(runtime.settings, alert_urls=urls)


def opened(runtime: Runtime, subject: str = "acme", **details: Any) -> None:
    values = {"account": "acme", "amount": "49.00 EUR", "reason": "late", **details}
    with runtime.database.transaction() as session:
        alerts.raise_alert(session, "misdirected_payment", subject, **values)
    tell_alerts(runtime)


def resolved(runtime: Runtime, subject: str = "acme") -> None:
    with runtime.database.transaction() as session:
        alerts.resolve(session, "misdirected_payment", subject)
    tell_alerts(runtime)


def sent(runtime: Runtime) -> list[str]:
    with runtime.database.transaction() as session:
        statement = select(Effect.status).where(Effect.kind == "send_alert").order_by(Effect.id)
        return list(session.scalars(statement))


def test_the_message_says_what_since_when_whom_and_what_to_do_and_its_signature_holds(
    runtime: Runtime, listener: Listener
) -> None:
    opened(runtime)
    perform_effects.drain(runtime)
    [(headers, body)] = listener.calls
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(b"the operators' own secret", signed, hashlib.sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    message = msgspec.json.decode(body)
    assert (message["type"], message["timestamp"]) == ("alert.opened", "2026-03-02T10:00:00Z")
    told = message["data"]
    assert told["what"] == "49.00 EUR of account acme (payment acme) became credit: late."
    assert told["hurts"] == "Account acme: it paid 49.00 EUR and got nothing for it yet."
    assert (told["rule"], told["severity"]) == ("misdirected_payment", "critical")
    assert (told["since"], told["until"]) == ("2026-03-02T10:00:00Z", None)
    assert told["runbook"] == "docs/runbook.md#misdirected_payment"
    assert told["console"] == "https://billing.example.com/console/alerts/1"


def test_each_change_of_state_is_one_message(runtime: Runtime, listener: Listener) -> None:
    opened(runtime)
    opened(runtime)
    perform_effects.drain(runtime)
    clock.advance(timedelta(minutes=1))
    resolved(runtime)
    resolved(runtime)
    perform_effects.drain(runtime)
    assert [each["type"] for each in listener.messages()] == ["alert.opened", "alert.resolved"]
    assert listener.messages()[1]["data"]["until"] == "2026-03-02T10:01:00Z"


def test_a_worker_that_dies_after_sending_sends_it_again_under_the_same_id(
    runtime: Runtime, listener: Listener
) -> None:
    opened(runtime)
    with runtime.database.transaction() as session:
        [claimed] = effects.claim(session, 8, kinds=(alert_messages.EFFECT,))
    # It was killed here: sent, and nothing recorded.
    perform_effects._perform_function("send_alert")(runtime, claimed)
    clock.advance(effects.LEASE)
    perform_effects.drain(runtime)
    assert sent(runtime) == ["done"]
    assert len({headers["webhook-id"] for headers, _ in listener.calls}) == 1


def test_a_dead_sink_is_tried_again_and_the_living_one_is_told_at_once(
    runtime: Runtime, listener: Listener, other: Listener
) -> None:
    pytest.importorskip("apprise")
    with_apprise(runtime, other.address)
    listener.answers = [503]
    opened(runtime)
    perform_effects.drain(runtime)
    assert sent(runtime) == ["waiting", "done"]
    assert "became credit" in other.messages()[0]["message"]
    clock.advance(timedelta(minutes=1))
    perform_effects.drain(runtime)
    assert sent(runtime) == ["done", "done"]
    assert (len(listener.calls), len(other.calls)) == (2, 1)


def test_apprise_is_told_of_the_end_as_a_success(
    runtime: Runtime, listener: Listener, other: Listener
) -> None:
    pytest.importorskip("apprise")
    with_apprise(runtime, other.address)
    opened(runtime)
    perform_effects.drain(runtime)
    resolved(runtime)
    perform_effects.drain(runtime)
    first, second = other.messages()
    assert first["title"] == "[Billhook] CRITICAL: Money came that activates nothing"
    assert (first["type"], second["type"]) == ("failure", "success")
    assert "docs/runbook.md#misdirected_payment" in first["message"]
    assert "Over since: 2026-03-02 10:00:00 UTC" in second["message"]


def test_what_was_over_before_a_dead_sink_came_back_is_not_told_to_it(
    runtime: Runtime, listener: Listener
) -> None:
    listener.answers = [503]
    opened(runtime)
    perform_effects.drain(runtime)
    resolved(runtime)
    for _ in range(3):
        clock.advance(timedelta(minutes=5))
        perform_effects.drain(runtime)
    assert sent(runtime) == ["skipped", "skipped"]
    assert len(listener.calls) == 1


def test_a_sink_that_hangs_is_left_and_then_left_in_peace(
    runtime: Runtime, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "SECONDS", 0.3)
    monkeypatch.setattr(sinks, "resting", Rest(60.0))
    listener.silent.set()
    for number in range(5):
        opened(runtime, f"payment {number}")
    began = monotonic()
    perform_effects.drain(runtime)
    assert monotonic() - began < 5
    assert len(listener.calls) == 1
    assert sent(runtime) == ["waiting"] * 5


def test_money_goes_before_messages(runtime: Runtime, listener: Listener) -> None:
    opened(runtime)
    with runtime.database.transaction() as session:
        effects.want(session, "tell_app", "account.blocked", "test", account_id=1)
    done: list[str] = []
    listener_saw = listener.calls

    class Bell:
        def ring(self, job: str) -> None:
            done.append(f"{job} after {len(listener_saw)} messages")

    runtime.bell = Bell()
    perform_effects.drain(runtime)
    with runtime.database.transaction() as session:
        app = session.scalars(select(Effect).where(Effect.kind == "tell_app")).one()
    assert app.status == "skipped"
    assert sent(runtime) == ["done"]


def test_a_sink_that_was_taken_out_of_the_settings_is_forgotten(
    runtime: Runtime, listener: Listener
) -> None:
    opened(runtime)
    runtime.settings = msgspec.structs.replace(runtime.settings, alert_webhook_url=None)
    perform_effects.drain(runtime)
    assert sent(runtime) == ["skipped"]
    assert listener.calls == []


def test_without_a_worker_the_clock_sends_itself(runtime: Runtime, listener: Listener) -> None:
    with runtime.database.transaction() as session:
        alerts.raise_alert(session, "worker_not_seen", "workers", age="1 min")
    tell_alerts(runtime)
    assert sent(runtime) == ["done"]
    assert listener.messages()[0]["data"]["title"] == "No worker is running"


def test_no_address_of_a_customer_leaves_the_house(runtime: Runtime, listener: Listener) -> None:
    opened(runtime, "anna@customers.example", account="anna@customers.example")
    perform_effects.drain(runtime)
    assert b"anna" not in listener.calls[0][1]


def test_the_name_of_a_sink_tells_no_secret(runtime: Runtime) -> None:
    url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    settings = msgspec.structs.replace(runtime.settings, alert_urls=(url,))
    webhook, name = sinks.names(settings)
    assert webhook == "webhook"
    assert name.startswith("slack:")
    assert "TIia" not in name


def test_a_secret_that_cannot_sign_stops_the_start(runtime: Runtime) -> None:
    settings = msgspec.structs.replace(runtime.settings, alert_webhook_secret="whsec_abc")
    with pytest.raises(Misconfigured, match="BILLHOOK_ALERT_WEBHOOK_SECRET"):
        sinks.require(settings)


def test_a_url_that_is_none_stops_the_start(runtime: Runtime) -> None:
    pytest.importorskip("apprise")
    with pytest.raises(Misconfigured, match="slack://"):
        sinks.require(msgspec.structs.replace(runtime.settings, alert_urls=("#ops",)))


def test_a_url_that_apprise_does_not_know_is_left_to_a_person(
    runtime: Runtime, listener: Listener
) -> None:
    pytest.importorskip("apprise")
    urls = ("nosuchservice://x",)
    runtime.settings = msgspec.structs.replace(
        runtime.settings, alert_urls=urls, alert_webhook_url=None
    )
    opened(runtime)
    perform_effects.drain(runtime)
    assert sent(runtime) == ["parked"]
    with runtime.database.transaction() as session:
        session.execute(update(Effect).values(next_attempt_at=None))
        note = session.scalars(select(Effect.note)).one()
    assert note is not None
    assert "Apprise cannot use the URL of nosuchservice:" in note
