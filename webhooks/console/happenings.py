"""The lines of an account's timeline in the visitor's language: what happened, who did it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from domain import masking
from domain.audit import AuditEntry
from domain.effects import Effect
from domain.history import HistoryEntry
from domain.inbox import Event
from domain.timeline import Moment
from webhooks.console import notes
from webhooks.console.page import ROOT, Visit
from webhooks.console.speech import mark

HAPPENINGS: Final[dict[str, str]] = {
    "account_created": mark("The account was created."),
    "account_updated": mark("Account details changed: {fields}."),
    "account_blocked": mark("The account was blocked: {reason}."),
    "account_unblocked": mark("The account was unblocked: {reason}."),
    "auto_renew_on": mark("Auto-renew was switched on by {by}."),
    "auto_renew_off": mark("Auto-renew was switched off: {reason}."),
    "change_decided": mark("An operator ordered {order}: {reason}."),
    "credit_note_issued": mark("A credit note over {total} was issued for payment {payment}."),
    "dispute_closed": mark("The dispute about payment {payment} is over: {outcome}."),
    "dispute_opened": mark("Payment {payment} is disputed: {amount}."),
    "expiry_warned": mark("The customer was warned; days until the end: {days}."),
    "invoice_issued": mark("An invoice over {total} was issued for order {order}."),
    "invoice_resent": mark("Invoice {number} was mailed again."),
    "invoice_revised": mark("Invoice {number} has another {what}; it is revision {revision} now."),
    "method_removed": mark("A payment method was removed: {method}."),
    "method_saved": mark("A payment method was saved: {method}."),
    "money_returned": mark("{amount} of payment {payment} went back: {why}."),
    "order_cancelled": mark("The customer gave up order {order}."),
    "order_expired": mark("Order {order} expired."),
    "order_failed": mark("Order {order} failed: {reason}."),
    "order_paid": mark("Order {order} was paid by {means}: {total}."),
    "order_placed": mark("Order {order} was placed ({purpose}): {total}."),
    "order_superseded": mark("Order {order} was superseded by {by}."),
    "past_due": mark("The period ended on {end} and is not paid yet."),
    "payment_credited": mark("Payment {payment} of {amount} became credit: {reason}."),
    "payment_failed": mark("Payment {payment} failed: {code}."),
    "payment_pending": mark("Payment {payment} of {amount} is pending."),
    "period_paid": mark("{provider} collected {total} (payment {payment})."),
    "period_started": mark("{plan} for agents: {agents}, from {start} to {end}."),
    "personal_data_erased": mark("The personal data were erased on request."),
    "provider_payment_failed": mark("{provider} could not collect, attempt {attempt}: {code}."),
    "refund_failed": mark("The refund of {amount} of payment {payment} failed."),
    "refund_requested": mark("A refund of {amount} of payment {payment} is wanted: {reason}."),
    "renewal_failed": mark("Charge {number} for renewal {order} failed: {code}."),
    "renewal_placed": mark("Renewal order {order} was placed: {total}."),
    "subscription_ended": mark("The subscription ended before its time: {reason}."),
    "subscription_expired": mark("The subscription expired on {end}: {reason}."),
    "subscription_reopened": mark("The subscription goes on unpaid: the dispute is over."),
    "vat_number_checked": mark("The VAT number was checked: {status}."),
}
"""What stands in ``domain.history.SENTENCES``, as whole sentences for the console."""
EFFECTS: Final = {
    "send_mail": mark("Mail “{target}”: {status}."),
    "tell_app": mark("Message to the app “{target}”: {status}."),
    "charge_order": mark("Charge of order {target}: {status}."),
    "refund_payment": mark("Refund {target} at the provider: {status}."),
    "cancel_subscription": mark("Subscription {target} at the provider is to end: {status}."),
}
_NAMED: Final = frozenset({"send_mail", "tell_app"})
"""The effects whose target is a word of ours."""
_TERMS: Final = frozenset(
    {"by", "code", "means", "outcome", "plan", "purpose", "reason", "status", "what"}
)
WHY: Final = {"dispute": mark("a lost dispute"), "refund": mark("a refund")}
"""Why money went back."""
_DAYS: Final = frozenset({"start", "end"})
_NOTHING: Final = {"kind": None, "by": None, "href": None, "body": None}
_TONES: Final = {
    "account_blocked": "bad",
    "account_unblocked": "good",
    "dispute_opened": "bad",
    "order_paid": "good",
    "past_due": "warn",
    "payment_failed": "warn",
    "provider_payment_failed": "warn",
    "refund_failed": "bad",
    "renewal_failed": "warn",
    "subscription_ended": "bad",
    "subscription_expired": "bad",
}


def line(visit: Visit, moment: Moment) -> dict[str, Any]:
    """A moment as ``ui.timeline`` takes it."""
    return {"at": moment.at, **_NOTHING, **_LINES[moment.source](visit, moment.row)}


def sentence(visit: Visit, entry: HistoryEntry) -> str:
    """What happened, in one sentence; of a kind that has none, its bare facts."""
    details = entry.details if visit.may_act else masking.of_history(entry.details)
    values = _Lenient({name: _word(visit, name, v) for name, v in details.items()})
    template = HAPPENINGS.get(entry.kind)
    if template is None:
        facts = ", ".join(f"{name}: {value}" for name, value in values.items())
        return f"{visit.speech.term(entry.kind)} {facts}".strip()
    return str(visit.say(template)).format_map(values)


def _history(visit: Visit, entry: HistoryEntry) -> dict[str, Any]:
    return {
        "text": sentence(visit, entry),
        "tone": _TONES.get(entry.kind, "plain"),
        "by": entry.actor,
        "href": f"{ROOT}/events/{entry.event_id}" if entry.event_id else None,
    }


def _event(visit: Visit, event: Event) -> dict[str, Any]:
    values = {"type": event.type, "status": visit.speech.term(event.status)}
    return {
        "kind": visit.provider(event.provider),
        "text": visit.say("Event {type}: {status}.", **values),
        "tone": "bad" if event.status == "parked" else "info",
        "href": f"{ROOT}/events/{event.id}",
        "by": event.note and notes.said(visit.speech, event.note),
    }


def _decision(visit: Visit, entry: AuditEntry) -> dict[str, Any]:
    values = {"action": visit.speech.term(entry.action), "reason": entry.reason or "–"}
    return {
        "kind": "decision",
        "text": visit.say("Decision: {action}. Reason: {reason}", **values),
        "tone": "info",
        "by": entry.actor,
        "href": f"{ROOT}/audit?subject_kind={entry.subject_kind}&subject={entry.subject}",
    }


def _effect(visit: Visit, effect: Effect) -> dict[str, Any]:
    values = {
        "target": visit.speech.term(effect.target) if effect.kind in _NAMED else effect.target,
        "status": visit.speech.term(effect.status),
    }
    return {
        "text": visit.say(EFFECTS[effect.kind], **values),
        "tone": "bad" if effect.status == "parked" else "plain",
        "by": effect.note and notes.said(visit.speech, effect.note),
    }


def _word(visit: Visit, name: str, value: Any) -> str:
    text = str(value)
    if name in _DAYS:
        return visit.speech.day(date.fromisoformat(text[:10]))
    if name == "why":
        return visit.say(WHY[text]) if text in WHY else visit.speech.term(text)
    if name == "provider" or text in visit.services.providers:
        return visit.provider(text)
    return visit.speech.told(visit.speech.term(text) if name in _TERMS else text)


class _Lenient(dict[str, Any]):
    """Details of an older version of the software may lack a field of today's sentence."""

    def __missing__(self, key: str) -> str:
        return "?"


_LINES: Final[Mapping[str, Any]] = {
    "history": _history,
    "event": _event,
    "decision": _decision,
    "effect": _effect,
}
