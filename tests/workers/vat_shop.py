"""An app that tells VAT numbers, and a register that a test can change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import requests
from sqlalchemy import select
from starlette.testclient import TestClient
from stdnum.eu import vat as european

from domain.effects import Effect
from domain.vat_numbers import VatCheck
from tests.workers.conftest import Played
from webhooks.sandbox import vies
from workers import perform_effects

DAY = timedelta(days=1)
BODY = {"email": "office@blumen.example", "currency": "EUR"}
TARGET = {"plan": "standard", "interval": "month", "agents": 2, "conversations": 100}
GERMAN = "DE136695976"
UNANSWERED = sorted(set(vies.ERRORS) - {"201"})


def number_ending(ending: str, country: str = "DE") -> str:
    """A number with right check digits that ends so."""
    numbers = (f"{country}{each}{ending}" for each in range(100_000, 1_000_000))
    return next(number for number in numbers if european.is_valid(number))


def enter(client: TestClient, number: str | None, country: str = "DE") -> dict[str, Any]:
    """Have the app tell the billing details of ``shop``; returns the state of its VAT number."""
    billing = {"name": "Blumen GmbH", "country": country, "vat_number": number}
    answer = client.put("/api/accounts/shop", json={**BODY, "billing": billing})
    assert answer.status_code in {200, 201}, answer.text
    return dict(answer.json()["vat"])


def state(client: TestClient) -> dict[str, Any]:
    """What the app reads of the VAT number."""
    return dict(client.get("/api/accounts/shop").json()["vat"])


def treatment(client: TestClient) -> str:
    """The tax of a quote."""
    answer = client.post("/api/accounts/shop/quotes", json=TARGET)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["vat"]["treatment"])


def perform(played: Played) -> int:
    """Perform what is due."""
    return perform_effects.drain(played.runtime)


def ask_the_register(played: Played, path: str, **body: Any) -> None:
    """Change what the played register answers."""
    url = f"{played.runtime.settings.sandbox}/sandbox/vies/{path}"
    requests.post(url, json=body, timeout=10).raise_for_status()


def effects_of(played: Played, kind: str) -> list[Effect]:
    with played.runtime.database.transaction() as session:
        return list(session.scalars(select(Effect).where(Effect.kind == kind).order_by(Effect.id)))


def refusals(played: Played) -> list[str]:
    """The reasons in the mails by which the customer was told."""
    mails = list(effects_of(played, "send_mail"))
    told = [each for each in mails if each.target == "vat_number_refused"]
    return [each.payload["parameters"]["reason"] for each in told]


def check_of(played: Played) -> VatCheck:
    with played.runtime.database.transaction() as session:
        return session.scalars(select(VatCheck)).one()
