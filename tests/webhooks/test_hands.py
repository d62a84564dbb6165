"""Calls that block: done in few threads, given up in time, and refused when too many wait."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from domain.errors import StoreUnavailable
from webhooks import hands, limits
from webhooks.hands import Hands
from webhooks.limits import BODY_BYTES, ClientGone, read_body


@pytest.fixture
def thaw() -> Iterator[threading.Event]:
    """Set when a store that hangs goes on."""
    event = threading.Event()
    yield event
    event.set()


def test_a_call_that_hangs_is_given_up_and_the_next_ones_at_once(
    thaw: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands, "HANGING_S", 0.2)

    async def run() -> tuple[list[float], str]:
        own = Hands(2, "test", patience_s=0.4)
        waits = []
        for crowd in (3, 1):
            began = time.monotonic()
            calls = (own.run(thaw.wait) for _ in range(crowd))
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(answer) for answer in answers} == {StoreUnavailable}
            waits.append(time.monotonic() - began)
        thaw.set()
        await asyncio.sleep(0.2)
        told = await own.run(str, 7)
        own.close()
        return waits, told

    waits, told = asyncio.run(run())
    assert waits[0] >= 0.4
    assert waits[1] < 0.2
    assert told == "7"


def test_no_more_than_the_limit_wait_for_a_thread(thaw: threading.Event) -> None:
    async def run() -> list[object]:
        own = Hands(1, "test", patience_s=0.5)
        calls = (own.run(thaw.wait) for _ in range(hands.MOST_WAITING + 50))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        own.close()
        return list(answers)

    refused = [str(answer) for answer in asyncio.run(run())]
    assert refused.count("too many calls wait for the store") == 50
    assert refused.count("the store did not answer in time") == hands.MOST_WAITING


def test_an_error_of_the_work_itself_is_passed_on() -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        asyncio.run(Hands(1, "test").run(fail))


async def begin_body(size: int, goes_on: asyncio.Event) -> str:
    """Send all of a body but its end; tells whether it was admitted."""
    pieces = [b"x" * size]

    async def receive() -> dict[str, object]:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(), "more_body": True}
        await goes_on.wait()
        return {"type": "http.disconnect"}

    try:
        await read_body(receive, None)
    except StoreUnavailable:
        return "refused"
    except ClientGone:
        return "admitted"
    return "complete"


def test_bodies_that_never_end_hold_no_more_memory_than_the_limit() -> None:
    async def run() -> list[str]:
        goes_on = asyncio.Event()
        calls = [asyncio.create_task(begin_body(BODY_BYTES, goes_on)) for _ in range(100)]
        await asyncio.sleep(0.1)
        goes_on.set()
        return await asyncio.gather(*calls)

    answers = asyncio.run(run())
    most = limits.ARRIVING_BYTES // (BODY_BYTES + limits.CALL_BYTES)
    assert answers.count("admitted") == most
    assert answers.count("refused") == 100 - most
    # Whoever went away left its place.
    assert asyncio.run(run()).count("admitted") == most
