"""Bodies and headers that nobody sends in good faith: judged, kept or refused, never a 5xx.

Whatever is kept can be worked on afterwards, and holds up nobody else's event.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import payloads
from tests.webhooks.edge import Edge, edge_on, paypal_event, stripe_event
from webhooks.app import create_app
from webhooks.limits import BODY_BYTES
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World

HEAD = b"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\n"
NASTY = {
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 50_000,
    "deep data": b'{"id":"evt_1","type":"x","event_type":"x","data":' + b"[" * 100_000,
    "duplicate keys": b'{"id":"evt_a","id":"evt_b","type":"x","type":"y","event_type":"z"}',
    "NUL in the id": b'{"id":"evt\\u0000","type":"x","event_type":"x"}',
    "NUL in the type": b'{"id":"evt_1","type":"x\\u0000","event_type":"x\\u0000"}',
    "raw NUL": b'{"id":"evt_1","type":"\0","event_type":"\0"}',
    "half a pair": b'{"id":"evt_\\ud800","type":"x","event_type":"x"}',
    "bad UTF-8 in the id": b'{"id":"\xff","type":"x","event_type":"x"}',
    "bad UTF-8 elsewhere": b'{"id":"evt_1","type":"x","event_type":"x","data":"\xc3\x28"}',
    "huge number": b'{"id":"evt_1","type":"x","event_type":"x","created":' + b"9" * 5_000 + b"}",
    "huge exponent": b'{"id":"evt_1","type":"x","event_type":"x","created":1e999999}',
    "far past": b'{"id":"evt_1","type":"x","event_type":"x","created":-62135596800}',
    "first instant": b'{"id":"evt_1","type":"x","event_type":"x","created":-62135596800,'
    b'"create_time":"0001-01-01T00:00:00Z"}',
    "last instant": b'{"id":"evt_1","type":"x","event_type":"x","created":253402300799,'
    b'"create_time":"9999-12-31T23:59:59.999999Z"}',
    "beyond time": b'{"id":"evt_1","type":"x","event_type":"x","created":253402300800,'
    b'"create_time":"9999-12-31T23:59:59-14:00"}',
    "no such day": b'{"id":"evt_1","type":"x","event_type":"x","create_time":"2018-19-12"}',
    "wrong kinds": b'{"id":1,"type":[],"event_type":{},"created":{},"livemode":"x"}',
    "odd mode": b'{"id":"evt_1","type":"x","event_type":"x","livemode":"yes"}',
    "long id": b'{"id":"' + b"e" * 300 + b'","type":"x","event_type":"x"}',
    "control letters": b'{"id":"evt_\\u202e1","type":"x\\ny","event_type":"x\\ny"}',
    "two documents": b'{"id":"evt_1","type":"x","event_type":"x"}{}',
    "byte order mark": b'\xef\xbb\xbf{"id":"evt_1","type":"x","event_type":"x"}',
    "UTF-16": '{"id":"evt_1","type":"x","event_type":"x"}'.encode("utf-16"),
    "no data": b'{"id":"evt_1","type":"charge.succeeded","event_type":"PAYMENT.CAPTURE.COMPLETED"}',
    "thin": b'{"id":"evt_1","object":"v2.core.event","type":"x","event_type":"x","created":"?"}',
}


@pytest.fixture(params=["sqlite", "postgres"])
def abroad(request: pytest.FixtureRequest, world: World, authority: Authority) -> Iterator[Edge]:
    """An edge whose PostgreSQL speaks of its times in another zone, as many servers do."""
    url = str(request.getfixturevalue(f"{request.param}_url"))
    if request.param == "postgres":
        url += "&options=-c%20TimeZone%3DPacific/Auckland"
    with edge_on(url, world, authority) as edge:
        yield edge


def test_no_signed_body_gets_a_5xx_or_holds_up_the_next_event(abroad: Edge) -> None:
    for body in NASTY.values():
        for answer in (abroad.stripe(body), abroad.paypal(body)):
            assert answer.status_code == 200, (body[:60], answer.text)
    abroad.stripe(stripe_event("evt_good"))
    abroad.work()
    states = {event.provider_event_id: event.status for event in abroad.events()}
    assert states["evt_good"] == "ignored"
    assert set(states.values()) <= {"ignored", "parked", "waiting"}


def test_a_session_in_the_west_can_load_what_was_stored(
    postgres_url: str, world: World, authority: Authority
) -> None:
    url = f"{postgres_url}&options=-c%20TimeZone%3DAmerica/Los_Angeles"
    with edge_on(url, world, authority) as edge:
        edge.paypal(NASTY["first instant"])
        edge.work()
        assert [event.status for event in edge.events()] == ["ignored"]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    body=st.binary(max_size=200) | st.text(max_size=80).map(str.encode),
    headers=st.dictionaries(
        st.sampled_from(
            ["stripe-signature", "paypal-transmission-id", "paypal-cert-url", "content-length"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
    ),
)
def test_what_is_not_signed_is_refused_whatever_it_is(
    edge: Edge, body: bytes, headers: dict[str, str]
) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for provider in ("stripe", "paypal"):
        answer = edge.client.post(f"/webhooks/{provider}", content=body, headers=sent)
        assert answer.status_code in {400, 413, 429}
    assert edge.deliveries() == 0


def test_a_content_length_of_many_digits_is_too_large_and_nonsense_is_not_believed(
    edge: Edge,
) -> None:
    body = stripe_event()
    for declared, status in (("9" * 5_000, 413), ("²", 200), ("-1", 200), ("abc", 200)):
        headers = [(b"content-length", declared.encode()), *_bytes(edge.signature(body))]
        answer = edge.client.post("/webhooks/stripe", content=body, headers=headers)
        assert answer.status_code == status


def _bytes(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@pytest.fixture
def port(edge: Edge) -> Iterator[int]:
    """A real port where the edge is served."""
    with SandboxServer(create_app(edge.services)) as server:
        yield server.port


def call(port: int, *parts: bytes) -> bytes:
    """Send bytes and return the beginning of the answer; the request need not be complete."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        return connection.recv(65_536)


def test_a_chunked_body_without_end_is_cut_off_at_the_limit(port: int, edge: Edge) -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = call(port, head, *([chunk] * (BODY_BYTES // 0x10000 + 1)))
    assert answer.startswith(b"HTTP/1.1 413")
    assert edge.deliveries() == 0


def test_a_length_above_the_limit_is_refused_before_the_body_is_sent(port: int) -> None:
    answer = call(port, HEAD + f"Content-Length: {BODY_BYTES + 1}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Content-Length: 5\r\n\r\n12",
        HEAD + b"Content-Length: 18446744073709551616\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"X-\0: y\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /webhooks/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
)
def test_broken_http_leaves_nothing_behind_and_the_next_call_is_served(
    port: int, edge: Edge, request_: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)
    assert not answer.startswith(b"HTTP/1.1 5")
    assert edge.stripe(stripe_event()).status_code == 200
    assert len(edge.events()) == 1


def test_many_signed_calls_at_once_get_each_their_own_answer(edge: Edge) -> None:
    bodies = [stripe_event(f"evt_{n}") if n % 2 else paypal_event(f"WH-{n}") for n in range(120)]

    def send(body: bytes) -> int:
        answer = edge.stripe(body) if b"evt_" in body else edge.paypal(body)
        return answer.status_code

    with ThreadPoolExecutor(16) as threads:
        answers = set(threads.map(send, bodies))
    assert answers == {200}
    assert len(edge.events()) == 120


def test_the_database_keeps_the_bytes_that_were_signed(stored: Edge) -> None:
    body = b'{ "id":"evt_1",\r\n\t"type":"x",  "n": 1.0, "u":"\\u00e9\xc3\xa9" }\n'
    stored.stripe(body)
    with stored.runtime.database.transaction() as session:
        assert payloads.body(session, stored.events()[0]) == body
