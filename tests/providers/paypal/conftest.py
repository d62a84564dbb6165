"""An authority that plays DigiCert, a host that serves its certificate, and signed deliveries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.providers.paypal.paypal_host import PayPalHost, serving
from tests.providers.paypal.played import Played, playing
from webhooks.providers.paypal.settings import PayPalSettings, configure
from webhooks.providers.paypal.verify import PayPalVerifier
from webhooks.providers.provider import Delivery
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.paypal_signature import sign

ARRIVAL = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
BODY = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"CAP1"}}'
WEBHOOK_ID = "5GP028458E2496506"

Sign = Callable[..., Delivery]


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Roots, an intermediate and a leaf of our own."""
    return Authority.make()


@pytest.fixture(scope="session")
def stranger() -> Authority:
    """Another authority, which nobody trusts."""
    return Authority.make("Somebody Else")


@pytest.fixture
def host(authority: Authority) -> Iterator[PayPalHost]:
    """A server with the authority's certificate and trust store."""
    with serving(PayPalHost(authority)) as host:
        yield host


@pytest.fixture
def settings(host: PayPalHost) -> PayPalSettings:
    """The settings with which Billhook uses that server as its sandbox."""
    environ = {
        "PAYPAL_WEBHOOK_IDS": f"OTHER77, {WEBHOOK_ID}",
        "PAYPAL_CLIENT_ID": "client",
        "PAYPAL_CLIENT_SECRET": "secret",
    }
    settings = configure(environ, host.base_url)
    assert settings is not None
    return settings


@pytest.fixture
def verifier(settings: PayPalSettings) -> PayPalVerifier:
    """A verifier that knows no certificate yet."""
    return PayPalVerifier(settings)


@pytest.fixture
def signed(authority: Authority, host: PayPalHost) -> Sign:
    """Makes a delivery as PayPal would: ``signed(body=…, at=…, webhook_id=…, by=…)``, and any
    header by its name in small letters with ``_`` for ``-``."""

    def make(
        body: bytes = BODY,
        *,
        at: datetime = ARRIVAL - timedelta(seconds=3),
        webhook_id: str = WEBHOOK_ID,
        by: Authority = authority,
        arrival: datetime = ARRIVAL,
        **headers: str | None,
    ) -> Delivery:
        made: dict[str, str | None] = {**sign(by, webhook_id, body, at, host.cert_url)}
        made.update({name.replace("_", "-"): value for name, value in headers.items()})
        lowered = {name.lower(): value for name, value in made.items() if value is not None}
        return Delivery(headers=lowered, body=body, received_at=arrival)

    return make


@pytest.fixture
def paypal(authority: Authority) -> Iterator[Played]:
    """PayPal as the sandbox plays it."""
    with playing(authority) as played:
        yield played


@pytest.fixture(scope="module")
def quiet(authority: Authority) -> Iterator[Played]:
    """One sandbox for all tests of a file that change nothing in it."""
    with playing(authority) as played:
        yield played
