"""The courier: carries signed webhooks to the application, as patiently as a provider would.

A message is signed anew for every transmission. Failed transmissions are repeated after the
delays of a schedule; messages can be held back and released in any order.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec
import urllib3

from domain import clock
from webhooks.sandbox.faults import Faults
from webhooks.sandbox.state import Document, Store

SCHEDULE = (0.5, 1.0, 2.0, 5.0)
"""Seconds before the second, third, … try. A provider takes hours; here somebody is watching."""

TIMEOUT = 10.0
"""Seconds that an endpoint may take to answer."""

_REORDER_PATIENCE = 1.0

Signer = Callable[[datetime], dict[str, str]]


class Message(msgspec.Struct, frozen=True):
    """An event on its way. ``sign`` gives the headers of one transmission at an instant."""

    provider: str
    event_id: str
    event_type: str
    body: bytes
    sign: Signer

    def transmission(self) -> tuple[dict[str, str], bytes]:
        """Headers and body, signed now."""
        headers = {"Content-Type": "application/json; charset=utf-8", **self.sign(clock.now())}
        return headers, self.body


class _Parcel:
    """A message with what became of it."""

    def __init__(self, message: Message, record: Document) -> None:
        self.message = message
        self.record = record
        self.tries = 0
        self.overtaken = False


class Courier:
    """Posts messages to ``endpoints`` (URL by provider) from background threads.

    ``endpoints`` may be changed at any time. Deliveries are logged in the store under
    ``delivery``: provider, event_id, type, at, state (``waiting``, ``delivered``, ``failed``,
    ``dropped``, ``held``) and tries, each with at, status or error.
    """

    def __init__(
        self,
        endpoints: Mapping[str, str],
        store: Store,
        faults: Faults,
        *,
        schedule: Sequence[float] = SCHEDULE,
        timeout: float = TIMEOUT,
        threads: int = 4,
    ) -> None:
        self.endpoints = dict(endpoints)
        self.schedule = tuple(schedule)
        self._store = store
        self._faults = faults
        self._threads = threads
        self._http = urllib3.PoolManager(maxsize=threads + 1, timeout=timeout, retries=False)
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, _Parcel]] = []
        self._posted = 0
        self._flying = 0
        self._crew: list[threading.Thread] = []
        self._held: dict[str, _Parcel] | None = None
        log = store.find("delivery", state="delivered")
        self._arrived = {(each["provider"], each["event_id"]) for each in log}
        self._stopped = False

    def post(self, message: Message) -> None:
        """Send a message soon, or hold it back. Returns at once; never raises."""
        with self._changed:
            parcel = _Parcel(message, self._open_record(message))
            if self._held is not None:
                self._note(parcel, "held")
                self._held[message.event_id] = parcel
                return
        about = {"provider": message.provider, "type": message.event_type}
        if self._faults.take("drop", **about):
            self._note(parcel, "dropped")
            return
        self._enqueue(parcel, self._delay(parcel, about))
        if self._faults.take("duplicate", **about):
            self._enqueue(_Parcel(message, self._open_record(message)), 0.0)

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is on the way; False when ``timeout`` seconds were not enough.
        Messages held back do not count."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._flying, timeout)

    def hold(self) -> None:
        """Keep every message back from now on."""
        with self._changed:
            self._held = self._held if self._held is not None else {}

    def held(self) -> list[Message]:
        """What was posted since ``hold`` (released or not), oldest first."""
        with self._changed:
            return [parcel.message for parcel in (self._held or {}).values()]

    def release(self, event_ids: Sequence[str]) -> list[int | None]:
        """Deliver held messages exactly in this order, one try each, waiting for every answer.

        The same id may be named again. Returns the status codes (None: no answer). Raises
        KeyError for an id that is not held.
        """
        parcels = [self._parcel(event_id) for event_id in event_ids]
        return [self._transmit(parcel) for parcel in parcels]

    def transmission(self, event_id: str) -> tuple[dict[str, str], bytes]:
        """Headers and body of a held message, signed now, for use without HTTP. Raises KeyError
        for an id that is not held."""
        return self._parcel(event_id).message.transmission()

    def resume(self) -> None:
        """Hold nothing back any more: what was never released successfully is sent now."""
        with self._changed:
            held, self._held = self._held or {}, None
        for parcel in held.values():
            if parcel.record["state"] != "delivered":
                parcel.tries = 0
                self._enqueue(parcel, 0.0)

    def deliveries(self) -> list[Document]:
        """The log, oldest first."""
        return self._store.all("delivery")

    def delivered(self, provider: str, event_id: str) -> bool:
        """Whether the endpoint has accepted this event at least once."""
        return (provider, event_id) in self._arrived

    def stop(self) -> None:
        """Finish the transmissions that are under way and stop; what is still due stays undone."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._crew:
            thread.join(timeout=TIMEOUT)
        self._http.clear()

    def _parcel(self, event_id: str) -> _Parcel:
        with self._changed:
            return (self._held or {})[event_id]

    def _delay(self, parcel: _Parcel, about: dict[str, str]) -> float:
        if late := self._faults.take("delay", **about):
            return late.seconds
        if swapped := self._faults.take("reorder", **about):
            parcel.overtaken = True
            return swapped.seconds or _REORDER_PATIENCE
        return 0.0

    def _enqueue(self, parcel: _Parcel, seconds: float) -> None:
        with self._changed:
            if self._stopped:
                return
            self._posted += 1
            heapq.heappush(self._due, (time.monotonic() + seconds, self._posted, parcel))
            self._hire()
            self._changed.notify_all()

    def _hire(self) -> None:
        if len(self._crew) < self._threads:
            thread = threading.Thread(target=self._work, name="sandbox-courier", daemon=True)
            self._crew.append(thread)
            thread.start()

    def _work(self) -> None:
        while (parcel := self._next()) is not None:
            status = self._transmit(parcel)
            self._after(parcel, status)

    def _next(self) -> _Parcel | None:
        with self._changed:
            while not self._stopped:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._flying += 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None

    def _after(self, parcel: _Parcel, status: int | None) -> None:
        again = not _accepted(status) and parcel.tries <= len(self.schedule)
        if again:
            self._enqueue(parcel, self.schedule[parcel.tries - 1])
        with self._changed:
            self._flying -= 1
            self._let_overtaken_go()
            self._changed.notify_all()

    def _let_overtaken_go(self) -> None:
        """A message under the ``reorder`` fault leaves as soon as another one went past it."""
        for position, (_, place, parcel) in enumerate(self._due):
            if parcel.overtaken:
                parcel.overtaken = False
                self._due[position] = (0.0, place, parcel)
        heapq.heapify(self._due)

    def _transmit(self, parcel: _Parcel) -> int | None:
        message = parcel.message
        headers, body = message.transmission()
        about = {"provider": message.provider, "type": message.event_type}
        if self._faults.take("bad_signature", **about):
            # One byte more, and no signature fits.
            body += b" "
        status: int | None = None
        outcome: Document = {"at": clock.now().isoformat()}
        try:
            url = self.endpoints[message.provider]
            status = self._http.request("POST", url, body=body, headers=headers).status
            outcome["status"] = status
        except (urllib3.exceptions.HTTPError, KeyError) as error:
            outcome["error"] = type(error).__name__
        parcel.tries += 1
        parcel.record["tries"].append(outcome)
        if _accepted(status):
            self._arrived.add((message.provider, message.event_id))
        kept = parcel.record["state"] == "delivered" or _accepted(status)
        last = parcel.tries > len(self.schedule)
        self._note(parcel, "delivered" if kept else "failed" if last else "waiting")
        return status

    def _open_record(self, message: Message) -> Document:
        return {
            "id": self._store.new_id("del"),
            "provider": message.provider,
            "event_id": message.event_id,
            "type": message.event_type,
            "at": clock.now().isoformat(),
            "state": "waiting",
            "tries": [],
        }

    def _note(self, parcel: _Parcel, state: str) -> None:
        parcel.record["state"] = state
        self._store.put("delivery", parcel.record["id"], parcel.record)


def _accepted(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
