"""Deliveries signed with an authority of our own: what is refused, and what cannot be told yet."""

from __future__ import annotations

import base64
import zlib
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.paypal.conftest import ARRIVAL, BODY, WEBHOOK_ID, Sign
from tests.providers.paypal.paypal_host import PayPalHost
from webhooks.providers.paypal.settings import PayPalSettings
from webhooks.providers.paypal.sources import live_sources
from webhooks.providers.paypal.verify import PayPalVerifier
from webhooks.providers.provider import Delivery
from webhooks.sandbox.authority import Authority

OFFLINE = PayPalSettings(
    webhook_ids=(WEBHOOK_ID,),
    client_id="client",
    client_secret="secret",
    mode="live",
    api_base="https://api-m.paypal.com",
    cert_sources=live_sources(),
)


def test_a_signed_delivery_is_authentic_and_says_which_webhook_matched(
    verifier: PayPalVerifier, signed: Sign
) -> None:
    delivery = signed()
    verdict = verifier.verify(delivery)

    assert (verdict.status, verdict.signer) == ("authentic", "webhook id 2 of 2")
    assert verdict.delivery_key == delivery.headers["paypal-transmission-id"]


def test_the_certificate_is_fetched_once_for_many_deliveries(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost
) -> None:
    assert verifier.needs_network(signed())
    statuses = [verifier.verify(signed(b'{"n":%d}' % n)).status for n in range(5)]

    assert statuses == ["authentic"] * 5
    assert sorted(host.asked) == sorted(host.pages)
    assert not verifier.needs_network(signed())


@pytest.mark.parametrize(
    "header",
    [
        "paypal_transmission_id",
        "paypal_transmission_time",
        "paypal_transmission_sig",
        "paypal_cert_url",
        "paypal_auth_algo",
    ],
)
@pytest.mark.parametrize("value", [None, "", "~", "ž", "\x00", "a|b", "x" * 70_000])
def test_a_missing_or_senseless_header_is_refused_without_any_network(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost, header: str, value: str | None
) -> None:
    delivery = signed(**{header.upper(): value})
    verdict = verifier.verify(delivery)

    assert verdict.status == "forged"
    assert header.replace("_", "-").upper() in verdict.reason
    assert not verifier.needs_network(delivery)
    assert host.asked == []


@pytest.mark.parametrize("algorithm", ["SHA1withRSA", "SHA256withECDSA", "none", "sha256withrsa"])
def test_the_sender_does_not_choose_the_algorithm(
    verifier: PayPalVerifier, signed: Sign, algorithm: str
) -> None:
    verdict = verifier.verify(signed(PAYPAL_AUTH_ALGO=algorithm))

    assert (verdict.status, verdict.reason) == (
        "forged",
        "PAYPAL-AUTH-ALGO is not SHA256withRSA",
    )


def test_a_signature_over_sha1_is_refused_even_by_the_right_key(
    verifier: PayPalVerifier, signed: Sign, authority: Authority
) -> None:
    delivery = signed()
    names = ("paypal-transmission-id", "paypal-transmission-time")
    message = "|".join([*(delivery.headers[name] for name in names), WEBHOOK_ID])
    weak = authority.leaf_key.sign(
        f"{message}|{zlib.crc32(BODY)}".encode(),
        padding.PKCS1v15(),
        hashes.SHA1(),  # noqa: S303 - the weak algorithm is the point
    )
    headers = {
        **delivery.headers,
        "paypal-transmission-sig": base64.b64encode(weak).decode(),
    }

    assert verifier.verify(Delivery(headers=headers, body=BODY, received_at=ARRIVAL)).status == (
        "forged"
    )


@pytest.mark.parametrize(
    "age, status",
    [
        (timedelta(days=3, hours=6), "authentic"),
        (timedelta(days=3, hours=6, seconds=1), "forged"),
        (timedelta(minutes=-5), "authentic"),
        (timedelta(minutes=-5, seconds=-1), "forged"),
        (timedelta(days=400), "forged"),
    ],
)
def test_a_transmission_counts_within_the_time_in_which_paypal_retries(
    verifier: PayPalVerifier, signed: Sign, age: timedelta, status: str
) -> None:
    assert verifier.verify(signed(at=ARRIVAL - age)).status == status


@pytest.mark.parametrize(
    "time",
    ["2026-03-02T09:59:57", "2026-03-02T09:59:57+01:00", "2026-13-02T09:59:57Z", "yesterday", "0"],
)
def test_a_transmission_time_that_is_no_utc_time_is_refused(
    verifier: PayPalVerifier, signed: Sign, time: str
) -> None:
    verdict = verifier.verify(signed(PAYPAL_TRANSMISSION_TIME=time))

    assert verdict.reason == "PAYPAL-TRANSMISSION-TIME is not a time in UTC"


def test_a_delivery_for_a_webhook_that_is_not_ours_is_refused(
    verifier: PayPalVerifier, signed: Sign
) -> None:
    verdict = verifier.verify(signed(webhook_id="WEBHOOK_ID"))

    assert verdict.status == "forged"
    assert "PAYPAL_WEBHOOK_IDS" in verdict.reason


def test_a_certificate_of_an_unknown_authority_is_refused(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost, stranger: Authority
) -> None:
    host.pages[host.cert_url.removeprefix(host.base_url)] = stranger.leaf_pem
    verdict = verifier.verify(signed(by=stranger))

    assert verdict.status == "forged"
    assert "PAYPAL_TRUST_STORE" in verdict.reason


def test_a_certificate_that_signs_itself_is_refused(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost, authority: Authority
) -> None:
    host.pages[host.cert_url.removeprefix(host.base_url)] = authority.self_signed_leaf()

    assert verifier.verify(signed()).status == "forged"


def test_a_certificate_for_another_name_is_refused(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost, authority: Authority
) -> None:
    leaf = authority.certify_leaf(name="api.sandbox.paypal.com")
    host.pages[host.cert_url.removeprefix(host.base_url)] = leaf
    verdict = verifier.verify(signed())

    assert verdict.status == "forged"
    assert "messageverificationcerts.sandbox.paypal.com" in verdict.reason


@pytest.mark.parametrize(
    "begin, end", [(timedelta(days=-9), timedelta(days=-1)), (timedelta(1), timedelta(9))]
)
def test_a_certificate_outside_its_time_is_refused(
    verifier: PayPalVerifier,
    signed: Sign,
    host: PayPalHost,
    authority: Authority,
    begin: timedelta,
    end: timedelta,
) -> None:
    leaf = authority.certify_leaf(valid_from=ARRIVAL + begin, valid_to=ARRIVAL + end)
    host.pages[host.cert_url.removeprefix(host.base_url)] = leaf

    assert verifier.verify(signed()).status == "forged"


def test_a_known_certificate_no_longer_counts_once_it_has_expired(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost, authority: Authority
) -> None:
    end = ARRIVAL + timedelta(hours=1)
    leaf = authority.certify_leaf(valid_from=ARRIVAL - timedelta(1), valid_to=end)
    host.pages[host.cert_url.removeprefix(host.base_url)] = leaf
    later = end + timedelta(minutes=1)

    assert verifier.verify(signed()).status == "authentic"
    assert verifier.verify(signed(at=later, arrival=later)).status == "forged"
    assert verifier.verify(signed()).status == "authentic"


def test_an_outage_page_is_no_bad_signature_and_is_forgotten(
    verifier: PayPalVerifier,
    settings: PayPalSettings,
    signed: Sign,
    host: PayPalHost,
    authority: Authority,
) -> None:
    path = host.cert_url.removeprefix(host.base_url)
    host.pages[path] = b"<!DOCTYPE html><title>Sorry</title>"
    verdict = verifier.verify(signed())

    assert verdict.status == "unknown"
    assert verdict.delivery_key is not None

    host.pages[path] = authority.leaf_pem
    assert PayPalVerifier(settings).verify(signed()).status == "authentic"


def test_a_missing_trust_store_leaves_the_question_open(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost
) -> None:
    del host.pages["/paypal/trust.pem"]

    assert verifier.verify(signed()).status == "unknown"


text = st.one_of(st.text(max_size=60), st.none(), st.just("SHA256withRSA"))


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "paypal-auth-algo",
                "paypal-transmission-id",
                "paypal-transmission-time",
                "paypal-transmission-sig",
                "paypal-cert-url",
            ]
        ),
        text,
    ),
    st.binary(max_size=40),
)
def test_nothing_that_a_caller_sends_makes_the_verifier_raise(
    headers: dict[str, str | None], body: bytes
) -> None:
    sent = {name: value for name, value in headers.items() if value is not None}
    verifier = PayPalVerifier(OFFLINE)
    delivery = Delivery(headers=sent, body=body, received_at=ARRIVAL)

    assert not verifier.needs_network(delivery)
    assert verifier.verify(delivery).status == "forged"
    assert verifier.identify(body).event_id
