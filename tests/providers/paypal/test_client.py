"""The client over real HTTP: token, threads, time limits, and what failures mean."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from domain.errors import Permanent, Transient, Unknown
from domain.ports import ReadingRequest
from tests.providers.paypal.played import TIMEOUT, Played, renewal, wanted
from webhooks.providers.paypal.client import Call, PayPalClient, Refusal
from webhooks.providers.paypal.gateway import PayPalGateway
from webhooks.providers.paypal.orders import request_id

ANY = ReadingRequest("order", "NOSUCHORDER")


def elsewhere(paypal: Played, api_base: str) -> PayPalGateway:
    """A gateway for another address."""
    settings = msgspec.structs.replace(paypal.settings, api_base=api_base)
    return PayPalGateway(settings, PayPalClient(settings, TIMEOUT))


def test_many_threads_share_one_token(paypal: Played) -> None:
    asked: list[float] = []
    paypal.client.add_injector(lambda request: asked.append(request.path == "/v1/oauth2/token"))
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: paypal.gateway.read(ANY), range(36)))

    assert answers == [None] * 36
    assert sum(asked) == 1


def test_a_token_that_was_revoked_is_replaced_once(paypal: Played) -> None:
    assert paypal.gateway.read(ANY) is None
    paypal.desk("/tokens/revoke")

    assert paypal.gateway.read(ANY) is None


def test_a_token_is_renewed_before_it_expires(paypal: Played) -> None:
    paypal.gateway.read(ANY)
    token = paypal.client._access_token

    assert 0 < token.expires_in <= 32_400 - 300
    assert not token.is_expired()


def test_wrong_credentials_are_our_mistake_and_nothing_was_done(paypal: Played) -> None:
    settings = msgspec.structs.replace(paypal.settings, client_secret="wrong")
    gateway = PayPalGateway(settings, PayPalClient(settings, TIMEOUT))
    with pytest.raises(Transient, match="PAYPAL_CLIENT_SECRET") as caught:
        gateway.charge(renewal("token"))

    assert not isinstance(caught.value, Unknown)
    assert "wrong" not in str(caught.value).replace("is wrong", "")


def test_a_host_that_cannot_be_reached_took_no_money(paypal: Played) -> None:
    with pytest.raises(Transient) as caught:
        elsewhere(paypal, "http://127.0.0.1:9").charge(renewal("token"))

    assert not isinstance(caught.value, Unknown)


def test_silence_ends_a_call_in_time(paypal: Played) -> None:
    paypal.gateway.read(ANY)
    paypal.fault("timeout_before", path="*/orders/*", seconds=0.7)
    begun = time.monotonic()
    with pytest.raises(Transient):
        paypal.gateway.read(ANY)

    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "html"])
def test_a_failing_paypal_may_have_taken_money_but_not_read_anything(
    paypal: Played, code: str
) -> None:
    paypal.fault("error", path="*/orders/*", code=code)
    with pytest.raises(Transient) as reading:
        paypal.gateway.read(ANY)
    paypal.fault("error", path="*/v2/checkout/orders", method="POST", code=code)
    with pytest.raises(Unknown):
        paypal.gateway.charge(renewal("token"))

    assert not isinstance(reading.value, Unknown)


def test_too_many_calls_are_told_to_wait(paypal: Played) -> None:
    paypal.fault("rate_limit", path="*/v2/checkout/orders", method="POST")
    with pytest.raises(Transient, match="429") as caught:
        paypal.gateway.charge(renewal("token"))

    assert not isinstance(caught.value, Unknown)


def test_of_two_calls_at_once_with_one_key_the_second_is_unknown_and_charges_nothing(
    paypal: Played,
) -> None:
    token = paypal.saved()
    paypal.desk("/pace", {"seconds": 0.3})
    results: list[str] = []

    def charge() -> None:
        try:
            results.append(paypal.gateway.charge(renewal(token)).status)
        except Unknown:
            results.append("unknown")

    threads = [threading.Thread(target=charge) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["succeeded", "unknown"]
    assert paypal.types().count("PAYMENT.CAPTURE.COMPLETED") == 2


def test_a_wrong_request_is_refused_for_good_and_without_our_values(paypal: Played) -> None:
    with pytest.raises(Permanent, match="PayPal refused with") as caught:
        paypal.gateway.open_checkout(wanted(description="x", order="o" * 300))

    assert "ooo" not in str(caught.value)


def test_bytes_travel_as_they_are(paypal: Played) -> None:
    with pytest.raises(Refusal) as caught:
        paypal.client.call(Call("POST", "/v2/checkout/orders", b"{broken"))

    assert (caught.value.status, caught.value.issue) == (400, "MALFORMED_REQUEST_JSON")


def test_a_long_or_odd_key_becomes_a_short_one() -> None:
    assert request_id("order:ord_1:charge") == "order:ord_1:charge"
    assert len(request_id("x" * 300)) <= 108
    assert request_id("x" * 300) != request_id("x" * 301)
    assert request_id("klíč").isascii()
