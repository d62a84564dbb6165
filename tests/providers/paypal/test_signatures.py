"""The recorded, signed deliveries of the samples' folder: each verifies at its time only."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509

from tests.providers.paypal.recorded import Recorded, recordings
from webhooks.providers.paypal.sources import LIVE_NAME, SANDBOX_NAME
from webhooks.providers.provider import Delivery

NAMES = recordings()


@pytest.fixture(params=NAMES)
def recorded(request: pytest.FixtureRequest, provider_samples: Path) -> Recorded:
    """One recorded delivery."""
    return Recorded(provider_samples / "paypal" / "signatures", request.param)


def test_the_recorded_deliveries_are_all_there(provider_samples: Path) -> None:
    folder = provider_samples / "paypal" / "signatures"
    found = {path.name.removesuffix(".vector.json") for path in folder.glob("*.vector.json")}

    assert found == set(NAMES)


def test_a_recorded_delivery_is_authentic_at_its_time(recorded: Recorded) -> None:
    verdict = recorded.verifier().verify(recorded.delivery())

    assert (verdict.status, verdict.reason) == ("authentic", "")
    assert verdict.signer == "webhook id 2 of 2"
    assert verdict.delivery_key == recorded.headers["paypal-transmission-id"]


def test_a_recorded_delivery_needs_no_network_once_its_certificate_is_known(
    recorded: Recorded,
) -> None:
    assert not recorded.verifier().needs_network(recorded.delivery())


def test_a_body_changed_in_one_byte_is_refused(recorded: Recorded) -> None:
    body = bytearray(recorded.body)
    body[len(body) // 2] ^= 1

    assert recorded.status(body=bytes(body)) == "forged"


def test_a_body_with_one_more_blank_is_refused(recorded: Recorded) -> None:
    assert recorded.status(body=recorded.body + b" ") == "forged"


@pytest.mark.parametrize("position", [0, 12, 35])
def test_another_transmission_id_is_refused(recorded: Recorded, position: int) -> None:
    old = recorded.headers["paypal-transmission-id"]
    new = old[:position] + ("0" if old[position] != "0" else "1") + old[position + 1 :]

    assert recorded.status({"paypal-transmission-id": new}) == "forged"


def test_another_transmission_time_is_refused(recorded: Recorded) -> None:
    later = recorded.sent + timedelta(seconds=1)

    assert recorded.status({"paypal-transmission-time": f"{later:%Y-%m-%dT%H:%M:%SZ}"}) == (
        "forged"
    )


def test_another_webhook_id_is_refused(recorded: Recorded) -> None:
    verifier = recorded.verifier(webhook_ids=(f"{recorded.webhook_id}X",))

    assert verifier.verify(recorded.delivery()).status == "forged"


def test_another_signature_is_refused(recorded: Recorded) -> None:
    signature = recorded.headers["paypal-transmission-sig"]
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]

    assert recorded.status({"paypal-transmission-sig": changed}) == "forged"


def test_a_recorded_delivery_that_arrives_today_is_a_replay(recorded: Recorded) -> None:
    delivery = recorded.delivery(arrival=datetime.fromisoformat("2026-11-01T00:00:00Z"))
    verdict = recorded.verifier().verify(delivery)

    assert verdict.status == "forged"
    assert "3 days" in verdict.reason


def test_a_certificate_counts_only_while_it_is_valid(recorded: Recorded) -> None:
    leaf = x509.load_pem_x509_certificate(recorded.certificate)
    name = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value

    assert recorded.window(leaf.not_valid_before_utc + timedelta(days=1), str(name))
    assert not recorded.window(leaf.not_valid_after_utc + timedelta(days=1), str(name))
    assert not recorded.window(leaf.not_valid_before_utc - timedelta(days=1), str(name))


def test_a_certificate_counts_for_its_own_name_only(recorded: Recorded) -> None:
    accepted = [name for name in (LIVE_NAME, SANDBOX_NAME) if recorded.window(recorded.sent, name)]

    assert accepted == [SANDBOX_NAME if "sandbox" in recorded.name else LIVE_NAME]


def test_the_recorded_bodies_tell_their_event(recorded: Recorded) -> None:
    identity = recorded.verifier().identify(recorded.body)
    document: dict[str, Any] = msgspec.json.decode(recorded.body)

    assert not identity.malformed
    assert (identity.event_id, identity.event_type) == (document["id"], document["event_type"])


def test_header_names_are_compared_in_lower_case_as_they_arrive(recorded: Recorded) -> None:
    shouted = {name.upper(): value for name, value in recorded.headers.items()}
    lowered = {name.lower(): value for name, value in shouted.items()}
    delivery = Delivery(headers=lowered, body=recorded.body, received_at=recorded.sent)

    assert recorded.verifier().verify(delivery).status == "authentic"
