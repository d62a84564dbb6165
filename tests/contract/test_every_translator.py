"""What a translator promises, asked of each: it is pure, and raises nothing but Permanent.

Objects in each provider's own words are spoilt and must be understood, ignored or refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import clock
from domain.errors import Permanent
from tests.contract.participants import PARTICIPANTS, besides, every, provider_of, quick, words_of
from tests.contract.shapes import spoilt
from webhooks.providers.provider import Envelope, Reading, ReadingRequest, Translation
from webhooks.sandbox.world import World

LONGEST = 255
HOSTILE = 150
"""Objects that are tried on each translator."""
ROUNDS = 4
"""What was read may show what else must be read; nothing needs more rounds than this."""
AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def things(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects in the provider's own words, spoilt here and there."""
    return spoilt(PARTICIPANTS[name].thing, PARTICIPANTS[name].states, words_of(name))


@besides
@settings(quick, max_examples=HOSTILE)
@given(data=st.data())
def test_a_translator_is_pure_and_raises_nothing_but_permanent(
    name: str, world: World, data: st.DataObject
) -> None:
    provider = provider_of(name, world)
    kinds = st.sampled_from(provider.spec.event_types) | st.text(max_size=20)
    kind = data.draw(kinds)
    event = PARTICIPANTS[name].wrap(kind, data.draw(things(name)))
    envelope = Envelope(
        event_id=event["id"], event_type=kind, body=msgspec.json.encode(event), received_at=AT
    )
    readings: dict[ReadingRequest, Reading] = {}
    for sequence in range(ROUNDS):
        translation = check_translation(provider.translator, envelope, readings)
        if translation is None or not translation.needs:
            break
        for need in translation.needs:
            document = data.draw(st.none() | things(name))
            readings[need] = Reading(sequence=sequence, document=document)


def check_translation(
    translator: Any, envelope: Envelope, readings: Mapping[ReadingRequest, Reading]
) -> Translation | None:
    """Translate twice, at two instants; the answer is the same, sound, and changed nothing."""
    before = deepcopy(dict(readings))
    answers: list[Translation | None] = []
    for instant in (AT, AT + timedelta(days=400)):
        clock.travel(instant)
        try:
            answers.append(translator(envelope, readings))
        except Permanent:
            answers.append(None)
        finally:
            clock.reset()
    assert answers[0] == answers[1]
    assert dict(readings) == before
    if answers[0] is not None:
        check_sound(answers[0], readings)
    return answers[0]


def check_sound(translation: Translation, known: Mapping[ReadingRequest, Reading]) -> None:
    """Fail unless it says one thing, and every fact is what its type declares."""
    said = [bool(translation.facts), bool(translation.needs), bool(translation.ignored)]
    assert sum(said) == 1, translation
    for fact in translation.facts:
        assert msgspec.convert(msgspec.to_builtins(fact), type(fact)) == fact
    for need in translation.needs:
        assert need not in known
        assert need.kind.isidentifier()
        assert 0 < len(need.id) <= LONGEST
        assert need.id.isprintable()


@every
def test_an_unspoilt_object_means_something_under_every_type_it_fits(
    name: str, world: World
) -> None:
    provider, said = provider_of(name, world), 0
    for kind in provider.spec.event_types:
        event = PARTICIPANTS[name].wrap(kind, PARTICIPANTS[name].thing)
        body = msgspec.json.encode(event)
        envelope = Envelope(event_id="e", event_type=kind, body=body, received_at=AT)
        answer = check_translation(provider.translator, envelope, {})
        said += answer is not None and not answer.ignored
    # Otherwise the hostile objects would be refused at the first glance and prove little.
    assert said >= 0.8 * len(provider.spec.event_types)


@every
def test_a_body_that_is_no_json_is_permanent_or_ignored(name: str, world: World) -> None:
    provider = provider_of(name, world)
    deep = b"[" * (100 if name == "acme" else 100_000)
    for body in (b"", deep, b"\xff", b"[]", b"null", b"{}"):
        for kind in provider.spec.event_types:
            envelope = Envelope(event_id="e", event_type=kind, body=body, received_at=AT)
            answer = check_translation(provider.translator, envelope, {})
            assert answer is None or answer.ignored


@every
def test_an_unknown_type_is_ignored_with_a_reason(name: str, world: World) -> None:
    provider = provider_of(name, world)
    event = PARTICIPANTS[name].wrap("an.invention", {"id": "x"})
    body = msgspec.json.encode(event)
    envelope = Envelope(event_id="e", event_type="an.invention", body=body, received_at=AT)
    assert provider.translator(envelope, {}).ignored
