"""Erasing the personal data of an account on request: what goes, what stays, and whether it may be.

The rules are those of the API's erasure; here stands what an operator reads before deciding.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from domain import accounts, audit, effects, erasure, subscriptions, unsettled
from domain.accounts import Account
from domain.errors import Refused
from domain.unsettled import Unsettled
from domain.work import Work
from webhooks.api.accounts import AccountPath
from webhooks.console.page import ROOT, Action, Ask, Done, Field, View, Visit
from webhooks.console.speech import mark

GONE: Final = (
    mark("Name, address, e-mail addresses and VAT number of the account."),
    mark(
        "What the payment providers sent about it: nobody can open it any more, and its events "
        "cannot be worked again."
    ),
    mark(
        "Saved payment methods, here and at the provider, and the digits of cards wherever they "
        "are told."
    ),
    mark("What was written in mails; those that are still to go out do not."),
    mark("Dry runs of its events, and the checks of its VAT number."),
)
"""What erasure destroys, in plain words (ADR 0018)."""
KEPT: Final = (
    mark("The reference {ref}, with country, language and currency."),
    mark("Invoices and credit notes with the name and address on them: the law wants them kept."),
    mark("Ids, dates and amounts of orders, payments, refunds and events: the books need them."),
    mark("The history and the audit log, with the reasons that people wrote."),
    mark("What the providers keep themselves, and backups until they expire."),
)
"""What it leaves."""
NEXT: Final = (
    mark("Have the app forget the customer: what it tells of the account later is kept anew."),
    mark("Have the providers erase their own records."),
    mark(
        "What a provider reports later, such as a refund, is kept anew, too. Erase again when "
        "nothing more is to come."
    ),
)
"""What is left to people."""
OBSTACLES: Final[dict[str, str]] = {
    "order": mark("Order {name} is open: it ends when it is paid or given up, or expires."),
    "payment": mark("Payment {name} is pending: its provider will say whether it arrives."),
    "refund": mark("A refund of payment {name} is on its way."),
    "dispute": mark("Dispute {name} is open: its provider will say who won it."),
    "effect": mark("Effect {name} ({what}): {state}."),
    "event": mark("Event {name}: {state}. Have it tried again, or dismiss it."),
}
"""A sentence for each kind in ``domain.unsettled.SENTENCES``, with the way out; a test compares."""
MOST_OBSTACLES: Final = 10


class ErasureForm(msgspec.Struct, frozen=True, kw_only=True):
    """The account once more, why, and whether a subscription that runs is to end.

    ``after`` is the erasure before this one, as the page knew it: a form that is sent twice, or
    later than a colleague's, finds another one and does nothing.
    """

    confirmation: Annotated[str, Meta(max_length=200)] = ""
    end_now: bool = False
    after: Annotated[str, Meta(max_length=40)] | None = None
    reason: Annotated[str, Meta(max_length=audit.LONGEST_REASON)] = ""


def erase(visit: Visit, path: AccountPath, form: ErasureForm) -> Done:
    """Erase its personal data, once for each time that somebody was asked."""
    by = visit.decider(form.reason)
    audit.needs_reason(by)
    if form.confirmation.strip() != path.ref:
        said = "That is not the account; nothing was erased."
        raise Refused("not_confirmed", said, status=422, ref=path.ref)
    with visit.database.transaction() as session:
        account = accounts.lock(session, path.ref)
        if account.erased_at is not None and _erasure_of(account) != form.after:
            return Done(address(path.ref), _already(visit, account.erased_at))
        work = Work(session, visit.services.catalogue, account, actor=by.actor)
        erasure.erase(work, by, end_now=form.end_now)
    visit.services.bell.ring("perform_effects")
    return Done(address(path.ref), visit.say("The personal data are erased."))


def ask_to_erase(visit: Visit, path: AccountPath) -> Ask:
    """Really erase, knowing all of this?"""
    with visit.database.transaction() as session:
        account = accounts.find(session, path.ref)
        has = subscriptions.of(session, account.id)
        ends = has.period_end if has is not None and has.is_running else None
        values = _values(visit, session, account)
    title = visit.say("Erase the personal data of account {ref}?", ref=path.ref)
    text = "" if ends is None else _running(visit, ends)
    return Ask(
        f"{address(path.ref)}/erasure",
        title,
        visit.say("Erase for ever"),
        text,
        danger=True,
        reason_hint=visit.say(
            "It is kept in the audit log and is not erased: name the request, such as a ticket or "
            "a letter, and not the person."
        ),
        fields=_fields(visit, account, is_running=ends is not None),
        page=View("accounts/erasure.html", title, values, styles=("accounts.css",)),
    )


def link(visit: Visit, account: Account) -> str | None:
    """Where the account's page leads to for it; None for a viewer."""
    return f"{address(account.ref)}/erasure" if visit.may_act else None


def address(ref: str) -> str:
    """The account's own page."""
    return f"{ROOT}/accounts/{ref}"


def _values(visit: Visit, session: Session, account: Account) -> dict[str, Any]:
    """What the question's page shows."""
    found = unsettled.of(session, account.id)
    return {
        "gone": [visit.say(text) for text in GONE],
        "kept": [visit.say(text, ref=account.ref) for text in KEPT],
        "next": [visit.say(text) for text in NEXT],
        "obstacles": [_obstacle(visit, one) for one in found[:MOST_OBSTACLES]],
        "others": max(0, len(found) - MOST_OBSTACLES),
        "erased_at": account.erased_at,
        "back": address(account.ref),
    }


def _obstacle(visit: Visit, one: Unsettled) -> tuple[str, str | None]:
    """What has to end first, and the page on which to mend it, if there is one."""
    term = visit.speech.term
    values = {"name": one.name, "state": term(one.state), "what": term(one.what)}
    text = visit.say(OBSTACLES[one.kind], **values)
    if one.kind == "event":
        return text, f"{ROOT}/events/{one.name}"
    is_retriable = one.kind == "effect" and one.state in effects.RETRIABLE
    return text, f"{ROOT}/effects/{one.name}/retry" if is_retriable else None


def _running(visit: Visit, until: datetime) -> str:
    return visit.say(
        "The subscription runs until {until} and is paid for. Wait for its end, or end it here. "
        "That gives no money back: refund first what is due.",
        until=visit.speech.instant(until),
    )


def _fields(visit: Visit, account: Account, *, is_running: bool) -> list[Field]:
    label = visit.say("End the subscription now")
    ending = [Field("end_now", label, "check", required=True)] if is_running else []
    return [
        *ending,
        Field(
            "confirmation",
            visit.say("To confirm, type the reference of the account: {ref}", ref=account.ref),
            required=True,
            attributes={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
        ),
        Field("after", "", "hidden", _erasure_of(account)),
    ]


def _erasure_of(account: Account) -> str | None:
    """The last erasure as a form names it."""
    return account.erased_at.isoformat() if account.erased_at is not None else None


def _already(visit: Visit, at: datetime) -> str:
    return visit.say(
        "The personal data had been erased already, on {at}; nothing more was done.",
        at=visit.speech.instant(at),
    )


ACTIONS: Final = (Action("/accounts/{ref}/erasure", erase, ask_to_erase),)
