"""Events about subscriptions that PayPal runs (``I-…``).

They are signals: the subscription is read again, because events overtake each other. What it is
for stands in its ``custom_id`` (docs/providers.md).
https://developer.paypal.com/docs/api/subscriptions/v1/#subscriptions_get
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from domain import periods
from domain.errors import Permanent
from domain.facts import ManagedState, Period, SubscriptionPaymentFailed, SubscriptionRead
from domain.ports import Reading, ReadingRequest
from webhooks.providers.paypal.declines import decline
from webhooks.providers.paypal.documents import (
    Document,
    identifier,
    instant,
    section,
    sections,
    status,
    text,
)
from webhooks.providers.paypal.readings import Event, Reader, known
from webhooks.providers.provider import Translation

STATES: Final[dict[str, ManagedState]] = {
    "APPROVAL_PENDING": "incomplete",
    "APPROVED": "incomplete",
    "PENDING": "incomplete",
    "ACTIVE": "active",
    "REACTIVATED": "active",
    "SUSPENDED": "suspended",
    # PayPal neither charges nor renews any more; what was paid for is the rules' to honour.
    "CANCELLED": "ended",
    "EXPIRED": "ended",
}

TERMS: Final = frozenset({"account", "plan", "interval", "agents", "conversations"})
"""What a ``custom_id`` may say, in 127 characters: ``account=acme&plan=pro&interval=month``."""
SLACK: Final = timedelta(days=3)
"""How far the next payment may lie before the end of the cycle that is paid."""
EARLY: Final = timedelta(days=1)
"""How long before its cycle a payment may be made."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a ``custom_id`` says: an order of ours, or the account and what it buys."""

    order: str | None = None
    account: str | None = None
    plan: str | None = None
    interval: str | None = None
    agents: int | None = None
    conversations: int | None = None


def changed(event: Event, reader: Reader) -> Translation:
    """``BILLING.SUBSCRIPTION.…``: how the subscription stands now."""
    return Translation(facts=(_read(event, reader)[0],))


def payment_failed(event: Event, reader: Reader) -> Translation:
    """``BILLING.SUBSCRIPTION.PAYMENT.FAILED``: PayPal tries again every 5 days, at most twice,
    then suspends. A payment that succeeded in the meantime has set the count to zero."""
    fact, document = _read(event, reader)
    failures = _failures(document)
    if failures == 0 and fact.state == "active":
        return Translation(facts=(fact,))
    return Translation(facts=(fact, _failure(fact, document, failures)))


def subscription_read(subscription: str, reading: Reading) -> SubscriptionRead:
    """The state of a subscription. Raises ``Permanent`` when PayPal knows none, or a state that
    is not known."""
    document = known(reading, ReadingRequest("subscription", subscription))
    state, terms = _state(document), terms_of(document)
    return SubscriptionRead(
        subscription=subscription,
        state=state,
        sequence=reading.sequence,
        customer=_payer(document),
        quantity=_whole(document.get("quantity")),
        period=paid_period(document),
        auto_renew=state not in {"ended", "suspended"}
        and document.get("auto_renewal") is not False,
        given_up=state in {"ended", "suspended"} and _failures(document) > 0,
        ended_at=_changed_at(document) if state == "ended" else None,
        **msgspec.structs.asdict(terms),
    )


def terms_of(document: Document) -> Terms:
    """What the ``custom_id`` (v1: ``custom``) says. Raises ``Permanent`` when it is written in
    the form for accounts and a number in it is none."""
    said = text(document, "custom_id") or text(document, "custom")
    if said is None or "=" not in said:
        return Terms(order=said)
    fields = {name: value for name, value in parse_qsl(said) if name in TERMS}
    try:
        return msgspec.convert(fields, Terms, strict=False)
    except msgspec.ValidationError as error:
        raise Permanent(f"the subscription's custom_id cannot be read: {error}") from error


def paid_period(document: Document) -> Period | None:
    """The period that the last payment paid for; None before the first.

    Where the interval is known it is the cycle of that payment, counted from the start. Otherwise
    it lasts from the last payment to the next one, and is not known when there is no next one.
    """
    billing = section(document, "billing_info")
    details = section(document, "agreement_details")
    start = instant(text(billing, "last_payment", "time") or details.get("last_payment_date"))
    end = instant(billing.get("next_billing_time") or details.get("next_billing_date"))
    if start is None:
        return None
    told = Period(start, end) if end is not None and start < end else None
    cycle = cycle_at(document, start)
    # After a failure the next payment may be that of a later cycle; an earlier one is believed.
    if cycle is not None and (told is None or told.end >= cycle.end - SLACK):
        return cycle
    return told


def cycle_at(document: Document, at: datetime) -> Period | None:
    """The cycle in which a payment was made, whenever in it that was; None when the interval is
    not known, or a trial came first. A payment may come a little before its cycle."""
    start = instant(document.get("start_time") or document.get("start_date"))
    interval = terms_of(document).interval
    if start is None or interval is None or interval not in periods.MONTHS or _had_trial(document):
        return None
    end = periods.next_end(start, interval, start.day)
    anchor = periods.anchor_of(start)
    while end <= at + EARLY:
        start, end = end, periods.next_end(end, interval, anchor)
    return Period(start, end)


def _read(event: Event, reader: Reader) -> tuple[SubscriptionRead, Document]:
    request = ReadingRequest("subscription", identifier(event.resource))
    [reading] = reader.get(request)
    return subscription_read(request.id, reading), known(reading, request)


def _failure(
    fact: SubscriptionRead, document: Document, failures: int
) -> SubscriptionPaymentFailed:
    last = section(document, "billing_info", "last_failed_payment")
    again = instant(last.get("next_payment_retry_time"))
    return SubscriptionPaymentFailed(
        subscription=fact.subscription,
        decline=decline(text(last, "reason_code")),
        attempt=failures or None,
        final=fact.state in {"suspended", "ended"},
        next_attempt_at=again,
    )


def _state(document: Document) -> ManagedState:
    word = status(document).replace(" ", "_")
    if word not in STATES:
        raise Permanent(f"PayPal reports the subscription state {word!r}, which is not known")
    state = STATES[word]
    # A failed payment leaves the subscription ACTIVE until PayPal gives up.
    return "past_due" if state == "active" and _failures(document) else state


def _failures(document: Document) -> int:
    """Failed payments in a row; PayPal sets it to zero with the next success."""
    billing = section(document, "billing_info")
    details = section(document, "agreement_details")
    return _whole(billing.get("failed_payments_count", details.get("failed_payment_count"))) or 0


def _had_trial(document: Document) -> bool:
    executions = sections(section(document, "billing_info"), "cycle_executions")
    return any(one.get("tenure_type") == "TRIAL" for one in executions)


def _payer(document: Document) -> str | None:
    return text(document, "subscriber", "payer_id") or text(
        document, "payer", "payer_info", "payer_id"
    )


def _changed_at(document: Document) -> datetime | None:
    return instant(document.get("status_update_time")) or instant(document.get("update_time"))


def _whole(value: object) -> int | None:
    """A count, which PayPal writes as a number or as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
