"""Answers go out in one piece, and arrive whole however they are written."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from webhooks.answers import LARGE, MANY, Joined
from workers.processes import server_config

PIECES = 3 * MANY
LAST = b"the end"


async def _echo(request: Request) -> Response:
    return PlainTextResponse(await request.body() or b"hello")


async def _pieces() -> AsyncIterator[bytes]:
    for number in range(PIECES):
        yield b"%d;" % number
    yield b"x" * (3 * LARGE) + LAST


async def _stream(_request: Request) -> Response:
    return StreamingResponse(_pieces())


APP = Starlette(routes=[Route("/echo", _echo, methods=["GET", "POST"]), Route("/stream", _stream)])


def exchange(*sent: bytes, until: bytes | None = None) -> bytes:
    """Serve as web does, send each part as soon as something came for the one before, and read
    until the server hangs up or what came ends with ``until``."""

    async def run() -> bytes:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            server = uvicorn.Server(server_config(APP, "127.0.0.1", 0))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:  # noqa: ASYNC110 - a flag is all that the server has
                await asyncio.sleep(0.005)
            try:
                async with asyncio.timeout(10):
                    return await _talk(listener.getsockname()[1], sent, until)
            finally:
                server.should_exit = True
                await serving

    return asyncio.run(run())


async def _talk(port: int, sent: tuple[bytes, ...], until: bytes | None) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    came = b""
    for part in sent:
        writer.write(part)
        came += await reader.read(65536)
    while part := b"" if until is not None and came.endswith(until) else await reader.read(65536):
        came += part
    writer.close()
    return came


def test_requests_sent_together_are_answered_in_their_order() -> None:
    ask = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    came = exchange(ask + b"one" + ask + b"two" + ask + b"end", until=b"end")
    assert came.count(b"HTTP/1.1 200 OK") == 3
    assert came.index(b"one") < came.index(b"two") < came.index(b"end")


def test_a_connection_that_is_closed_after_its_answer_gets_all_of_it() -> None:
    came = exchange(b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert came.startswith(b"HTTP/1.1 200 OK")
    assert came.endswith(b"\r\n\r\nhello")


def test_what_is_no_http_is_told_so_before_the_end_of_the_connection() -> None:
    assert b"400 Bad Request" in exchange(b"nothing that is known\r\n\r\n")


def test_a_caller_that_asks_whether_to_go_on_is_told_before_it_sends() -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    came = exchange(head, b"body", until=b"body")
    assert came.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_a_stream_of_many_pieces_arrives_whole_and_in_order() -> None:
    came = exchange(b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert came.endswith(LAST + b"\r\n0\r\n\r\n")
    places = [came.index(b"\r\n%d;\r\n" % number) for number in range(PIECES)]
    assert places == sorted(places)
    assert came.count(b"x") >= 3 * LARGE


class Recorder:
    """A connection that keeps what was written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.gone = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.gone

    def close(self) -> None:
        self.gone = True


def written(*parts: bytes, hang_up: bool = False) -> list[bytes]:
    """What a connection is given of parts that are written in one turn of the loop."""

    async def run() -> list[bytes]:
        plain: Any = Recorder()
        joined = Joined(plain)
        for part in parts:
            joined.write(part)
        plain.gone = hang_up
        await asyncio.sleep(0)
        return list(plain.written)

    return asyncio.run(run())


def test_head_and_body_go_out_in_one_piece() -> None:
    assert written(b"head", b"body") == [b"headbody"]


def test_much_is_not_kept_back() -> None:
    large = b"x" * (LARGE + 1)
    assert written(b"head", large, b"tail") == [b"head" + large, b"tail"]
    assert written(*[b"x"] * (MANY + 1)) == [b"x" * MANY, b"x"]


def test_nothing_is_written_to_whoever_hung_up() -> None:
    assert written(b"head", b"body", hang_up=True) == []
