"""Signed bodies full of people: whatever fails on them, nobody hears of whom they speak."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from domain import alerts, telemetry
from domain.masking import PERSONAL
from domain.settings import Settings
from tests.security.test_personal import PLANTED
from tests.webhooks.edge import Edge, edge_on, paypal_event, playing, stripe_event
from webhooks.providers import paypal, stripe
from webhooks.sandbox.authority import Authority

NAME, STREET, PHONE, EMAIL, *_ = PLANTED
SINGING = (NAME, STREET, PHONE, EMAIL)
FREE = ("description", "note", "note_to_payer", "message", "statement_descriptor", "reason_text")
MONEY = (
    "amount",
    "amount_total",
    "amount_refunded",
    "amount_paid",
    "total",
    "gross_amount",
    "value",
)
"""Fields that are no names: an error may well say which payment or which status it means."""
READ = text(
    "SELECT error FROM attempts UNION ALL SELECT traceback FROM attempts"
    " UNION ALL SELECT note FROM events UNION ALL SELECT fingerprint FROM events"
    " UNION ALL SELECT note FROM effects UNION ALL SELECT fingerprint FROM effects"
)
"""What everybody reads who may read of failures."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who signs for the played PayPal."""
    return Authority.make()


@pytest.fixture
def edge(sqlite_url: str, authority: Authority) -> Iterator[Edge]:
    """An edge with both providers."""
    with playing(authority) as world, edge_on(sqlite_url, world, authority) as edge:
        yield edge


def objects(canary: str) -> list[dict[str, Any]]:
    """Objects of both providers in which people stand, and money is wrong in some way."""
    people = {**dict.fromkeys((*PERSONAL, *FREE), canary), "metadata": {"note": canary}}
    wrong: list[Any] = [canary, {"value": canary, "currency_code": "CZK"}, [canary]]
    ids = {"id": "thing_1", "object": "charge", "custom_id": "ord_1", "status": "succeeded"}
    return [{**people, **ids}, *({**people, **ids, **dict.fromkeys(MONEY, w)} for w in wrong)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("canary", SINGING)
def test_what_fails_on_a_body_quotes_nothing_of_it(
    edge: Edge, canary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(environ={})
    telemetry.configure_logging("json", "debug", settings.secrets())
    for number, value in enumerate(objects(canary)):
        for kind in sorted(stripe.PROVIDER.event_types):
            data = {"object": value}
            body = stripe_event(f"evt_{kind}_{number}", kind, data=data)
            assert edge.stripe(body).status_code == 200
        for kind in sorted(paypal.PROVIDER.event_types):
            body = paypal_event(f"WH-{kind}-{number}", kind, resource=value)
            assert edge.paypal(body).status_code == 200
    edge.work()
    with edge.runtime.database.transaction() as session:
        read = [str(row[0]) for row in session.execute(READ) if row[0] is not None]
        told = [json.dumps(each.details) for each in session.query(alerts.Alert)]
    said = capsys.readouterr()
    heard = [*read, *told, *said.err.splitlines(), *said.out.splitlines()]
    assert len(read) > 50
    assert "event_failed" in said.err + said.out
    assert [line for line in heard if canary in line or canary in _unescaped(line)] == []


def _unescaped(line: str) -> str:
    return line.encode().decode("unicode_escape", "replace")
