"""The app is told of changes by signed webhooks, which are repeated until it took them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from domain import accounts, clock, effects
from domain.database import Database
from domain.effects import Effect
from tests import lives
from workers import perform_effects
from workers.runtime import Runtime

SECRET = "whsec_" + base64.b64encode(b"the app's own secret").decode()


class App:
    """Takes messages and answers what ``answers`` says, then 204."""

    def __init__(self) -> None:
        self.messages: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                app.messages.append((headers, body))
                self.send_response(app.answers.pop(0) if app.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/billing"
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        thread.start()


@pytest.fixture
def app() -> Iterator[App]:
    app = App()
    yield app
    app.server.shutdown()
    app.server.server_close()


@pytest.fixture
def runtime(database: Database, app: App, frozen_clock: object) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    runtime.settings = msgspec.structs.replace(
        runtime.settings, app_webhook_url=app.url, app_webhook_secret=SECRET
    )
    tell(runtime)
    return runtime


def tell(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        account = accounts.find(session, "acme")
        effects.want(
            session,
            "tell_app",
            "account.blocked",
            "test",
            payload={"at_instant": clock.now().isoformat()},
            account_id=account.id,
        )


def told(runtime: Runtime) -> Effect:
    with runtime.database.transaction() as session:
        return session.scalars(select(Effect).where(Effect.kind == "tell_app")).one()


def test_the_message_names_the_account_and_what_happened_and_its_signature_holds(
    runtime: Runtime, app: App
) -> None:
    perform_effects.drain(runtime)
    [(headers, body)] = app.messages
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(b"the app's own secret", signed, hashlib.sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    message = msgspec.json.decode(body)
    assert message["type"] == "account.blocked"
    assert message["data"] == {"account": "acme", "status": "active"}
    assert told(runtime).status == "done"


def test_a_message_that_was_not_taken_is_sent_again_under_the_same_id(
    runtime: Runtime, app: App
) -> None:
    app.answers = [500, 302]
    for _ in range(3):
        perform_effects.drain(runtime)
        clock.advance(timedelta(minutes=2))
    assert told(runtime).status == "done"
    assert len({headers["webhook-id"] for headers, _ in app.messages}) == 1
    assert len(app.messages) == 3


def test_an_app_that_is_gone_is_not_asked_again(runtime: Runtime, app: App) -> None:
    app.answers = [410]
    for _ in range(3):
        perform_effects.drain(runtime)
        clock.advance(timedelta(days=1))
    assert told(runtime).status == "parked"
    assert len(app.messages) == 1


def test_without_an_address_nothing_is_told_and_nothing_is_left_to_do(runtime: Runtime) -> None:
    runtime.settings = msgspec.structs.replace(runtime.settings, app_webhook_url=None)
    perform_effects.drain(runtime)
    assert told(runtime).status == "skipped"
