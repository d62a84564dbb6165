"""Requests that two readers could read in two ways, and addresses written in odd ways."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.processes import Installation, wait_until
from tests.security.site import hear, say, serving
from webhooks import callers
from webhooks.callers import HEAD_BYTES
from workers.processes import server_config

CLOSE = b"Host: billing.example\r\nConnection: close\r\n"
SECOND = b"GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = b"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\n"
LENGTH = f"Content-Length: {len(SECOND) + 5}\r\n".encode()
AMBIGUOUS = {
    "a length and chunks": LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\n" + LENGTH + b"\r\n",
    "a length with a sign": b"Content-Length: +0\r\n\r\n",
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "a length that is none": b"Content-Length: 0x0\r\n\r\n",
    "an encoding that is none": b"Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n",
    "two encodings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
}
"""What comes before a second request that a proxy may have taken for the body of the first."""
TRICKS = [
    "//api/events",
    "/api//events",
    "/api/events/",
    "/API/events",
    "/Api/Events",
    "/api/events;x=1",
    "/api/events%00",
    "/api/events%2f1",
    "/api/events%2F..%2Fevents",
    "/api/./events",
    "/api/x/../events",
    "/livez/../api/events",
    "/webhooks/../api/events",
    "/console/static/../events",
    "/console/static/..%2fevents",
    "/console/static/%2e%2e/%2e%2e/page.py",
    "/console/sign-in/../events",
    "/console/sign-in;/../events",
    "/console//events",
    "/CONSOLE/events",
    "/console/events/",
    "/docs/../metrics",
    "/%61pi/events",
    "/api/%65vents",
    "/api/audit?x=/livez",
    "http://127.0.0.1/api/events",
    "/api/accounts/..%2f..%2fevents",
    "/api/accounts/%2e%2e/events",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One web process for all of these."""
    with serving(tmp_path_factory.mktemp("wire")) as site:
        yield site


@pytest.mark.parametrize("how", AMBIGUOUS)
def test_a_request_that_can_be_read_in_two_ways_hides_no_second_one(
    site: Installation, how: str
) -> None:
    statuses = say(site, POST + AMBIGUOUS[how] + SECOND)
    assert 404 not in statuses
    assert len(statuses) == 1
    assert statuses[0] == 400


def test_a_second_request_that_comes_openly_is_answered(site: Installation) -> None:
    assert say(site, POST + b"Content-Length: 0\r\n\r\n" + SECOND) == [400, 404]


@pytest.mark.parametrize("path", TRICKS)
def test_no_way_to_write_an_address_leads_past_the_doors(site: Installation, path: str) -> None:
    answer = hear(site, b"GET " + path.encode() + b" HTTP/1.1\r\n" + CLOSE + b"\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status in {303, 400, 401, 404}, answer[:300]
    if status == 303:
        assert b"\r\nlocation: /console/sign-in?to=" in head.lower()
    assert b'"items"' not in body


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
        b"GET /li\x00vez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 200_000,
        b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 40_000,
        b"GET /" + b"y" * 200_000,
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"\x00" * 1_000,
    ],
)
def test_what_is_no_request_is_answered_by_nothing_of_ours(
    site: Installation, request_: bytes
) -> None:
    assert all(400 <= status < 500 for status in say(site, request_))
    assert say(site, b"GET /livez HTTP/1.1\r\n" + CLOSE + b"\r\n") == [200]


def test_no_answer_names_the_server(site: Installation) -> None:
    for request in (b"GET /livez HTTP/1.1\r\n" + CLOSE + b"\r\n", b"nonsense\r\n\r\n"):
        answer = hear(site, request).lower()
        assert answer.startswith(b"http/1.1 ")
        assert b"\r\nserver:" not in answer
        assert b"uvicorn" not in answer


def test_a_head_without_end_is_read_to_the_bound_and_no_further(site: Installation) -> None:
    head = b"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (4 * HEAD_BYTES)
    answer = hear(site, head)
    assert answer.startswith(b"HTTP/1.1 400") or answer == b""


@pytest.mark.parametrize("said", [b"", b"GET /livez HTT", b"GET /livez HTTP/1.1\r\nHost: x\r\n"])
def test_whoever_says_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(callers, "HEAD_PATIENCE_S", 0.3)
    with served() as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(20)
        connection.sendall(said)
        assert connection.recv(1) == b""


def test_whoever_takes_his_time_between_two_calls_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(callers, "HEAD_PATIENCE_S", 0.3)
    with served() as port, closing(HTTPConnection("127.0.0.1", port, 20)) as connection:
        for _ in range(2):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"here"
            time.sleep(0.6)


@contextmanager
def served() -> Iterator[int]:
    """A port where everything is answered alike, served as web serves."""
    app = Starlette(routes=[Route("/", lambda _request: PlainTextResponse("here"))])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app, "127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server is ready")
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    listener.close()
