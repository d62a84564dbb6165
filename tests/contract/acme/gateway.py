"""Calls to Acme, which is a ledger in this process; for workers only, as with any provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from domain import clock
from domain.errors import Permanent, Transient
from domain.facts import Decline, Method
from domain.money import Money
from domain.ports import (
    ChargeOutcome,
    ChargeRequest,
    Checkout,
    CheckoutRequest,
    MethodRequest,
    ReadingRequest,
    RefundOutcome,
    RefundRequest,
)
from tests.contract.acme.ledger import Document, Ledger, named
from tests.contract.acme.settings import AcmeConfiguration

PAGES = "https://pay.acme.example"


class AcmeGateway:
    """All calls to Acme; safe to share between threads."""

    def __init__(self, configuration: AcmeConfiguration) -> None:
        self._ledger = named(configuration.ledger)

    def read(self, request: ReadingRequest) -> Document | None:
        """Read a payment."""
        if request.kind != "payment":
            raise Permanent(f"Acme has no {request.kind}")
        with self._call("read") as ledger:
            payment = ledger.payments.get(request.id)
            return dict(payment) if payment is not None else None

    def open_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a page."""
        page = self._once(request.key, "open_checkout", lambda ledger: _page(ledger, request))
        return Checkout(id=page["id"], url=f"{PAGES}/{page['id']}", customer=page["payer"])

    def expire_checkout(self, checkout: str) -> bool:
        """Close a page; False when it was paid."""
        with self._call("expire_checkout") as ledger:
            if checkout not in ledger.checkouts:
                raise Permanent(f"Acme knows no checkout {checkout}")
            ledger.close(checkout)
            return bool(ledger.checkouts[checkout]["state"] == "closed")

    def capture_checkout(self, checkout: str, key: str) -> ChargeOutcome:
        """Not needed: a transfer takes itself."""
        raise Permanent(f"checkout {checkout}: Acme has nothing to capture")

    def charge(self, request: ChargeRequest) -> ChargeOutcome:
        """Debit a mandate."""
        payment = self._once(request.key, "charge", lambda ledger: _debit(ledger, request))
        return _outcome(payment)

    def find_charge(self, order: str, key: str) -> ChargeOutcome | None:
        """What became of a debit."""
        with self._call("find_charge") as ledger:
            payment = ledger.answers.get(key)
            return _outcome(payment) if payment is not None else None

    def refund(self, request: RefundRequest) -> RefundOutcome:
        """Transfer money back."""
        refund = self._once(request.key, "refund", lambda ledger: _return(ledger, request))
        return RefundOutcome(refund=refund["refund"], status="succeeded")

    def open_method_entry(self, request: MethodRequest) -> Checkout:
        """Open a page that gives a mandate."""
        page = self._once(
            request.key,
            "open_method_entry",
            lambda ledger: {"id": ledger.number("entry", ledger.answers)},
        )
        return Checkout(id=page["id"], url=f"{PAGES}/mandates/{page['id']}")

    def complete_method_entry(self, checkout: str, key: str) -> Method | None:
        """Acme tells of mandates by event."""
        return None

    def cancel_subscription(self, reference: str, key: str) -> None:
        """Acme runs no subscriptions."""
        raise Permanent(f"Acme knows no subscription {reference}")

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> bool | None:
        """Acme gives no opinion."""
        return None

    def remove_method(self, token: str) -> None:
        """End a mandate."""
        with self._call("remove_method") as ledger:
            if ledger.mandates.pop(token, None) is not None:
                ledger.event("mandate.ended", mandate=token)

    def list_events(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """What Acme sent between the two instants, oldest first."""
        with self._call("list_events") as ledger:
            first, last = since.timestamp(), until.timestamp()
            return [dict(event) for event in ledger.events if first <= event["at"] < last]

    def _once(self, key: str, call: str, do: Callable[[Ledger], Document]) -> Document:
        with self._call(call) as ledger:
            if key not in ledger.answers:
                ledger.answers[key] = do(ledger)
            return ledger.answers[key]

    def _call(self, name: str) -> _Call:
        return _Call(self._ledger, name)


class _Call:
    """One call: under the ledger's lock, noted, and failing while Acme is down."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger = ledger
        self._name = name

    def __enter__(self) -> Ledger:
        if self._ledger.down:
            raise Transient("Acme cannot be reached")
        self._ledger.lock.acquire()
        self._ledger.calls.append(self._name)
        return self._ledger

    def __exit__(self, *_error: object) -> None:
        self._ledger.lock.release()


def gateway(configuration: AcmeConfiguration) -> AcmeGateway:
    """Make the gateway."""
    return AcmeGateway(configuration)


def _page(ledger: Ledger, request: CheckoutRequest) -> Document:
    name = ledger.number("checkout", ledger.checkouts)
    page = {
        "id": name,
        "state": "open",
        "reference": request.order,
        "account": request.account,
        "payer": request.customer or f"acme_payer_{request.account}",
        "cents": request.total.amount,
        "currency": request.total.currency,
        "urls": [request.return_url, request.cancel_url],
    }
    ledger.checkouts[name] = page
    return page


def _debit(ledger: Ledger, request: ChargeRequest) -> Document:
    known = request.token in ledger.mandates
    name = ledger.number("payment", ledger.payments)
    payment = {
        "payment": name,
        "state": "completed" if known else "failed",
        "reason": None if known else "mandate_ended",
        "reference": request.order,
        "account": request.account,
        "cents": request.total.amount,
        "currency": request.total.currency,
        "mandate": request.token,
        "at": int(clock.now().timestamp()),
    }
    ledger.payments[name] = payment
    ledger.event(f"payment.{payment['state']}", **payment)
    return payment


def _return(ledger: Ledger, request: RefundRequest) -> Document:
    payment = ledger.payments.get(request.payment)
    if payment is None or payment["cents"] < request.amount.amount:
        raise Permanent(f"Acme cannot give back {request.amount} of payment {request.payment}")
    name = ledger.number("refund", ledger.refunds)
    refund = {
        "refund": name,
        "payment": request.payment,
        "cents": request.amount.amount,
        "currency": request.amount.currency,
    }
    ledger.refunds[name] = refund
    ledger.event("refund.completed", **refund)
    return refund


def _outcome(payment: Document) -> ChargeOutcome:
    if payment["state"] == "failed":
        decline = Decline(code=payment["reason"], kind="hard")
        return ChargeOutcome(status="failed", payment=payment["payment"], decline=decline)
    return ChargeOutcome(
        status="succeeded",
        payment=payment["payment"],
        amount=Money(payment["cents"], payment["currency"]),
        method=Method(kind="transfer", token=payment["mandate"]),
    )
