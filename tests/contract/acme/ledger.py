"""Acme's books, in this process: checkouts, payments, refunds, mandates, and the events of them.

A test finds the ledger that a gateway writes to by the name in ``ACME_LEDGER``.
"""

from __future__ import annotations

from collections import defaultdict
from threading import RLock
from typing import Any, Final

import msgspec

from domain import clock
from tests.contract.acme.verify import HEADER, sign

Document = dict[str, Any]


class Ledger:
    """Everything that Acme knows. Calls with a key that came before give the same answer."""

    def __init__(self) -> None:
        self.lock: Final = RLock()
        self.checkouts: dict[str, Document] = {}
        self.payments: dict[str, Document] = {}
        self.mandates: dict[str, Document] = {}
        self.refunds: dict[str, Document] = {}
        self.events: list[Document] = []
        self.answers: dict[str, Document] = {}
        self.calls: list[str] = []
        self.down = False
        """Whether every call fails as if Acme could not be reached."""

    def number(self, kind: str, books: dict[str, Document]) -> str:
        """The next id in one of the books."""
        return f"acme_{kind}_{len(books) + 1}"

    def pay(self, checkout: str, cents: int | None = None) -> Document:
        """The customer pays; gives the event. ``cents``: another amount than asked."""
        return self._try(checkout, "completed", cents)

    def fail(self, checkout: str, reason: str = "no_funds") -> Document:
        """The customer's bank refuses."""
        return self._try(checkout, "failed", None, reason=reason)

    def delay(self, checkout: str) -> Document:
        """The customer's bank takes its time."""
        return self._try(checkout, "pending", None)

    def close(self, checkout: str) -> Document | None:
        """Close a page; None when it was paid or closed before."""
        with self.lock:
            page = self.checkouts[checkout]
            if page["state"] != "open":
                return None
            page["state"] = "closed"
            return self.event("checkout.closed", checkout=checkout, reference=page["reference"])

    def thin(self, payment: str) -> Document:
        """An event that only names a payment."""
        return self.event("payment.changed", payment=payment)

    def event(self, kind: str, **data: Any) -> Document:
        """Write an event down."""
        with self.lock:
            event = {
                "id": f"acme_event_{len(self.events) + 1}",
                "type": kind,
                "at": int(clock.now().timestamp()),
                "data": data,
            }
            self.events.append(event)
            return event

    def _try(self, checkout: str, state: str, cents: int | None, **more: Any) -> Document:
        with self.lock:
            page = self.checkouts[checkout]
            name = page.setdefault("payment", self.number("payment", self.payments))
            payment = self.payments.setdefault(name, {"payment": name, "payer": page["payer"]})
            payment.update(more, state=state, currency=page["currency"])
            payment.update(cents=page["cents"] if cents is None else cents)
            payment.update(reference=page["reference"], account=page["account"])
            payment.update(at=int(clock.now().timestamp()))
            if state == "completed":
                page["state"] = "paid"
                payment["mandate"] = self._mandate(page["payer"])
            return self.event(f"payment.{state}", **payment)

    def _mandate(self, payer: str) -> str:
        known = (name for name, mandate in self.mandates.items() if mandate["payer"] == payer)
        name = next(known, None) or self.number("mandate", self.mandates)
        self.mandates.setdefault(name, {"payer": payer})
        return name


_LEDGERS: Final[dict[str, Ledger]] = defaultdict(Ledger)


def named(name: str) -> Ledger:
    """The ledger of that name, made when it is first asked for."""
    return _LEDGERS[name]


def delivery(event: Document, secret: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of an event's delivery, signed now."""
    body = msgspec.json.encode(event)
    stamp = str(int(clock.now().timestamp()))
    headers = {HEADER: f"{stamp}.{sign(secret, stamp, body)}", "content-type": "application/json"}
    return headers, body
