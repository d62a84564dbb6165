"""Alerts: what a person should know about, and saying that one looks after it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from domain import alert_words, alerts, months
from domain.alert_rules import RULES, fill
from domain.alerts import Alert
from domain.audit import LONGEST_REASON
from webhooks.api.paging import Cursor, RowId
from webhooks.console import notes
from webhooks.console.page import ROOT, Action, Ask, Done, Field, Page, Section, View, Visit
from webhooks.console.speech import mark

LIMIT: Final = 50
TONES: Final = {"critical": "bad", "warning": "warn", "notice": "info"}
_TERMS: Final = frozenset({"kind", "object", "reason"})
"""What an alert knows that may be a word of the store."""
_CURSOR: Final[Cursor[int]] = Cursor("console alerts", RowId)


class AlertPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which alert."""

    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]


class AlertsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What the list is narrowed to; left out, it shows what is not over."""

    state: Literal["unresolved", "open", "acknowledged", "resolved", "all"] = "unresolved"
    rule: Annotated[str, Meta(max_length=64)] | None = None
    cursor: str | None = None


class AcknowledgeForm(msgspec.Struct, frozen=True, kw_only=True):
    """What the one who looks after it has to say."""

    reason: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An alert in the visitor's words."""

    alert: Alert
    severity: str
    tone: str
    title: str
    what: str
    hurts: str
    ends: str


def told(visit: Visit, alert: Alert) -> Told:
    """What an alert says, in the visitor's language."""
    rule, speech = alert_words.rule_of(alert), visit.speech
    values = {name: _word(visit, name, v) for name, v in _values(alert).items()}
    words = speech.words_of
    return Told(
        alert=alert,
        severity=rule.severity,
        tone=TONES[rule.severity],
        title=words(rule.title),
        what=fill(words(rule.what), values),
        hurts=fill(words(rule.hurts), values),
        ends=words(rule.ends_when),
    )


def show_list(visit: Visit, query: AlertsQuery) -> View:
    """One page of alerts, newest first."""
    before = _CURSOR.decode(query.cursor)
    state = None if query.state == "all" else query.state
    with visit.database.transaction() as session:
        rows = alerts.page(session, LIMIT + 1, before, state=state, rule=query.rule)
    page, following = _CURSOR.cut(rows, LIMIT, lambda alert: alert.id)
    values = {
        "alerts": [told(visit, alert) for alert in page],
        "fields": _fields(visit, query),
        "is_first": before is None,
        "next": following and visit.here(cursor=following),
    }
    return View("alerts/list.html", visit.say("Alerts"), values)


def show(visit: Visit, path: AlertPath) -> View:
    """One alert: what, since when, whom it hurts, what to do."""
    with visit.database.transaction() as session:
        alert = alerts.find(session, path.id)
    one = told(visit, alert)
    values = {
        "one": one,
        "alert": alert,
        "rows": _rows(visit, alert),
        "links": _links(visit, alert),
        "runbook": alert_words.runbook(alert, visit.services.settings.docs_url),
        "ask": ask(visit, path) if alert.state == "open" and visit.may_act else None,
    }
    return View("alerts/alert.html", one.title, values)


def acknowledge(visit: Visit, path: AlertPath, form: AcknowledgeForm) -> Done:
    """Look after it."""
    with visit.database.transaction() as session:
        alerts.acknowledge(session, path.id, visit.decider(form.reason))
    return Done(f"{ROOT}/alerts/{path.id}", visit.say("You look after this alert now."))


def ask(visit: Visit, path: AlertPath) -> Ask:
    """Before it is acknowledged; the note is optional."""
    say = visit.say
    hint = say("What you are about to do; others see it here and in the audit log.")
    note = Field("reason", say("Note"), "area", hint=hint, attributes={"maxlength": "500"})
    return Ask(
        f"{ROOT}/alerts/{path.id}/acknowledge",
        say("Look after alert {number}?", number=path.id),
        say("Acknowledge"),
        reason=False,
        fields=(note,),
    )


def _values(alert: Alert) -> dict[str, Any]:
    """What the alert knows, with counts left apart from their words."""
    counts = {name: value for name, value in alert.details.items() if isinstance(value, dict)}
    return {**alert_words.values(alert), **counts}


def _word(visit: Visit, name: str, value: Any) -> Any:
    if isinstance(value, dict):
        speech, counts = visit.speech, sorted(value.items())
        return ", ".join(f"{speech.number(count)} {speech.term(each)}" for each, count in counts)
    if not isinstance(value, str):
        return visit.speech.number(value) if isinstance(value, int) else value
    if name == "subject" and value in visit.services.providers:
        return visit.provider(value)
    if name == "reason":
        # It may be the note of an effect.
        value = notes.said(visit.speech, value)
    # A subject may be a word of the store (a kind of effect) or somebody's id.
    term = visit.speech.term if name in _TERMS else visit.speech.words_of
    return visit.speech.told(term(value))


def _fields(visit: Visit, query: AlertsQuery) -> list[Field]:
    say, words = visit.say, visit.speech.words_of
    states = [
        ("unresolved", say("Not over")),
        ("open", say("Open")),
        ("acknowledged", say("Acknowledged")),
        ("resolved", say("Over")),
        ("all", say("All of them")),
    ]
    rules = sorted((words(rule.title), name) for name, rule in RULES.items())
    return [
        Field("state", say("State of the alert"), "choice", query.state, states),
        Field("rule", say("Rule"), "choice", query.rule,
              [("", say("every rule")), *((name, title) for title, name in rules)]),
    ]  # fmt: skip


def _rows(visit: Visit, alert: Alert) -> list[tuple[str, Any]]:
    say, exact = visit.say, visit.speech.exact
    rows: list[tuple[str, Any]] = [
        (say("Subject"), visit.provider(visit.speech.words_of(alert.subject))),
        (say("Open since"), exact(alert.opened_at)),
        (say("Seen last"), exact(alert.last_seen_at)),
        (say("How often"), visit.speech.number(alert.count)),
    ]
    if alert.acknowledged_at:
        rows += [
            (say("Looked after by"), alert.acknowledged_by),
            (say("Acknowledged on"), exact(alert.acknowledged_at)),
            (say("Note"), alert.acknowledged_reason),
        ]
    if alert.resolved_at:
        rows.append((say("Over since"), exact(alert.resolved_at)))
    return rows


def _links(visit: Visit, alert: Alert) -> list[tuple[str, str]]:
    """Where to go on from an alert: address and label."""
    say, links = visit.say, []
    if account := alert.details.get("account"):
        links.append((f"{ROOT}/accounts/{account}", say("Account {ref}", ref=account)))
    provider = alert.subject.partition(" ")[0]
    if provider in visit.services.providers:
        parked = "status=parked&" if alert.rule == "parked_events" else ""
        address = f"{ROOT}/events?{parked}provider={provider}"
        links.append((address, say("Events of {provider}", provider=visit.provider(provider))))
    for status in sorted(alert.details.get("held", ())) if alert.rule == HELD else ():
        label = say("Events that hold it: {status}", status=visit.speech.term(status))
        links.append((_held_address(alert, status), label))
    if payment := _payment_of(visit, alert):
        address = f"{ROOT}/events?{urlencode({'q': payment})}"
        links.append((address, say("Events of payment {payment}", payment=payment)))
    if alert.rule in {"parked_events", "failure_rate", "effects_parked"}:
        links.append((f"{ROOT}/failures", say("Failures in groups")))
    return links


def _held_address(alert: Alert, status: str) -> str:
    """The events of that status that hold the month of the alert."""
    month = months.written(alert.details["month"])
    first, last = month.start.date(), month.end.date() - timedelta(days=1)
    chosen = {"status": status, "received_from": first, "received_to": last}
    return f"{ROOT}/events?{urlencode(chosen)}"


def _payment_of(visit: Visit, alert: Alert) -> str | None:
    """The provider's id of the payment that it is about."""
    if payment := alert.details.get("payment"):
        return str(payment)
    provider, _, reference = alert.subject.partition(":")
    is_payment = alert.rule in OF_PAYMENTS and provider in visit.services.providers
    return reference if is_payment else None


HELD: Final = "month_held_back"
OF_PAYMENTS: Final = frozenset(
    {
        *("card_brand_not_accepted", "fraud_warning", "means_not_accepted", "misdirected_payment"),
        *("payment_reversed", "refunded_above_paid", "refund_refused", "refund_without_end"),
    }
)
"""Rules whose subject is ``provider:payment``."""
SECTION: Final = Section("/alerts", mark("Alerts"))
PAGES: Final = (Page("/alerts", show_list), Page("/alerts/{id}", show))
ACTIONS: Final = (Action("/alerts/{id}/acknowledge", acknowledge, ask),)
