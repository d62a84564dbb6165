"""What `billhook sandbox fault` makes go wrong, and mends again, in the sandbox that runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe
from stripe import SignatureVerificationError, WebhookSignature

from domain import clock
from tests.sandbox.conftest import Sandbox
from webhooks.providers import registry
from webhooks.providers.provider import Delivery, Verdict
from webhooks.sandbox.paypal_events import message
from workers.cli import main
from workers.commands.sandbox import FAULTS

Output = pytest.CaptureFixture[str]


def fault(sandbox: Sandbox, *words: str) -> int:
    return main(["sandbox", "fault", *words, "--sandbox", sandbox.base_url])


def waiting(sandbox: Sandbox) -> list[dict[str, Any]]:
    return list(sandbox.world.faults.list())


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_begun_and_mended(sandbox: Sandbox, name: str, capsys: Output) -> None:
    assert fault(sandbox, "set", name) == 0
    kinds = [each["kind"] for each in FAULTS[name][1]]
    assert [each["kind"] for each in waiting(sandbox)] == kinds
    assert fault(sandbox, "clear") == 0
    assert waiting(sandbox) == []
    assert f"{len(kinds)} mended" in capsys.readouterr().out


def test_a_fault_is_narrowed_and_mended_by_its_id(sandbox: Sandbox, capsys: Output) -> None:
    fault(sandbox, "set", "api-errors", "--provider", "stripe", "--method", "GET", "--count", "2")
    fault(sandbox, "set", "api-slow", "--seconds", "0.5")
    [first, second] = waiting(sandbox)
    assert (first["provider"], first["method"], first["count"]) == ("stripe", "GET", 2)
    assert second["seconds"] == 0.5
    capsys.readouterr()
    assert fault(sandbox, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [first, second]
    assert fault(sandbox, "clear", str(first["id"])) == 0
    assert [each["id"] for each in waiting(sandbox)] == [second["id"]]
    assert fault(sandbox, "clear", "fault_99") == 1
    assert "there is no fault fault_99" in capsys.readouterr().err


def test_what_could_go_wrong_is_listed_while_nothing_does(sandbox: Sandbox, capsys: Output) -> None:
    assert fault(sandbox, "list") == 0
    said = capsys.readouterr().out
    assert all(name in said for name in FAULTS)


def test_without_a_sandbox_the_way_out_is_told(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLHOOK_SANDBOX", "http://127.0.0.1:9")
    assert main(["sandbox", "fault", "list"]) == 1
    assert "no sandbox answers at http://127.0.0.1:9: start one" in capsys.readouterr().err


def test_a_delivery_that_is_signed_wrong_is_no_delivery_of_the_provider(sandbox: Sandbox) -> None:
    fault(sandbox, "set", "bad-signatures", "--count", "1")
    sandbox.stripe.customers.create({"email": "anna@example.com"})
    assert sandbox.world.courier.settle(5)
    [(headers, body)] = sandbox.receiver.deliveries
    secret = sandbox.world.credentials.stripe_webhook_secret
    with pytest.raises(SignatureVerificationError):
        WebhookSignature.verify_header(body.decode(), headers["Stripe-Signature"], secret, 300)


def test_a_refused_call_is_a_mistake_of_the_caller(sandbox: Sandbox) -> None:
    customer = sandbox.stripe.customers.create({"email": "anna@example.com"})
    fault(sandbox, "set", "api-refuses", "--provider", "stripe", "--method", "GET")
    with pytest.raises(stripe.InvalidRequestError, match="as it was asked for"):
        sandbox.stripe.customers.retrieve(customer.id)
    fault(sandbox, "clear")
    assert sandbox.stripe.customers.retrieve(customer.id).id == customer.id


def test_a_certificate_that_is_gone_leaves_it_open_until_it_is_found_again(
    sandbox: Sandbox,
) -> None:
    world = sandbox.world

    def judged(headers: dict[str, str], body: bytes) -> Verdict:
        lowered = {name.lower(): value for name, value in headers.items()}
        delivery = Delivery(headers=lowered, body=body, received_at=clock.now())
        # Another process than the one that has just failed to fetch it.
        fresh = registry(world.environment(), sandbox.base_url)["paypal"]
        return fresh.verifier.verify(delivery)

    event = message(world, "WH-1", "PAYMENT.CAPTURE.COMPLETED", b'{"id": "WH-1"}')
    assert judged(*event.transmission()).status == "authentic"
    fault(sandbox, "set", "gone-certificates")
    lost = event.transmission()
    assert judged(*lost).status == "unknown"
    fault(sandbox, "clear")
    assert judged(*lost).status == "authentic"
