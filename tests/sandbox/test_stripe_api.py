"""What holds for every call of the played Stripe: keys, idempotency, paging, errors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import stripe

from domain import clock
from tests.sandbox.conftest import Sandbox, Stage

CHARGE: dict[str, Any] = {
    "amount": 4900,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
}


def post(sandbox: Sandbox, path: str, key: str | None = None, **form: str) -> requests.Response:
    """A call without the SDK."""
    headers = {"Idempotency-Key": key} if key else {}
    auth = (sandbox.world.credentials.stripe_api_key, "")
    url = f"{sandbox.base_url}/stripe/v1/{path}"
    return requests.post(url, data=form, headers=headers, auth=auth, timeout=5)


def test_the_same_key_gives_the_same_answer_and_no_second_charge(sandbox: Sandbox) -> None:
    options: Any = {"idempotency_key": "order-1"}
    first = sandbox.stripe.payment_intents.create(CHARGE, options=options)
    again = sandbox.stripe.payment_intents.create(CHARGE, options=options)
    assert again.id == first.id
    assert len(sandbox.received("charge.succeeded")) == 1
    replayed = post(sandbox, "customers", "c", email="a@example.com")
    assert "Idempotent-Replayed" not in replayed.headers
    replayed = post(sandbox, "customers", "c", email="a@example.com")
    assert replayed.headers["Idempotent-Replayed"] == "true"


def test_a_key_answers_with_the_error_that_it_had(sandbox: Sandbox) -> None:
    declined = {**CHARGE, "payment_method": "pm_card_chargeDeclined"}
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            sandbox.stripe.payment_intents.create(declined, options={"idempotency_key": "o"})
    assert len(sandbox.received("charge.failed")) == 1


def test_a_key_with_other_parameters_is_refused(sandbox: Sandbox) -> None:
    options: Any = {"idempotency_key": "order-1"}
    sandbox.stripe.payment_intents.create(CHARGE, options=options)
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        sandbox.stripe.payment_intents.create({**CHARGE, "amount": 5000}, options=options)


def test_a_key_in_use_by_another_call_is_a_conflict(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(2) as pool:
        with sandbox.world.lock:  # The first call waits here, in the middle of its work.
            calls = [pool.submit(post, sandbox, "customers", "c") for _ in range(2)]
            refused = next(call for call in _as_they_finish(calls))
        assert refused.result().status_code == 409
        assert refused.result().json()["error"]["code"] == "idempotency_key_in_use"
    assert sorted(call.result().status_code for call in calls) == [200, 409]


def _as_they_finish(calls: list[Any]) -> Any:
    from concurrent.futures import as_completed

    return as_completed(calls, timeout=5)


def test_parameters_refused_at_once_do_not_use_the_key_up(sandbox: Sandbox) -> None:
    assert post(sandbox, "payment_intents", "k", currency="eur").status_code == 400
    assert post(sandbox, "payment_intents", "k", currency="eur", amount="900").status_code == 200


def test_a_key_is_forgotten_after_a_day(sandbox: Sandbox) -> None:
    clock.travel(datetime(2026, 4, 1, tzinfo=UTC))
    ids = []
    for hours in (0, 23, 2):
        clock.advance(timedelta(hours=hours))
        ids.append(post(sandbox, "customers", "c").json()["id"])
    assert ids[0] == ids[1] != ids[2]


def test_a_parameter_that_the_newest_version_dropped_is_refused(sandbox: Sandbox) -> None:
    form = {"amount": "4900", "currency": "eur", "payment_method_types[0]": "card"}
    assert post(sandbox, "payment_intents", **form).json()["error"]["code"] == "parameter_unknown"
    sandbox.control("/stripe/api_version", version="2020-03-02")
    assert post(sandbox, "payment_intents", **form).json()["payment_method_types"] == ["card"]


def test_a_search_finds_an_order_whatever_is_in_its_name(sandbox: Sandbox) -> None:
    for order in ("it's", 'say "1"', "back\\slash"):
        sandbox.stripe.payment_intents.create({**CHARGE, "metadata": {"order": order}})
        quoted = order.replace("\\", "\\\\").replace("'", "\\'")
        found = sandbox.stripe.payment_intents.search(
            {"query": f"metadata['order']:'{quoted}' AND status:'succeeded'"}
        )
        assert [each.metadata.order for each in found.data] == [order]


def test_a_wrong_key_is_refused_without_being_repeated(sandbox: Sandbox) -> None:
    url = f"{sandbox.base_url}/stripe/v1/customers"
    answer = requests.post(url, headers={"Authorization": "Bearer sk_test_wrong"}, timeout=5)
    assert answer.status_code == 401
    assert "sk_test_wrong" not in answer.text
    assert requests.get(url, timeout=5).status_code == 401


def test_lists_are_paged_newest_first_in_both_directions(sandbox: Sandbox) -> None:
    made = [sandbox.stripe.customers.create({"email": f"{n}@example.com"}).id for n in range(5)]
    customers = sandbox.stripe.customers
    first = customers.list({"limit": 2})
    assert [each.id for each in first.data] == made[:2:-1]
    assert first.has_more
    paged = [each.id for each in first.auto_paging_iter()]
    assert paged == made[::-1]
    backwards = customers.list({"limit": 2, "ending_before": made[0]})
    assert [each.id for each in backwards.auto_paging_iter()] == made[1:]
    assert [each.id for each in backwards.data] == [made[2], made[1]]
    with pytest.raises(stripe.InvalidRequestError, match="between 1 and 100"):
        customers.list({"limit": 101})


def test_events_are_listed_by_type_time_and_success(sandbox: Sandbox) -> None:
    sandbox.world.faults.add({"kind": "drop", "type": "charge.succeeded"})
    sandbox.stripe.payment_intents.create(CHARGE)
    sandbox.received()
    events = sandbox.stripe.events
    lost = events.list({"delivery_success": False}).data
    assert [each.type for each in lost] == ["charge.succeeded"]
    since = lost[0].created
    wanted: Any = {"types": ["charge.*", "payment_intent.created"], "created": {"gte": since}}
    assert sorted(each.type for each in events.list(wanted).data) == [
        "charge.succeeded",
        "charge.updated",
        "payment_intent.created",
    ]
    assert events.list({"created": {"gt": since + 60}}).data == []
    assert events.retrieve(lost[0].id).data.object.object == "charge"


@pytest.mark.parametrize(
    "path,form,code",
    [
        ("payment_intents", {"amount": "900"}, "parameter_missing"),
        ("payment_intents", {"amount": "9.50", "currency": "eur"}, "parameter_invalid_integer"),
        ("payment_intents", {"amount": "10", "currency": "eur"}, "amount_too_small"),
        ("payment_intents/pi_none/cancel", {}, "resource_missing"),
        ("checkout/sessions", {"mode": "payment", "success_url": "https://a"}, "parameter_missing"),
        ("checkout/sessions", {"mode": "setup", "success_url": "javascript:1"}, "url_invalid"),
    ],
)
def test_errors_name_what_is_wrong(
    sandbox: Sandbox, path: str, form: dict[str, str], code: str
) -> None:
    answer = post(sandbox, path, **form)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["code"] == code
    assert answer.headers["Request-Id"].startswith("req_")


def test_an_address_that_is_not_played_says_so(sandbox: Sandbox) -> None:
    answer = post(sandbox, "terminal/readers")
    assert answer.status_code == 404
    assert "v1/terminal/readers" in answer.json()["error"]["message"]


def test_the_same_seed_makes_the_same_world(stage: Stage) -> None:
    ids = []
    for seed in (5, 5, 6):
        with stage.play(seed=seed) as one:
            ids.append(one.stripe.payment_intents.create(CHARGE).id)
    assert ids[0] == ids[1] != ids[2]


def test_a_sandbox_started_again_continues_with_its_data(stage: Stage, tmp_path: Any) -> None:
    with stage.play(directory=tmp_path) as first:
        intent = first.stripe.payment_intents.create(CHARGE)
    with stage.play(directory=tmp_path) as second:
        assert second.stripe.payment_intents.retrieve(intent.id).status == "succeeded"
        assert second.stripe.payment_intents.create(CHARGE).id != intent.id
