"""What a body says of itself: v1 events, v2 notifications, and bodies that nobody understands."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.stripe.workshop import SAMPLES, configuration
from webhooks.providers.provider import Identity
from webhooks.providers.stripe.verify import verifier

identify = verifier(configuration()).identify
HEAD = b'{"id":"evt_1","type":"charge.succeeded"'


def test_a_snapshot_event_is_known_by_id_type_time_and_mode() -> None:
    body = (SAMPLES / "charge.succeeded.new.json").read_bytes()
    assert identify(body) == Identity(
        event_id="evt_charge_succeeded_new",
        event_type="charge.succeeded",
        created_at=datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC),
        livemode=False,
    )


def test_a_notification_has_its_time_as_text_down_to_nanoseconds() -> None:
    identity = identify((SAMPLES / "v2.core.event_destination.ping.json").read_bytes())
    assert identity.event_type == "v2.core.event_destination.ping"
    assert identity.created_at == datetime(2026, 1, 1, 0, 0, 5, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "created",
    ["null", '"soon"', '""', "true", "1.5", "1e999", "9" * 30, "9" * 5000, "-" + "9" * 17, "[]"],
)
def test_a_time_that_is_none_leaves_the_rest_readable(created: str) -> None:
    identity = identify(HEAD + f',"created":{created},"livemode":"yes"}}'.encode())
    assert (identity.event_id, identity.malformed) == ("evt_1", False)
    assert (identity.created_at, identity.livemode) == (None, None)


def test_a_time_without_a_zone_is_taken_as_utc() -> None:
    identity = identify(HEAD + b',"created":"2026-01-01T00:00:05"}')
    assert identity.created_at == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)


def test_of_duplicate_keys_the_last_one_counts() -> None:
    assert identify(b'{"id":"a","id":"b","type":"t"}').event_id == "b"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"evt_1"',
        b"not JSON",
        b'{"id":"evt_1"}',
        b'{"type":"charge.succeeded"}',
        b'{"id":1,"type":"charge.succeeded"}',
        b'{"id":null,"type":"charge.succeeded"}',
        b'{"id":"","type":"charge.succeeded"}',
        b'{"id":"evt_1","type":""}',
        b'{"id":"evt\\u00001","type":"charge.succeeded"}',
        b'{"id":"evt_1","type":"charge\\u001b.succeeded"}',
        b'{"id":"\\ud800","type":"charge.succeeded"}',
        b'{"id":"' + b"e" * 256 + b'","type":"charge.succeeded"}',
        b'{"id":"evt_1","type":"' + b"t" * 256 + b'"}',
        HEAD + b',"x":"\xff"}',
        HEAD + b"} trailing",
        b"\xef\xbb\xbf" + HEAD + b"}",
        HEAD + b',"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"\x00" + HEAD + b"}",
    ],
    ids=range(22),
)
def test_a_body_that_is_not_understood_is_known_by_its_hash(body: bytes) -> None:
    digest = hashlib.sha256(body).hexdigest()[:32]
    assert identify(body) == Identity(
        event_id=f"malformed-{digest}", event_type="malformed", malformed=True
    )


@given(st.binary(max_size=300))
def test_no_body_makes_identification_fail(body: bytes) -> None:
    identity = identify(body)
    assert 0 < len(identity.event_id) <= 255
    assert identity.event_id.isprintable()


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8)


@given(st.dictionaries(st.sampled_from(["id", "type", "created", "livemode", "data"]), JSON))
def test_no_object_makes_identification_fail(document: dict[str, object]) -> None:
    identity = identify(json.dumps(document).encode())
    readable = all(
        isinstance(value := document.get(name), str) and value.isprintable() and len(value) > 0
        for name in ("id", "type")
    )
    assert identity.malformed is not readable
