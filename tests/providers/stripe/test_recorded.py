"""Payloads from public repositories, in all shapes: each is translated, read about, or ignored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.ports import Reading, ReadingRequest
from tests.conftest import SAMPLES
from tests.providers.stripe.workshop import configuration
from webhooks.providers.provider import Envelope, Translation
from webhooks.providers.stripe.translate import MEANINGLESS, StripeTranslator
from webhooks.providers.stripe.verify import verifier

RECORDED = SAMPLES / "stripe"
MOST_ROUNDS = 3

Document = dict[str, Any]


def names() -> list[str]:
    """The payloads at hand; one that is not there where the folder is absent."""
    return sorted(path.name for path in RECORDED.glob("*.json")) or ["absent.json"]


def objects(folder: Path) -> dict[str, Document]:
    """The latest recorded object of each kind, by the name under which it would be read."""
    found: dict[str, Document] = {}
    for path in sorted((folder / "stripe").glob("*.json")):
        document = (json.loads(path.read_bytes()).get("data") or {}).get("object") or {}
        found[str(document.get("object"))] = document
    return found | {"payment": found["payment_intent"] | {"status": "succeeded"}}


def translate(body: bytes, known: dict[str, Document]) -> tuple[Translation, list[Translation]]:
    """Translate with as many readings as are asked for, made of other recorded objects."""
    event = json.loads(body)
    envelope = Envelope(
        event_id=event["id"],
        event_type=event["type"],
        body=body,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    judge = StripeTranslator(configuration(livemode=event.get("livemode") is True))
    readings: dict[ReadingRequest, Reading] = {}
    rounds = [judge(envelope, readings)]
    while rounds[-1].needs:
        assert len(rounds) <= MOST_ROUNDS, "the same reading is asked for again and again"
        for request in rounds[-1].needs:
            document = known[request.kind] | {"id": request.id}
            readings[request] = Reading(sequence=1, document=document)
        rounds.append(judge(envelope, readings))
    return rounds[-1], rounds


@pytest.mark.parametrize("name", names())
def test_every_recorded_event_comes_to_an_end(name: str, provider_samples: Path) -> None:
    body = (provider_samples / "stripe" / name).read_bytes()
    end, rounds = translate(body, objects(provider_samples))
    assert bool(end.facts) != bool(end.ignored)
    kind = json.loads(body)["type"]
    assert (kind in MEANINGLESS) <= (len(rounds) == 1 and bool(end.ignored))


@pytest.mark.parametrize("name", names())
def test_every_recorded_event_is_identified(name: str, provider_samples: Path) -> None:
    body = (provider_samples / "stripe" / name).read_bytes()
    event, identity = json.loads(body), verifier(configuration()).identify(body)
    assert (identity.event_id, identity.event_type) == (event["id"], event["type"])
    assert identity.livemode == event["livemode"]
    assert identity.created_at is not None
    assert not identity.malformed


def test_an_event_of_the_other_mode_is_told_apart(provider_samples: Path) -> None:
    path = provider_samples / "stripe" / names()[0]
    event = json.loads(path.read_bytes()) | {"livemode": True}
    envelope = Envelope(
        event_id="evt_1",
        event_type=event["type"],
        body=json.dumps(event).encode(),
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    told = StripeTranslator(configuration())(envelope, {})
    assert told.ignored == "live-mode event in a test installation"
