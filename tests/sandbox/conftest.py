"""A sandbox on a real port, Stripe's own SDK to call it, and a receiver for what it sends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from stripe import RequestsClient, StripeClient, WebhookSignature

from domain import clock
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World

Document = dict[str, Any]


class Receiver:
    """Takes deliveries over HTTP and answers with what ``answers`` says, then with 200."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.deliveries.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def events(self) -> list[Document]:
        """The bodies, in the order of their arrival."""
        return [json.loads(body) for _, body in self.deliveries]

    def forget(self) -> None:
        """Begin anew."""
        self.deliveries.clear()
        self.answers.clear()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Sandbox:
    """A running sandbox with a client of Stripe's SDK."""

    def __init__(self, world: World, receiver: Receiver) -> None:
        self.base_url = world.base_url
        self.world = world
        self.receiver = receiver
        self.stripe = self.client()

    def client(self, *, retries: int = 0, version: str | None = None) -> Any:
        """Services of API version 1, called with the sandbox's key."""
        options: Document = {"stripe_version": version} if version else {}
        return StripeClient(
            self.world.credentials.stripe_api_key,
            base_addresses={"api": f"{self.base_url}/stripe"},
            http_client=RequestsClient(timeout=5),
            max_network_retries=retries,
            **options,
        ).v1

    def control(self, path: str, **wanted: Any) -> Document:
        """POST to a control endpoint; the JSON that it answers."""
        answer = requests.post(f"{self.base_url}/sandbox{path}", json=wanted, timeout=5)
        told: Document = answer.json()
        assert answer.ok, told
        return told

    def received(self, kind: str | None = None) -> list[Document]:
        """The events that arrived so far, all authentic, once nothing is on the way."""
        assert self.world.courier.settle(5)
        secret = self.world.credentials.stripe_webhook_secret
        for headers, body in self.receiver.deliveries:
            header = headers["Stripe-Signature"]
            assert WebhookSignature.verify_header(body.decode(), header, secret, 300)
        events = self.receiver.events()
        return [each for each in events if kind is None or each["type"] == kind]

    def made(self, kind: str) -> list[Document]:
        """The events of a type that were made so far, in their order."""
        return self.world.store.find("stripe.event", type=kind)

    def types(self) -> list[str]:
        """The types of the events that were made so far, in their order."""
        return [each["type"] for each in self.world.store.all("stripe.event")]


class Stage:
    """An address at which one sandbox after the other plays: a server takes time to stop."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()
        self.server = SandboxServer(self)
        self.receiver = Receiver()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    @contextmanager
    def play(self, **options: Any) -> Iterator[Sandbox]:
        """A sandbox of its own, with ``options`` for ``create_sandbox``."""
        self.receiver.forget()
        app = create_sandbox(
            **{"seed": 1, **options},
            deliver_to=self.receiver.base_url,
            base_url=self.server.base_url,
        )
        world: World = app.state.world
        world.courier.schedule = (0.02, 0.02, 0.02)
        self.app = app
        try:
            yield Sandbox(world, self.receiver)
        finally:
            world.stop()


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """One server and one receiver for all tests: ``with stage.play(seed=2) as sandbox``."""
    made = Stage()
    with made.server:
        yield made
    made.receiver.close()


@pytest.fixture
def sandbox(stage: Stage) -> Iterator[Sandbox]:
    """A fresh sandbox under seed 1; a test may move its clock."""
    with stage.play() as fresh:
        yield fresh
    clock.reset()
