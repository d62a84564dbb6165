"""Certificates over a real connection: redirects, floods, silence, and the memory of failures."""

from __future__ import annotations

import threading
import time

import pytest

from tests.providers.paypal.conftest import ARRIVAL, Sign
from tests.providers.paypal.paypal_host import CERTIFICATE, PayPalHost
from webhooks.providers.paypal.certificates import Certificates
from webhooks.providers.paypal.downloads import Downloads, Unavailable, download
from webhooks.providers.paypal.recent import Recent
from webhooks.providers.paypal.settings import PayPalSettings
from webhooks.providers.paypal.verify import PayPalVerifier


def test_a_redirect_is_not_followed(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost
) -> None:
    host.redirect = f"{host.base_url}/elsewhere"

    assert verifier.verify(signed()).status == "unknown"
    assert host.asked == [CERTIFICATE]


@pytest.mark.parametrize("status", [204, 404, 500, 503])
def test_any_answer_but_200_leaves_the_question_open(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost, status: int
) -> None:
    host.status = status
    verdict = verifier.verify(signed())

    assert verdict.status == "unknown"
    assert str(status) in verdict.reason


def test_a_file_above_the_limit_is_not_read_to_its_end(host: PayPalHost) -> None:
    host.pages[CERTIFICATE] = b"-" * (64 * 1024 + 1)
    with pytest.raises(Unavailable, match="more than 65536 bytes"):
        download(host.cert_url)


def test_a_file_of_exactly_the_limit_is_read(host: PayPalHost) -> None:
    host.pages[CERTIFICATE] = b"-" * (64 * 1024)

    assert len(download(host.cert_url)) == 64 * 1024


def test_an_answer_that_trickles_is_given_up_in_time(
    settings: PayPalSettings, signed: Sign, host: PayPalHost
) -> None:
    host.drip = True
    verifier = PayPalVerifier(settings, Certificates(settings, seconds=0.4))
    begun = time.monotonic()

    assert verifier.verify(signed()).status == "unknown"
    assert time.monotonic() - begun < 2


def test_a_host_that_is_not_there_leaves_the_question_open(
    settings: PayPalSettings, signed: Sign, host: PayPalHost
) -> None:
    with pytest.raises(Unavailable):
        download("http://127.0.0.1:9/paypal/v1/notifications/certs/CERT-1")
    with pytest.raises(Unavailable):
        download("http://no-such-host.invalid/CERT-1")


def test_a_failing_certificate_is_not_asked_for_again_at_once(
    verifier: PayPalVerifier, signed: Sign, host: PayPalHost
) -> None:
    host.status = 503
    statuses = [verifier.verify(signed()).status for _ in range(20)]

    assert statuses == ["unknown"] * 20
    assert host.asked == [CERTIFICATE]
    assert not verifier.needs_network(signed())


def test_many_threads_fetch_one_certificate_once(
    settings: PayPalSettings, host: PayPalHost
) -> None:
    certificates = Certificates(settings)
    [source] = settings.cert_sources
    keys: list[object] = []

    def ask() -> None:
        keys.append(certificates.key(host.cert_url, source, ARRIVAL).public_numbers())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert host.asked.count(CERTIFICATE) == 1


def test_files_that_are_here_and_files_that_failed_are_told_apart(host: PayPalHost) -> None:
    files = Downloads(bytes)

    assert files.get(host.cert_url).startswith(b"-----BEGIN")
    assert files.here(host.cert_url)
    assert not files.failed(host.cert_url)

    with pytest.raises(Unavailable):
        files.get(f"{host.base_url}/other")
    assert files.failed(f"{host.base_url}/other")


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    memory: Recent[int] = Recent(3)
    for number in range(10):
        memory.put(str(number), number, 60)

    assert [memory.get(str(number)) for number in range(10)] == [None] * 7 + [7, 8, 9]


def test_the_memory_forgets_when_the_time_is_over() -> None:
    memory: Recent[int] = Recent(3)
    memory.put("gone", 1, -1)

    assert memory.get("gone") is None
