"""Calls that leave this host go through the proxy that the environment names, and no others do."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import requests
import urllib3

from domain.errors import Transient
from tests.servers.http import listening
from webhooks import egress
from webhooks.providers.paypal.downloads import Unavailable, download
from workers import standard_webhooks
from workers.effects import fetch_rates
from workers.proxies import EXCEPTIONS, PROXIES, spare_this_host

ELSEWHERE = "http://rates.elsewhere.test/sheet"
CERTIFICATE = "https://api.elsewhere.test/certs/CERT-1"
CREDENTIALS = "Basic " + base64.b64encode(b"user:pass@word").decode()


class Proxy(BaseHTTPRequestHandler):
    """Answers every call itself, lets no tunnel be dug, and keeps what was asked."""

    address: str
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        call = f"{self.command} {self.path}"
        self.asked.append((call, self.headers["Proxy-Authorization"]))
        self.send_response(403 if self.command == "CONNECT" else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - its name
    do_CONNECT = do_GET  # noqa: N815 - its name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        """Stay quiet."""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *EXCEPTIONS):
        monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Proxy]]:
    """A proxy with a name and a password, named by the environment."""
    Proxy.asked = []
    with listening(Proxy) as address:
        Proxy.address = address
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://us%65r:pass%40word@{address}")
        yield Proxy


def test_a_plain_call_is_asked_of_the_proxy(proxy: type[Proxy]) -> None:
    assert egress.shared_pool(ELSEWHERE).request("GET", ELSEWHERE).status == 204
    assert proxy.asked == [(f"GET {ELSEWHERE}", CREDENTIALS)]


def test_a_certificate_is_fetched_through_a_tunnel(proxy: type[Proxy]) -> None:
    with pytest.raises(Unavailable, match="ProxyError") as refused:
        download(CERTIFICATE)
    assert "word" not in str(refused.value)
    assert proxy.asked == [("CONNECT api.elsewhere.test:443", CREDENTIALS)]


def test_the_app_is_told_through_the_proxy(proxy: type[Proxy]) -> None:
    url = "http://app.elsewhere.test/told"
    assert standard_webhooks.post("The app", url, "whsec_YQ==", "msg_1", b"{}") == 204
    assert [line for line, _ in proxy.asked] == [f"POST {url}"]


def test_a_proxy_that_refuses_is_an_error_that_passes(proxy: type[Proxy]) -> None:
    with pytest.raises(Transient, match="could not be reached: ProxyError"):
        fetch_rates._get("https://bank.elsewhere.test/rates")
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    "exceptions, url, goes_straight",
    [
        ("", ELSEWHERE, False),
        ("elsewhere.test", ELSEWHERE, True),
        ("other.test", ELSEWHERE, False),
        ("*", ELSEWHERE, True),
        ("", "http://127.0.0.1:8001/v1/charges", True),
        ("", "http://127.8.9.10/", True),
        ("", "http://[::1]:8001/", True),
        ("", "http://localhost:8001/", True),
        ("", "http://sandbox.localhost/", True),
        ("", "http://localhost.elsewhere.test/", False),
        ("", "http://10.0.0.1/", False),
    ],
)
def test_what_goes_straight(
    proxy: type[Proxy],
    monkeypatch: pytest.MonkeyPatch,
    exceptions: str,
    url: str,
    goes_straight: bool,
) -> None:
    monkeypatch.setenv("no_proxy", exceptions)
    assert (egress.proxy_for(url) is None) == goes_straight
    assert isinstance(egress.shared_pool(url), urllib3.ProxyManager) != goes_straight


def test_without_a_proxy_everything_goes_straight() -> None:
    assert egress.proxy_for(ELSEWHERE) is None


def test_a_proxy_for_everything_may_be_named_without_a_scheme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.test:3128")
    assert egress.proxy_for(ELSEWHERE) == "http://proxy.test:3128"


def test_the_providers_libraries_spare_this_host(proxy: type[Proxy]) -> None:
    """They call with requests, which would ask a proxy for 127.0.0.1."""
    url = f"http://{proxy.address}/sandbox"
    requests.get(url, timeout=5)
    spare_this_host()
    requests.get(url, timeout=5)
    assert [line for line, _ in proxy.asked] == [f"GET {url}", "GET /sandbox"]


@pytest.mark.parametrize(
    "given, wanted",
    [
        ({}, {}),
        ({"NO_PROXY": "a.test"}, {"NO_PROXY": "a.test"}),
        ({"HTTP_PROXY": ""}, {"HTTP_PROXY": ""}),
        ({"https_proxy": "p"}, dict.fromkeys(EXCEPTIONS, "localhost,127.0.0.1,::1")),
        (
            {"ALL_PROXY": "p", "NO_PROXY": "a.test, localhost"},
            dict.fromkeys(EXCEPTIONS, "a.test,localhost,127.0.0.1,::1"),
        ),
        ({"HTTP_PROXY": "p", "no_proxy": "*"}, dict.fromkeys(EXCEPTIONS, "*")),
    ],
)
def test_this_host_is_added_to_the_exceptions(
    given: dict[str, str], wanted: dict[str, str]
) -> None:
    environ = dict(given)
    spare_this_host(environ)
    assert environ == given | wanted
    spare_this_host(environ)
    assert environ == given | wanted
