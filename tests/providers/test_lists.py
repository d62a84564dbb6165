"""What a gateway does with a list of events that is none: never take it for read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from domain.errors import Transient
from domain.ports import Gateway
from webhooks.providers import registry

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
Answers = Callable[..., Gateway]


class Host(ThreadingHTTPServer):
    """A provider that answers its lists with whatever it is told to."""

    pages: list[bytes]
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: Host

    def do_POST(self) -> None:
        self._answer(msgspec.json.encode(TOKEN))

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self._answer(self.server.pages[min(len(self.server.asked), len(self.server.pages)) - 1])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def host() -> Iterator[Host]:
    with Host(("127.0.0.1", 0), _Handler) as server:
        server.pages, server.asked = [], []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def gateway(name: str, host: Host) -> Gateway:
    base = f"http://127.0.0.1:{host.server_port}"
    environ = {
        "STRIPE_API_KEY": "sk_test_1",
        "STRIPE_WEBHOOK_SECRETS": "whsec_tests",
        "PAYPAL_CLIENT_ID": "client",
        "PAYPAL_CLIENT_SECRET": "secret",
        "PAYPAL_WEBHOOK_IDS": "WH-1",
        "PAYPAL_MODE": "sandbox",
    }
    return registry(environ, base)[name].gateway


def walked(name: str, host: Host, *pages: object) -> list[dict[str, Any]]:
    host.pages = [p if isinstance(p, bytes) else msgspec.json.encode(p) for p in pages]
    return gateway(name, host).list_events(NOON, NOON + timedelta(hours=1))


def stripe(*events: object, more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(events), "has_more": more}


@pytest.mark.parametrize(
    "name, answer",
    [
        ("stripe", b"<html>sorry</html>"),
        ("stripe", []),
        ("stripe", {}),
        ("stripe", {"data": None, "has_more": False}),
        ("stripe", stripe(more=True)),
        ("stripe", stripe({"type": "x"}, more=True)),
        ("paypal", b"<html>sorry</html>"),
        ("paypal", []),
        ("paypal", {}),
        ("paypal", {"events": "none"}),
        ("paypal", {"count": 3}),
    ],
)
def test_an_answer_that_is_no_list_of_events_is_asked_for_again_later(
    host: Host, name: str, answer: object
) -> None:
    with pytest.raises(Transient):
        walked(name, host, answer)


@pytest.mark.parametrize(
    "name, answer", [("stripe", stripe()), ("paypal", {"events": []}), ("paypal", {"count": 0})]
)
def test_an_empty_list_is_a_list(host: Host, name: str, answer: object) -> None:
    assert walked(name, host, answer) == []


def test_pages_are_put_together_the_oldest_first(host: Host) -> None:
    found = walked(
        "stripe", host, stripe({"id": "e3"}, {"id": "e2"}, more=True), stripe({"id": "e1"})
    )
    assert [event["id"] for event in found] == ["e1", "e2", "e3"]
    assert "starting_after=e2" in host.asked[1]
    assert f"created[gte]={int(NOON.timestamp())}" in host.asked[0].replace("%5B", "[").replace(
        "%5D", "]"
    )


def test_what_is_no_object_is_passed_by(host: Host) -> None:
    assert [e["id"] for e in walked("stripe", host, stripe("e3", None, {"id": "e1"}))] == ["e1"]
    host.asked.clear()
    assert [e["id"] for e in walked("paypal", host, {"events": [7, {"id": "e1"}]})] == ["e1"]


def test_a_link_to_another_page_is_never_followed_elsewhere(host: Host) -> None:
    path = "/v1/notifications/webhooks-events?start_time=x&next_page_token=y"
    first = {
        "events": [{"id": "e2"}],
        "links": [{"rel": "next", "href": f"https://e.example{path}"}],
    }
    found = walked("paypal", host, first, {"events": [{"id": "e1"}]})
    assert {event["id"] for event in found} == {"e1", "e2"}
    assert host.asked[1] == f"/paypal{path}"
