"""What holds for every event: modes, unknown types, notifications, bodies that cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Permanent
from tests.providers.stripe.workshop import (
    ARRIVAL,
    SAMPLES,
    configuration,
    sample,
    translate,
)
from webhooks.providers.provider import Envelope
from webhooks.providers.stripe import EVENT_TYPES
from webhooks.providers.stripe.translate import MEANINGLESS, TRANSLATIONS, translator

EVENTS = sorted(path.stem for path in SAMPLES.glob("*.json") if "reading" not in path.stem)


@pytest.mark.parametrize("name", EVENTS)
def test_every_sample_of_ours_says_exactly_one_kind_of_thing(name: str) -> None:
    translation = translate(name)
    said = (translation.facts, translation.needs, translation.ignored)
    assert [bool(each) for each in said].count(True) == 1


@pytest.mark.parametrize(
    "event_mode, live, reason",
    [
        (False, True, "test-mode event in a live installation"),
        (True, False, "live-mode event in a test installation"),
    ],
)
def test_an_event_of_the_other_mode_is_kept_and_ignored(
    event_mode: bool, live: bool, reason: str
) -> None:
    event = {**sample("charge.succeeded.new"), "livemode": event_mode}
    assert translate(event, livemode=live).ignored == reason


def test_an_event_that_does_not_say_its_mode_is_taken() -> None:
    event = sample("charge.succeeded.new")
    for name in ("livemode", "api_version", "request"):
        del event[name]
    assert translate(event).facts


def test_an_unknown_type_is_ignored_with_its_name() -> None:
    event = {**sample("charge.succeeded.new"), "type": "issuing_card.created"}
    assert "issuing_card.created" in translate(event).ignored


@pytest.mark.parametrize("kind", sorted(MEANINGLESS))
def test_a_known_type_without_meaning_gives_its_reason(kind: str) -> None:
    assert translate({**sample("charge.succeeded.new"), "type": kind}).ignored == MEANINGLESS[kind]


def test_the_test_ping_and_other_notifications_are_ignored() -> None:
    ping = sample("v2.core.event_destination.ping")
    assert translate(ping).ignored == "test ping"
    other = {**ping, "type": "v1.billing.meter.no_meter_found", "related_object": None}
    assert "v1.billing.meter.no_meter_found" in translate(other).ignored


def test_the_endpoint_is_subscribed_to_nothing_that_is_not_translated() -> None:
    assert set(EVENT_TYPES) <= set(TRANSLATIONS)
    assert not set(TRANSLATIONS) & set(MEANINGLESS)


@pytest.mark.parametrize("kind", sorted(TRANSLATIONS))
@pytest.mark.parametrize(
    "data", [None, {}, {"object": None}, {"object": []}, {"object": {"object": "thing"}}]
)
def test_an_event_that_carries_nothing_waits_for_a_person_or_is_ignored(
    kind: str, data: object
) -> None:
    event = {"id": "evt_1", "object": "event", "type": kind, "data": data}
    try:
        translation = translate(event)
    except Permanent as error:
        assert str(error)  # noqa: PT017 - either end is right, a bug would be any other error
    else:
        assert translation.ignored


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b"{", b"\xff", b'{"n":1e400}', b"[" * 100_000, b'"\\ud800"']
)
def test_a_body_that_cannot_be_read_waits_for_a_person(body: bytes) -> None:
    envelope = Envelope(
        event_id="evt_1", event_type="charge.succeeded", body=body, received_at=ARRIVAL
    )
    with pytest.raises(Permanent, match="body"):
        translator(configuration())(envelope, {})


VALUES: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers(-9, 10**18) | st.text(max_size=5) | st.just({})
)


@given(name=st.sampled_from(EVENTS), data=st.data())
def test_a_field_of_an_odd_kind_never_makes_translation_fail_otherwise(
    name: str, data: st.DataObject
) -> None:
    event = sample(name)
    target = event.get("data", {}).get("object") or event
    field = data.draw(st.sampled_from(sorted(target)))
    target[field] = data.draw(VALUES | st.lists(VALUES, max_size=2))
    event.update(id="evt_1", type=sample(name)["type"])
    try:
        said = translate(event)
    except Permanent:
        return
    assert said.facts or said.needs or said.ignored
