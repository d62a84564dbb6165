"""Failures: what fails the same way, how much hangs on it, and the way to put it right."""

from __future__ import annotations

from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from sqlalchemy.orm import Session

from domain import event_search, failures
from domain.event_search import Filter
from domain.failures import FailureGroup
from domain.money import Money
from webhooks.api.failures import FailurePath
from webhooks.api.paging import Cursor, RowId
from webhooks.console.page import ROOT, Page, Section, View, Visit
from webhooks.console.speech import mark

LIMIT: Final = 50
MEMBERS: Final = 20
_CURSOR: Final[Cursor[int]] = Cursor("console failures", RowId)


class FailuresQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Open groups, or those that have closed."""

    state: Literal["open", "closed"] = "open"
    cursor: str | None = None


def show_list(visit: Visit, query: FailuresQuery) -> View:
    """One page of the groups, the last seen first."""
    before = _CURSOR.decode(query.cursor)
    with visit.database.transaction() as session:
        found = failures.page(session, LIMIT + 1, before, state=query.state)
    rows, following = _CURSOR.cut(found, LIMIT, lambda group: group.id)
    values = {
        "rows": [_row(visit, group) for group in rows],
        "state": query.state,
        "is_first": before is None,
        "next": following and visit.here(cursor=following),
    }
    return View("failures/list.html", visit.say("Failures"), values, styles=("events.css",))


def show(visit: Visit, path: FailurePath) -> View:
    """One group with its latest members."""
    with visit.database.transaction() as session:
        group = failures.find(session, path.id)
        values = {**_row(visit, group), "members": _members(session, group)}
    values["replay"] = _replay_address(group) if visit.may_act and group.state == "open" else None
    title = visit.say("Failure {number}", number=group.id)
    return View("failures/group.html", title, values, styles=("events.css",))


def _row(visit: Visit, group: FailureGroup) -> dict[str, Any]:
    money = (Money(amount, currency) for currency, amount in sorted(group.money.items()))
    return {"group": group, "money": ", ".join(map(visit.speech.money, money))}


def _members(session: Session, group: FailureGroup) -> list[dict[str, Any]]:
    """The latest that failed so, as plain values."""
    if group.kind == "effect":
        effects = failures.failed_effects(session, group.fingerprint, MEMBERS)
        return [_of_effect(effect) for effect in effects]
    found = event_search.page(session, Filter(error=group.fingerprint), MEMBERS)
    return [
        {
            "text": f"{each.event.id} {each.event.type}",
            "href": f"{ROOT}/events/{each.event.id}",
            "account": each.account,
            "status": each.event.status,
            "at": each.event.received_at,
            "note": each.event.note,
        }
        for each in found
    ]


def _of_effect(effect: Any) -> dict[str, Any]:
    return {
        "text": f"{effect.id} {effect.kind} {effect.target}",
        "href": f"{ROOT}/events/{effect.event_id}" if effect.event_id else None,
        "account": None,
        "status": effect.status,
        "at": effect.created_at,
        "note": effect.note,
    }


def _replay_address(group: FailureGroup) -> str:
    chosen = {"of": f"{group.kind}s", "error": group.fingerprint}
    return f"{ROOT}/replays/new?{urlencode(chosen)}"


SECTION: Final = Section("/failures", mark("Failures"))
PAGES: Final = (Page("/failures", show_list), Page("/failures/{id}", show))
ACTIONS: Final = ()
