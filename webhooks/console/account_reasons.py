"""Why an account is as it is, in sentences: what it has, until when, and what led to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.accounts import Account
from domain.history import HistoryEntry
from domain.subscriptions import OURS
from webhooks.api.account_state import AccountState, SubscriptionState
from webhooks.console.page import Visit

_TELLING = (
    "account_blocked",
    "account_unblocked",
    "auto_renew_off",
    "dispute_closed",
    "dispute_opened",
    "money_returned",
    "personal_data_erased",
    "renewal_failed",
    "subscription_expired",
)
_NEWEST = 60
"""Entries that are looked through for the causes of the present state."""

Causes = dict[str, HistoryEntry]


def explain(visit: Visit, session: Session, account: Account, state: AccountState) -> list[str]:
    """The state and its reasons, a sentence each, the most important first."""
    causes = _causes(session, account.id)
    told = [*_erased(visit, account, causes), _standing(visit, state, causes)]
    if state.subscription is not None:
        told += _subscription(visit, state, state.subscription, causes)
    return [each for each in told if each]


def _causes(session: Session, account_id: int) -> Causes:
    """The newest entry of each kind that explains something."""
    statement = (
        select(HistoryEntry)
        .where(HistoryEntry.account_id == account_id, HistoryEntry.kind.in_(_TELLING))
        .order_by(HistoryEntry.id.desc())
        .limit(_NEWEST)
    )
    found: Causes = {}
    for entry in session.scalars(statement):
        found.setdefault(entry.kind, entry)
    return found


def _erased(visit: Visit, account: Account, causes: Causes) -> Iterable[str]:
    """That its personal data were erased, first of all: it says why there are none."""
    if account.erased_at is None:
        return
    entry = causes.get("personal_data_erased")
    yield visit.say(
        "The personal data were erased on {at} by {by}, on request of the customer.",
        at=visit.speech.instant(account.erased_at),
        by=(entry and entry.actor) or "?",
    )
    if account.email:
        yield visit.say("The app has told of the customer again since.")


def _standing(visit: Visit, state: AccountState, causes: Causes) -> str:
    if state.blocked is None:
        if state.subscription is None:
            return visit.say("The account is active and has bought nothing yet.")
        return ""
    at = visit.speech.instant(state.blocked.at)
    return visit.say("Blocked since {at}: {why}", at=at, why=_block(visit, state, causes))


def _block(visit: Visit, state: AccountState, causes: Causes) -> str:
    reason = state.blocked.reason if state.blocked else ""
    expired, returned = causes.get("subscription_expired"), causes.get("money_returned")
    blocked, closed = causes.get("account_blocked"), causes.get("dispute_closed")
    if reason == "subscription_expired" and expired is not None:
        end = _day(visit, expired.details.get("end"))
        return visit.say("the subscription expired on {end} and was not paid.", end=end)
    if reason == "refunded" and returned is not None:
        return visit.say(
            "{amount} of payment {payment} was given back.",
            **_of(visit, returned, "amount", "payment"),
        )
    if reason == "dispute_lost" and closed is not None:
        return visit.say(
            "the dispute about payment {payment} was lost.", **_of(visit, closed, "payment")
        )
    if reason == "operator" and blocked is not None:
        said = {"by": blocked.actor or "?", **_of(visit, blocked, "reason")}
        return visit.say("{by} decided so: {reason}", **said)
    return visit.speech.term(reason)


def _subscription(
    visit: Visit, state: AccountState, has: SubscriptionState, causes: Causes
) -> Iterable[str]:
    yield _what(visit, has)
    if has.state == "past_due":
        yield visit.say("The last period is over and its renewal is not paid yet.")
    if (
        "renewal_failed" in causes
        and has.state in {"active", "past_due"}
        and _is_recent(causes["renewal_failed"], has)
    ):
        entry = causes["renewal_failed"]
        code = visit.speech.term(str(entry.details.get("code", "")))
        at = visit.speech.instant(entry.at)
        yield visit.say("The last charge failed on {at}: {code}.", at=at, code=code)
    if state.next_charge is not None:
        yield visit.say(
            "{amount} will be charged on {at}.",
            amount=visit.speech.money(state.next_charge.amount),
            at=visit.speech.instant(state.next_charge.at),
        )
    if not has.auto_renew:
        yield _off(visit, has, causes)
    if has.managed_by != OURS:
        provider = visit.provider(has.managed_by)
        yield visit.say("{provider} runs this subscription itself.", provider=provider)


def _what(visit: Visit, has: SubscriptionState) -> str:
    values = {
        "plan": visit.speech.term(has.plan),
        "interval": visit.speech.term(has.interval),
        "agents": has.agents,
        "end": visit.speech.instant(has.period_end),
    }
    if has.state in {"active", "past_due"}:
        return visit.say("{plan}, by the {interval}, agents: {agents}, paid until {end}.", **values)
    return visit.say("It had {plan}, by the {interval}, agents: {agents}, until {end}.", **values)


def _is_recent(entry: HistoryEntry, has: SubscriptionState) -> bool:
    """Whether the charge was for the renewal that is being tried: it began after the period."""
    return entry.at > has.period_start


def _off(visit: Visit, has: SubscriptionState, causes: Causes) -> str:
    entry = causes.get("auto_renew_off")
    why = visit.speech.term(has.auto_renew_off_reason or "unknown")
    if entry is None:
        return visit.say("Auto-renew is off: {why}.", why=why)
    values = {"at": visit.speech.instant(entry.at), "why": why, "by": entry.actor or why}
    if entry.actor:
        return visit.say("Auto-renew was switched off on {at} by {by}.", **values)
    return visit.say("Auto-renew was switched off on {at}: {why}.", **values)


def _of(visit: Visit, entry: HistoryEntry, *names: str) -> dict[str, Any]:
    return {name: visit.speech.told(str(entry.details.get(name, "?"))) for name in names}


def _day(visit: Visit, value: Any) -> str:
    return visit.speech.day(date.fromisoformat(str(value)[:10])) if value else "?"
