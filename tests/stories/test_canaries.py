"""Secrets and personal data are planted everywhere; none may sing in logs, metrics or answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg
import pytest
import redis
import urllib3
from sqlalchemy import text

from domain import clock
from tests.keys import DATA_KEYS
from tests.processes import wait_until
from tests.servers.databases import libpq_url
from tests.stories.town import SECRET_KEY, Customer, Town, founded
from webhooks.sandbox.stripe_signature import sign

APP_SECRET = "whsec_Y2FuYXJ5LWFwcC1zZWNyZXQtY2FuYXJ5"
PLANTED = {
    "BILLHOOK_APP_WEBHOOK_URL": "http://127.0.0.1:1/canary-hook",
    "BILLHOOK_APP_WEBHOOK_SECRET": APP_SECRET,
    "SMTP_URL": "smtp://canary-mailer:canary-smtp-password@127.0.0.1:1",
    "ALERT_URLS": "json://canary-alerts.invalid/canary-alert-token",
    "BILLHOOK_LOG_LEVEL": "debug",
}
NAME, STREET, EMAIL = "Canary Canarella", "Canary Street 77", "canary.person@customers.example"
CARD, PHONE, VAT = "4111111111111111", "+420600777888", "CZ26185610"
PASSWORD = "canary password of an operator"
BODY = "canary-in-a-body"
QUERY = "canary-in-a-query"
NOTES = text(
    "SELECT error, traceback FROM attempts UNION ALL SELECT note, fingerprint FROM effects"
    " UNION ALL SELECT note, fingerprint FROM events"
)
"""What operators read of failures."""
TOKEN = "bh_app_canary-token-of-nobody"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town with canaries in its settings, whose processes tell all they can."""
    with founded(tmp_path_factory.mktemp("canaries"), **PLANTED) as town:
        town.environ["REDIS_URL"] = _with_password(town.valkey.url(), "canary-queue-password")
        _set_queue_password(town, "canary-queue-password")
        town.installation.environ["REDIS_URL"] = town.environ["REDIS_URL"]
        town.open()
        yield town


def _with_password(url: str, password: str) -> str:
    return url.replace("redis://", f"redis://:{password}@")


def _set_queue_password(town: Town, password: str) -> None:
    with redis.Redis.from_url(town.valkey.url()) as client:
        client.config_set("requirepass", password)


def secrets(town: Town) -> list[str]:
    """Everything that may be read nowhere."""
    credentials = town.world.credentials
    return [
        credentials.stripe_api_key,
        credentials.stripe_webhook_secret,
        credentials.paypal_client_secret,
        SECRET_KEY,
        DATA_KEYS.partition(":")[2],
        APP_SECRET,
        town.token,
        TOKEN,
        "canary-smtp-password",
        "canary-alert-token",
        "canary-queue-password",
        NAME,
        STREET,
        EMAIL,
        CARD,
        PHONE,
        VAT,
        PASSWORD,
        BODY,
        QUERY,
    ]


def call(town: Town, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    """Call web once, with whatever headers; gives status and text."""
    sent = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = urllib3.request(
        method,
        town.installation.base_url + path,
        body=sent,
        headers=named,
        retries=False,
        timeout=60,
    )
    return answer.status, answer.data.decode(errors="replace")


def sing(town: Town) -> list[str]:
    """Call with canaries in every place; gives the answers to callers who are nobody."""
    details = {
        "email": EMAIL,
        "currency": "CZK",
        "billing": {"name": NAME, "street": STREET, "country": "CZ", "vat_number": VAT},
    }
    known = {"authorization": f"Bearer {town.token}", "content-type": "application/json"}
    assert call(town, "PUT", "/api/accounts/canary", details, **known)[0] in {200, 201}
    wrong = {**details, "email": f"{EMAIL} {CARD}", "billing": {"name": 5, "street": STREET}}
    people = {"name": NAME, "email": EMAIL, "phone": PHONE, "tax_id": VAT, "last4": CARD}
    data = {"object": {"billing_details": people, "shipping": people, "description": BODY}}
    odd = msgspec.json.encode({"id": "evt_canary", "type": "charge.succeeded", "data": data})
    signature = sign(town.world.credentials.stripe_webhook_secret, odd, clock.now())
    assert call(town, "POST", "/webhooks/stripe", odd, Stripe_Signature=signature)[0] == 200
    nobody = {"authorization": f"Bearer {TOKEN}"}
    page = {
        "origin": town.installation.base_url,
        "content-type": "application/x-www-form-urlencoded",
        "cookie": f"billhook_session={TOKEN}.{BODY}",
    }
    # Whoever calls a provider that is not here is told its name; nobody else is.
    assert call(town, "POST", f"/webhooks/{TOKEN}", people)[0] == 404
    form = urlencode({"password": PASSWORD, "csrf": TOKEN, "to": f"//{BODY}"}).encode()
    return [
        call(town, "GET", f"/api/accounts/canary?q={QUERY}", **nobody)[1],
        call(town, "GET", f"/nothing/{BODY}?{QUERY}", **nobody)[1],
        call(town, "PUT", "/api/accounts/canary", wrong, **nobody)[1],
        call(town, "PUT", "/api/accounts/canary", wrong, **known)[1],
        call(town, "POST", "/console/sign-in", form, **page)[1],
        call(town, "POST", "/console/me/password", form, **page)[1],
        call(town, "GET", f"/console/accounts/{BODY}?q={QUERY}", **page)[1],
        call(town, "POST", "/webhooks/stripe", BODY.encode(), Stripe_Signature=f"t={BODY}")[1],
        call(town, "POST", "/webhooks/paypal", BODY.encode(), PayPal_Cert_Url=f"http://{BODY}/")[1],
        call(town, "GET", "/readyz")[1],
        call(town, "GET", "/metrics")[1],
    ]


def break_things(town: Town) -> None:
    """Have the processes report failures: store, queue, receivers of mail and news."""
    with psycopg.connect(libpq_url(town.postgres.url()), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'billhook'"
        )
    town.valkey.kill()
    town.postgres.kill()
    body = msgspec.json.encode({"id": "evt_outage", "type": BODY})
    signature = sign(town.world.credentials.stripe_webhook_secret, body, clock.now())
    assert call(town, "POST", "/webhooks/stripe", body, Stripe_Signature=signature)[0] == 503
    said = town.processes["clock"].said
    wait_until(lambda: said("store_unavailable"), "the clock reports the outage")
    town.postgres.start()


@pytest.mark.timeout(240)
def test_no_secret_and_no_personal_data_is_in_logs_metrics_or_answers(town: Town) -> None:
    customer = Customer(town, "canary", "card")
    answers = sing(town)
    customer.buy()
    wait_until(customer.has_what_was_paid, "the purchase counts", town.unfinished)
    failing = ("send_mail", "tell_app")
    wait_until(
        lambda: all(
            any(f"{kind} waiting" in line for line in town.unfinished()) for kind in failing
        ),
        "mail and news cannot be sent",
        town.unfinished,
    )
    break_things(town)
    written = town.installation.output()
    assert "effect_failed" in written
    assert "event_failed" in written
    for secret in secrets(town):
        assert secret not in written
        assert [answer for answer in answers if secret in answer] == []
    with town.database.transaction() as session:
        notes = "\n".join(str(row) for row in session.execute(NOTES))
    for secret in secrets(town):
        assert secret not in notes
