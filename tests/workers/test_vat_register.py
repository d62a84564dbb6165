"""The register of VAT numbers is away, slow or of another mind; and its answers grow old."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from domain import clock, effects, leases
from tests.workers.conftest import Played
from tests.workers.vat_shop import (
    DAY,
    GERMAN,
    UNANSWERED,
    ask_the_register,
    effects_of,
    enter,
    number_ending,
    perform,
    refusals,
    state,
    treatment,
)
from webhooks.sandbox import vies
from workers import perform_effects
from workers.clock import Clock
from workers.vat_duty import check_vat_numbers


@pytest.mark.parametrize("ending", UNANSWERED)
def test_an_error_of_the_register_is_tried_again_and_never_counts_as_invalid(
    played: Played, client: TestClient, ending: str
) -> None:
    number = number_ending(ending)
    enter(client, number)
    perform(played)
    [effect] = effects_of(played, "check_vat_number")
    assert (effect.status, effect.attempts) == ("waiting", 1)
    assert vies.ERRORS[ending] in str(effect.note)
    assert state(client)["status"] == "unavailable"
    assert treatment(client) == "consumer"
    assert refusals(played) == []
    ask_the_register(played, "numbers", number=number, answer="valid")
    clock.advance(timedelta(seconds=3))
    perform(played)
    assert state(client)["status"] == "valid"


@pytest.mark.parametrize("fault", ["error", "rate_limit", "timeout_before"])
def test_a_register_that_breaks_down_is_unavailable(
    played: Played, client: TestClient, fault: str
) -> None:
    played.world.faults.add({"kind": fault, "provider": "vies", "count": 1})
    enter(client, GERMAN)
    perform(played)
    assert state(client)["status"] == "unavailable"
    clock.advance(timedelta(seconds=3))
    perform(played)
    assert state(client)["status"] == "valid"


def test_a_register_that_is_away_for_days_is_asked_until_it_is_back(
    played: Played, client: TestClient
) -> None:
    ask_the_register(played, "states", country="DE", available=False)
    enter(client, GERMAN)
    for _ in range(12):
        perform(played)
        clock.advance(timedelta(hours=12))
    assert {each.status for each in effects_of(played, "check_vat_number")} == {"parked"}
    assert refusals(played) == []
    ask_the_register(played, "states", country="DE", available=True)
    check_vat_numbers(played.runtime)
    perform(played)
    assert state(client)["status"] == "valid"


def test_an_answer_counts_for_ninety_days_while_the_register_is_away(
    played: Played, client: TestClient
) -> None:
    enter(client, GERMAN)
    perform(played)
    ask_the_register(played, "states", country="DE", available=False)
    clock.advance(90 * DAY - timedelta(seconds=1))
    Clock(played.runtime).run_all()
    perform(played)
    assert (state(client)["status"], treatment(client)) == ("valid", "reverse_charge")
    clock.advance(timedelta(seconds=1))
    assert treatment(client) == "consumer"
    clock.advance(timedelta(minutes=1))
    perform(played)
    assert (state(client)["status"], treatment(client)) == ("unavailable", "consumer")


def test_a_number_is_asked_about_again_before_its_answer_is_too_old(
    played: Played, client: TestClient
) -> None:
    enter(client, GERMAN)
    perform(played)
    clock.advance(80 * DAY)
    check_vat_numbers(played.runtime)
    assert perform(played) == 0
    clock.advance(DAY)
    check_vat_numbers(played.runtime)
    check_vat_numbers(played.runtime)
    perform(played)
    assert len(effects_of(played, "check_vat_number")) == 2
    clock.advance(80 * DAY)
    assert treatment(client) == "reverse_charge"


def test_a_number_that_is_withdrawn_later_counts_no_more_and_is_told_once(
    played: Played, client: TestClient
) -> None:
    enter(client, GERMAN)
    perform(played)
    ask_the_register(played, "numbers", number=GERMAN, answer="invalid")
    clock.advance(85 * DAY)
    check_vat_numbers(played.runtime)
    perform(played)
    assert (state(client)["status"], treatment(client)) == ("invalid", "consumer")
    assert refusals(played) == ["invalid"]


def test_one_number_of_a_country_is_asked_about_at_a_time(
    played: Played, client: TestClient
) -> None:
    enter(client, GERMAN)
    database = played.runtime.database
    with database.transaction() as session:
        assert leases.take(session, "vies:DE", "another", clock.wall(), timedelta(minutes=1))
    perform(played)
    [effect] = effects_of(played, "check_vat_number")
    assert (effect.status, state(client)["status"]) == ("waiting", "checking")
    with database.transaction() as session:
        leases.drop(session, "vies:DE", "another")
    clock.advance(timedelta(seconds=3))
    perform(played)
    assert state(client)["status"] == "valid"


def test_two_workers_at_once_never_call_for_the_same_country_together(
    played: Played, client: TestClient
) -> None:
    played.world.faults.add({"kind": "slow", "provider": "vies", "seconds": 0.5})
    for ref, number in (("one", GERMAN), ("two", number_ending("100"))):
        billing = {"country": "DE", "vat_number": number}
        body = {"email": f"{ref}@blumen.example", "currency": "EUR", "billing": billing}
        assert client.put(f"/api/accounts/{ref}", json=body).status_code == 201
    with played.runtime.database.transaction() as session:
        claimed = effects.claim(session, 2)
    workers = [
        threading.Thread(target=perform_effects.perform_one, args=(played.runtime, each))
        for each in claimed
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    after = effects_of(played, "check_vat_number")
    assert sorted(each.status for each in after) == ["done", "waiting"]
    clock.advance(timedelta(seconds=3))
    perform(played)
    after = effects_of(played, "check_vat_number")
    assert [each.status for each in after] == ["done", "done"]
