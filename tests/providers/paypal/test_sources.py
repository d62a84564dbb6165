"""The allow-list of certificate addresses, against look-alikes and tricks of writing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.providers.paypal.sources import (
    LIVE_NAME,
    SANDBOX_NAME,
    live_sources,
    read_source,
    sandbox_sources,
    source_of,
)

GOOD = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1a5f47cb"


@pytest.mark.parametrize(
    "url", [GOOD, GOOD.replace("api.", "api-m."), GOOD.replace("CERT-", "cert_")]
)
def test_a_live_address_is_taken_with_the_live_name(url: str) -> None:
    source = source_of(url, live_sources())

    assert source is not None
    assert source.name == LIVE_NAME


def test_a_sandbox_address_is_taken_in_sandbox_mode_only() -> None:
    url = GOOD.replace("api.paypal", "api.sandbox.paypal")
    source = source_of(url, sandbox_sources())

    assert source is not None
    assert source.name == SANDBOX_NAME
    assert source_of(url, live_sources()) is None
    assert source_of(GOOD, sandbox_sources()) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://api.paypal.com",
        "https://api.paypal.com/v1/notifications/certs/",
        "https://api.paypal.com/v1/notifications/certs",
        "https://api.paypal.com/v1/notifications/test/CERT-1",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "HTTPS://api.paypal.com/v1/notifications/certs/CERT-1",
        "ftp://api.paypal.com/v1/notifications/certs/CERT-1",
        "//api.paypal.com/v1/notifications/certs/CERT-1",
        " https://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1 ",
        "https://api.paypal.com/v1/notifications/certs/CERT-1\n",
        "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com./v1/notifications/certs/CERT-1",
        "https://user@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://notpaypal.com/v1/notifications/certs/CERT-1",
        "https://api.notpaypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example/https://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1",
        "https://paypal.com/v1/notifications/certs/CERT-1",
        "https://xapi.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.pаypal.com/v1/notifications/certs/CERT-1",  # a Cyrillic а
        "https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../../../x",
        "https://api.paypal.com/v1/notifications/certs/..",
        "https://api.paypal.com/v1/notifications/certs/.",
        "https://api.paypal.com/v1/notifications/certs/%2e%2e/x",
        "https://api.paypal.com/v1/notifications/certs/%2e%2e%2fx",
        "https://api.paypal.com/v1/notifications/certs/a/../b",
        "https://api.paypal.com/v1/notifications/certs/a\\b",
        "https://api.paypal.com/v1/notifications/certs//CERT-1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
        "https://api.paypal.com/v1/notifications/certs/CERT-1;x",
        "https://api.paypal.com/v1/notifications/certs/CERT-1\x00",
        "https://api.paypal.com/v1/notifications/certs/" + "C" * 129,
        "https://api.paypal.com//v1/notifications/certs/CERT-1",
        "https://127.0.0.1/v1/notifications/certs/CERT-1",
        "file:///v1/notifications/certs/CERT-1",
    ],
)
def test_a_look_alike_is_refused(url: str) -> None:
    assert source_of(url, (*live_sources(), *sandbox_sources())) is None


@given(st.text(max_size=40))
def test_only_a_plain_last_segment_follows_the_prefix(tail: str) -> None:
    prefix = "https://api.paypal.com/v1/notifications/certs/"
    accepted = source_of(prefix + tail, live_sources()) is not None
    plain = bool(tail) and all(c.isascii() and (c.isalnum() or c in "-_") for c in tail)

    assert accepted == plain


@pytest.mark.parametrize(
    "prefix",
    [
        "http://api.paypal.com/certs/",
        "https://api.paypal.com:444/certs/",
        "https://user@api.paypal.com/certs/",
        "https://api.paypal.com/certs/?x=",
        "https://api.paypal.com/certs/#",
        "https://api.paypal.com/../certs/",
        "https:///certs/",
        "https://API.paypal.com/certs/",
        "api.paypal.com/certs/",
        "",
    ],
)
def test_a_prefix_that_says_less_than_it_should_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match=r"prefix|must be"):
        read_source(prefix, LIVE_NAME)


def test_http_and_a_port_are_taken_under_the_local_sandbox_only() -> None:
    base = "http://127.0.0.1:8001"
    source = read_source(f"{base}/paypal/certs", SANDBOX_NAME, plain_under=base)

    assert source.prefix == "http://127.0.0.1:8001/paypal/certs/"
    with pytest.raises(ValueError, match="must be https"):
        read_source("http://127.0.0.1:80015/paypal/certs", SANDBOX_NAME, plain_under=base)
