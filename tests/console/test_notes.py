"""What the store notes is said in the operator's language, whatever varies in it, and every note of
the code has words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain import clock, resolution
from domain.database import Database
from domain.effects import Effect
from domain.inbox import Attempt, Event
from tests.architecture.tree import Module
from tests.console.conftest import Visitor
from tests.console.notes import Notes, Reading, notes
from tests.console.test_words import TRANSLATED
from webhooks.console.notes import Form, said
from webhooks.console.speech import speech, words
from webhooks.providers.paypal.gateway import READERS
from webhooks.providers.stripe.readings import READS

CZECH, FRENCH, ENGLISH = speech("cs"), speech("fr"), speech("en")
NEW = """
from domain import inbox
from domain.errors import Transient

NEVER: Final = "nobody has words for a constant"
TABLE: Final = {"a": "nobody has words for a row"}


def fail(event, order, action, kind):
    late = Transient if kind else ValueError
    if order.late:
        raise late(f"nobody has words for order {order.id} of {event.payload['who']}")
    why = TABLE.get(kind, f"nobody has words for kind {kind}")
    hand_on(event, why)
    hand_on(event, note=NEVER)
    raise Transient(f"it could not {action}")


def hand_on(event, note):
    inbox.finish(event, "ignored", note)


def run(event, order):
    fail(event, order, f"lift order {order.id}", "a")
    event.note = worded(order) or "nobody has words for it"
    event.note = order.anything


def worded(order):
    return "nobody has words for what is returned"
"""
"""A module with a note in every way in which the code writes one."""


class Example(Module):
    """A module of tests that stands where one of the product would."""

    def __str__(self) -> str:
        return "workers/example.py"


def read(module: Module) -> Notes:
    found = Notes(places=dict(notes().places))
    reading = Reading(module)
    for _ in range(3):
        reading.find(found)
    return found


def test_every_note_of_the_code_can_be_read() -> None:
    found = notes()
    assert found.unread == set()
    assert len(found.texts) > 200
    assert {
        "nothing for us in it",
        "no account is known by {names}",
        "to be read from the provider first: {needs}",
        "waiting for {names} from the provider",
        "order {id} is {state}",
    } <= set(found.texts)


def test_a_new_note_is_found_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(NEW)
    found = read(Example(tmp_path / "example.py"))
    assert set(found.texts) == {
        "nobody has words for a constant",
        "nobody has words for a row",
        "nobody has words for order {id} of {payload}",
        "nobody has words for kind {kind}",
        "it could not {action}",
        "lift order {id}",
        "nobody has words for it",
        "nobody has words for what is returned",
    }
    assert found.unread == {"workers/example.py: order.anything"}
    assert set(found.texts) & set(words("cs")) == set()


def test_no_note_names_two_of_its_places_alike() -> None:
    places = {text: re.findall(r"{\w+}", text) for text in notes().texts}
    assert [text for text, each in places.items() if len(each) != len(set(each))] == []


def filled() -> Iterator[tuple[str, str, list[str]]]:
    """Every note that varies, as it would be stored, with what stands at its places."""
    for text in notes().texts:
        count = len(re.findall(r"{\w+}", text))
        values = [f"X{number}z" for number in range(count)]
        stored = text
        for value in values:
            stored = re.sub(r"{\w+}", value, stored, count=1)
        yield text, stored, values


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_note_is_recognised_with_what_varies_in_it(language: str) -> None:
    lost = []
    for text, stored, values in filled():
        told = said(speech(language), f"Transient: {stored}")
        names = re.findall(r"{(\w+)}", text)
        if told != words(language)[text].format_map(dict(zip(names, values, strict=True))):  # type: ignore[union-attr]
            lost.append((stored, told))
    assert lost == []


@pytest.mark.parametrize(
    "stored, told",
    [
        ("nothing for us in it", "nic pro nás v ní není"),
        (
            "to be read from the provider first: capture:2GG2, payment_method:pm_1",
            "nejdřív se přečte u poskytovatele: stržení 2GG2, platební metoda pm_1",
        ),
        ("waiting for payment:pi_1 from the provider", "čeká se na poskytovatele: platba pi_1"),
        (
            "NotYet: no account is known by order Y, payment pi_1",
            "žádný účet není znám podle: objednávka Y, platba pi_1",
        ),
        (
            "not about any account of ours (NotYet: no account is known by anything it says)",
            "netýká se žádného našeho účtu (žádný účet není znám podle: cokoli, co říká)",
        ),
        (
            "Transient: Stripe could not charge order 42: Try again",
            "Stripe to nemohl udělat (strhnout objednávku 42): Try again",
        ),
        (
            "Permanent: 60.00 EUR were reported as refunded of pi_1, paid 57.00 EUR",
            "z pi_1 je hlášeno vráceno 60,00 €, zaplaceno bylo 57,00 €",
        ),
        ("order 42 is superseded", "objednávka 42 je ve stavu: nahrazeno"),
        ("Transient: the app answered 503", "aplikace: odpověď 503"),
    ],
)
def test_a_note_is_said_with_its_ids_amounts_and_words(stored: str, told: str) -> None:
    assert said(CZECH, stored).replace("\N{NO-BREAK SPACE}", " ") == told
    assert said(ENGLISH, stored) == stored


@pytest.mark.parametrize(
    "stored",
    [
        "KeyError: 'plan'",
        "settled by hand",
        "test",
        "order 42 is",
        "{names}",
        "no account is known by ",
        "nothing for us in it, or is there?",
    ],
)
def test_what_the_code_did_not_write_is_shown_as_it_is_stored(stored: str) -> None:
    assert [said(each, stored) for each in (CZECH, FRENCH, ENGLISH)] == [stored] * 3


def test_what_a_person_wrote_is_not_worded_inside_a_note_either() -> None:
    assert said(CZECH, "dismissed: test order 42") == "zahozeno: test order 42"
    assert said(CZECH, "cancelled by operator:anna: open") == "zrušil operátor anna: open"


def test_a_note_is_taken_apart_without_trying_twice() -> None:
    form = Form(("a", "b", "c"), ("one", "two"), "{two}{one}")
    assert form.values_in("a1b2c") == {"one": "1", "two": "2"}
    assert form.values_in("a1bb2cc") == {"one": "1", "two": "b2c"}
    assert [form.values_in(each) for each in ("abc", "a1bc", "a1b2", "1b2c", "ac")] == [None] * 5


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_an_event_may_wait_for_or_be_known_by_has_words(language: str) -> None:
    assert {*resolution.KEYS, *READS, *READERS} - set(words(language)) == set()


def stored(database: Database) -> int:
    """An unmatched event with a try and an effect, each with its note."""
    with database.transaction() as session:
        note = "NotYet: no account is known by order order-Y"
        now = clock.now()
        values: dict[str, Any] = {
            "received_at": now - timedelta(minutes=2),
            "note": note,
            "next_attempt_at": now,
        }
        event = Event(
            provider="acme",
            provider_event_id="acme_1",
            type="paid",
            status="unmatched",
            origin="webhook",
            delivery_id="d1",
            **values,
        )
        session.add(event)
        session.flush()
        session.add(Attempt(event_id=event.id, outcome="unmatched", error=note))
        effect: dict[str, Any] = {
            "cause": "x",
            "kind": "send_mail",
            "target": "t",
            "status": "skipped",
        }
        over = "the subscription is over"
        session.add(Effect(**effect, event_id=event.id, attempts=1, payload={}, note=over))
        return event.id


def test_the_pages_say_notes_in_the_operators_language_and_the_api_in_english(
    operator: Visitor, database: Database
) -> None:
    number = stored(database)
    operator.post("/console/me/looks", {"language": "cs", "theme": "auto"})
    told = "žádný účet není znám podle: objednávka order-Y"
    assert told in operator.get("/console/events").text
    page = operator.get(f"/console/events/{number}").text
    assert page.count(told) == 2
    assert "předplatné skončilo" in page
    assert "no account is known" not in page
    answer = operator.get(f"/api/events/{number}").json()
    assert answer["note"] == "NotYet: no account is known by order order-Y"
