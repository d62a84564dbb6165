"""Everybody outside of Billhook: the played providers, the mail server, and the app that is told.

They remember all that reached them, so that what happened twice can be told.
"""

from __future__ import annotations

import threading
from collections import Counter
from email import message_from_bytes
from email.policy import default as modern
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.processes import free_port
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.paypal_events import use_authority
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World

PATIENT: Final = (0.2, 0.5, *([1.0] * 120))
"""How often the played providers try to deliver: real ones go on for days."""
ANSWER_S: Final = 8.0
"""How long they wait for an answer."""
SECRET: Final = "whsec_Y2hhb3MgY2hhb3MgY2hhb3MgY2hhb3M="


class PostOffice:
    """Takes every mail and notes its Message-ID, recipient and subject."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.letters: dict[str, tuple[str, str]] = {}

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a mail."""
        content = envelope.content
        letter = message_from_bytes(content if isinstance(content, bytes) else b"", policy=modern)
        key = str(letter["Message-ID"])
        self.taken[key] += 1
        self.letters[key] = str(letter["To"]), str(letter["Subject"])
        return "250 OK"


class App(ThreadingHTTPServer):
    """The app's endpoint: notes the id of every message, its type and its account."""

    daemon_threads = True

    def __init__(self, host: str) -> None:
        super().__init__((host, 0), _Told)
        self.taken: Counter[str] = Counter()
        self.messages: dict[str, tuple[str, str]] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed is no news."""


class _Told(BaseHTTPRequestHandler):
    server: App

    def do_POST(self) -> None:
        """Take a message."""
        body = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers["webhook-id"]
        self.server.taken[key] += 1
        self.server.messages[key] = body["data"]["account"], body["type"]
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


class Outside:
    """All of them, for one run."""

    def __init__(self, host: str, seed: int, authority: Authority) -> None:
        sandbox = create_sandbox(None, seed=seed)
        self.world: World = sandbox.state.world
        self.world.courier.schedule = PATIENT
        self.world.courier._http.connection_pool_kw["timeout"] = ANSWER_S
        use_authority(self.world, authority)
        self._server = SandboxServer(sandbox, host=host).start()
        self.post_office = PostOffice()
        self._smtp = Controller(self.post_office, hostname=host, port=free_port())
        self._smtp.start()
        self.app = App(host)
        threading.Thread(target=self.app.serve_forever, daemon=True).start()
        self.environ = {
            **self.world.environment(),
            "SMTP_URL": f"smtp://{host}:{self._smtp.port}",
            "BILLHOOK_APP_WEBHOOK_URL": f"http://{host}:{self.app.server_address[1]}/billhook",
            "BILLHOOK_APP_WEBHOOK_SECRET": SECRET,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.world.stop()
        self._server.stop()
        self._smtp.stop()
        self.app.shutdown()
        self.app.server_close()

    def undelivered(self) -> list[str]:
        """Events that a provider gave up on."""
        return [
            f"{each['provider']} {each['event_id']} {each['type']} {each['state']}"
            for each in self.world.store.all("delivery")
            if each["state"] != "delivered"
            and not self.world.courier.delivered(each["provider"], each["event_id"])
        ]

    def acknowledged(self) -> set[tuple[str, str]]:
        """Provider and id of every event that was answered with 200."""
        log = self.world.store.find("delivery", state="delivered")
        return {(each["provider"], each["event_id"]) for each in log}
