"""A local web server that plays the host of PayPal's certificates, well-behaved or not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.servers.http import listening
from webhooks.sandbox.authority import Authority

CERTIFICATE = "/paypal/v1/notifications/certs/CERT-1"
TRUST = "/paypal/trust.pem"


class PayPalHost:
    """Serves ``pages`` (path → body) and counts what was asked for.

    ``redirect`` sends everybody elsewhere, ``drip`` sends a byte now and then without end.
    """

    def __init__(self, authority: Authority) -> None:
        self.pages = {CERTIFICATE: authority.leaf_pem, TRUST: authority.trust_pem}
        self.status = 200
        self.redirect: str | None = None
        self.drip = False
        self.asked: list[str] = []
        self.base_url = ""

    @property
    def cert_url(self) -> str:
        return f"{self.base_url}{CERTIFICATE}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        body = self.pages.get(handler.path, b"")
        status = 302 if self.redirect else self.status if handler.path in self.pages else 404
        handler.send_response(status)
        if self.redirect:
            handler.send_header("Location", self.redirect)
        handler.send_header("Content-Length", "1000000" if self.drip else str(len(body)))
        handler.end_headers()
        if self.drip:
            self._drip(handler)
        else:
            handler.wfile.write(body)

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        while self.drip:
            handler.wfile.write(b"-")
            time.sleep(0.05)


@contextmanager
def serving(host: PayPalHost) -> Iterator[PayPalHost]:
    """Serve until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                host.answer(self)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with listening(Handler) as address:
        host.base_url = f"http://{address}"
        try:
            yield host
        finally:
            host.drip = False
