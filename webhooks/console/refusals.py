"""What is refused, in the visitor's language: by the code of the refusal and what it speaks of.

The API says the same in English, in the words of ``domain``; here stand the words of the console,
which tell where to press and not what to call.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from domain.errors import Refused
from domain.money import Money
from webhooks.api.inputs import Invalid
from webhooks.console.page import Visit
from webhooks.console.speech import mark

REFUSALS: Final[dict[str, str]] = {
    "account_blocked": mark(
        "Account {ref} is blocked ({reason}), and paying does not lift that block. Unblock it "
        "first."
    ),
    "account_unknown": mark("There is no account {ref}."),
    "agents_out_of_range": mark("There can be 1 to 100 000 agents."),
    "alert_resolved": mark("Alert {number} is over; there is nothing to look into."),
    "alert_unknown": mark("There is no alert {number}."),
    "already_blocked": mark(
        "Account {ref} was blocked by an operator on {at}; it stays so until it is unblocked."
    ),
    "already_refunded": mark("Payment {payment} was given back already, or is on its way back."),
    "conversations_out_of_range": mark(
        "Plan {plan} has {least} to {most} conversations, in packs of {size}."
    ),
    "credit_spent": mark(
        "Payment {payment} became credit, of which {left} is left; give back that at most."
    ),
    "dispute_open": mark(
        "A dispute about payment {payment} is open, and whoever wins it gets the money; wait for "
        "its end."
    ),
    "effect_not_retryable": mark(
        "Effect {number} is {state}; only one that waits or is parked can be tried again."
    ),
    "effect_unknown": mark("There is no effect {number}."),
    "erasure_too_early": mark(
        "Account {ref} cannot be erased yet: something of it has not come to its end. Nothing was "
        "erased."
    ),
    "event_finished": mark("Event {number} is {state} already."),
    "event_not_retryable": mark(
        "Event {number} is {state}; only one that waits or is parked can be tried again. Replay "
        "one that was finished."
    ),
    "event_quarantined": mark(
        "Event {number} is in quarantine: nobody knows yet whether it is authentic."
    ),
    "event_unknown": mark("There is no event {number}."),
    "failure_unknown": mark("There is no group of failures {number}."),
    "filter_empty": mark("Name at least one filter; without any, everything would be replayed."),
    "filter_not_for_effects": mark("These filters cannot choose effects: {filters}."),
    "filter_quarantined": mark(
        "Events in quarantine are never replayed; they are judged by themselves."
    ),
    "interval_unknown": mark("A period is a month or a year."),
    "invoice_not_mailed": mark(
        "No mail went out with {number}, so there is none to send again. Its PDF can be downloaded."
    ),
    "invoice_unknown": mark("There is no invoice {number}."),
    "managed_elsewhere": mark(
        "{provider} runs the subscription itself; change it or cancel it there first."
    ),
    "method_not_saved": mark(
        "Something is due for this, and account {ref} has no saved payment method to charge. Have "
        "the customer save one, then order again."
    ),
    "not_blocked": mark("Account {ref} is not blocked: there is nothing to lift."),
    "not_confirmed": mark(
        "What was typed is not the reference {ref}. Nothing was erased; type it as it stands there."
    ),
    "nothing_to_replay": mark(
        "Nothing that could be replayed matches; events in quarantine never are."
    ),
    "operator_unknown": mark("There is no operator {name}."),
    "password_length": mark("A password has {least} to {most} characters."),
    "payload_dropped": mark(
        "What the provider sent was dropped by age ({setting}), and an event cannot be worked "
        "again without it."
    ),
    "payload_erased": mark(
        "The payload of event {number} was erased on {at} on request of the customer, so it cannot "
        "be worked again. Dismiss the event."
    ),
    "payment_not_succeeded": mark(
        "Payment {payment} is {state}; only money that has arrived can be given back."
    ),
    "payment_unknown": mark("Account {ref} has no payment {number}."),
    "plan_unknown": mark("Plan {plan} is not sold; these are: {plans}."),
    "reason_missing": mark("Say why, in 1 to {most} characters; it is kept in the audit log."),
    "refund_above_left": mark(
        "Of payment {payment}, {left} is left to be given back, and not {wanted}."
    ),
    "refund_amount": mark("The amount must be above zero and in {currency}."),
    "replay_not_running": mark(
        "Replay {number} is {state}; only one that is planned or running can be cancelled."
    ),
    "replay_not_stopped": mark(
        "Replay {number} is {state}; only one that stopped or was cancelled can be resumed."
    ),
    "replay_too_large": mark(
        "More than {most} match; narrow the choice, for example by days, and replay one part after "
        "the other."
    ),
    "replay_unknown": mark("There is no replay {number}."),
    "subscription_runs": mark(
        "The subscription of account {ref} runs until {until} and is paid for. Wait for its end, "
        "or tick that it is to end now. Nothing was erased."
    ),
}
"""A sentence for each refusal that a page or an action of the console can meet; a test compares."""
FIELDS: Final = {
    "account": mark("Account"),
    "agents": mark("Agents"),
    "amount": mark("Amount"),
    "canary": mark("Canary"),
    "confirmation": mark("Reference of the account"),
    "conversations": mark("Conversations"),
    "error": mark("Failure"),
    "interval": mark("Interval"),
    "max_errors": mark("Stop at failures, in per cent"),
    "name": mark("Name"),
    "order": mark("Order"),
    "origin": mark("Origin"),
    "plan": mark("Plan"),
    "provider": mark("Provider"),
    "q": mark("Search"),
    "rate": mark("Begun a second"),
    "reason": mark("Reason"),
    "received_from": mark("Received from"),
    "received_to": mark("Received until"),
    "status": mark("Status"),
    "type": mark("Type"),
}
"""The names of fields as they stand beside them."""
_RULES: Final = (
    (re.compile(r"^is missing"), mark("{field}: this must be filled in.")),
    (re.compile(r"^is longer than (\d+)"), mark("{field}: at most {bound} characters fit.")),
    (re.compile(r"^must be at least (-?\d+)"), mark("{field}: at least {bound} is needed.")),
    (re.compile(r"^must be at most (-?\d+)"), mark("{field}: at most {bound} is possible.")),
)
"""How ``webhooks.api.explain`` tells the rule that a field breaks."""
_TERMS: Final = frozenset({"plan", "reason", "state"})


def said(visit: Visit, error: Refused | Invalid) -> str:
    """The refusal in the visitor's language; one that has no words there speaks English."""
    if isinstance(error, Invalid):
        return _invalid(visit, error)
    template = REFUSALS.get(error.code)
    if template is None or not _has_all(template, error):
        return str(error)
    values = {name: _told(visit, name, value) for name, value in error.values.items()}
    return visit.say(template, **values)


def _has_all(template: str, error: Refused) -> bool:
    return set(re.findall(r"{(\w+)}", template)) <= set(error.values)


def _told(visit: Visit, name: str, value: Any) -> str:
    if isinstance(value, Money):
        return visit.speech.money(value)
    if isinstance(value, datetime):
        return visit.speech.instant(value)
    if isinstance(value, list):
        return ", ".join(_field(visit, each) for each in value)
    if isinstance(value, int) and name != "number":
        return visit.speech.number(value)
    if name == "provider":
        return visit.provider(value)
    return visit.speech.term(value) if name in _TERMS else str(value)


def _invalid(visit: Visit, error: Invalid) -> str:
    if error.code == "cursor_invalid":
        return visit.say("This part of the list is not there any more. Begin at its first page.")
    if not error.errors:
        return visit.say("The browser sent something that cannot be read here.")
    wrong = error.errors[0]
    for pattern, sentence in _RULES:
        if match := pattern.match(wrong.rule):
            bound = visit.speech.number(int(match[1])) if match.groups() else ""
            return visit.say(sentence, field=_field(visit, wrong.field), bound=bound)
    return visit.say("{field}: that cannot be.", field=_field(visit, wrong.field))


def _field(visit: Visit, name: str) -> str:
    return visit.say(FIELDS[name]) if name in FIELDS else visit.speech.term(name)
