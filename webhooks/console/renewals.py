"""Renewals: a calendar of what is due, what is failing, and how much of it recovers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy.orm import Session

from domain import clock, orders, renewal_calendar, timetable
from domain.history import HistoryEntry
from domain.orders import Order
from domain.subscriptions import Subscription
from webhooks.api.paging import Cursor, RowId
from webhooks.console.page import Page, Section, View, Visit
from webhooks.console.speech import mark

AHEAD: Final = 21
"""Days of the calendar."""
SINCE: Final = timedelta(days=30)
LIMIT: Final = 50
_DUE: Final[Cursor[tuple[datetime, int]]] = Cursor("console renewals", tuple[datetime, int])
_FAILING: Final[Cursor[int]] = Cursor("console failing renewals", RowId)


class RenewalsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which day's renewals are listed; without it, those that are failing."""

    day: date | None = None
    cursor: str | None = None


def show(visit: Visit, query: RenewalsQuery) -> View:
    """The calendar, the figures, and a list of one day or of what is failing."""
    now = clock.now()
    with visit.database.transaction() as session:
        calendar = renewal_calendar.days(session, now.date(), AHEAD, UTC)
        figures = renewal_calendar.recovery(session, now - SINCE)
        listed = _due(visit, session, query) if query.day else _failing(visit, session, query)
    most = max((day.count for day in calendar), default=0)
    values = {
        "calendar": [
            _bar(visit, day, most, query.day, is_first=day is calendar[0]) for day in calendar
        ],
        "tiles": _tiles(visit, figures),
        "day": query.day,
        "is_first": query.cursor is None,
        **listed,
    }
    return View("renewals/renewals.html", visit.say("Renewals"), values, styles=("renewals.css",))


def _bar(
    visit: Visit, day: renewal_calendar.Day, most: int, chosen: date | None, *, is_first: bool
) -> dict[str, Any]:
    return {
        "day": day.day,
        "count": day.count,
        # The heights are classes: the page's policy allows no style in an element.
        "height": round(20 * day.count / most) if most else 0,
        "href": visit.here(day=day.day.isoformat(), cursor=None),
        "is_chosen": day.day == chosen,
        "is_weekend": day.day.weekday() >= 5,
        "is_first": is_first or day.day.day == 1,
    }


def _tiles(visit: Visit, figures: renewal_calendar.Recovery) -> list[dict[str, Any]]:
    say, number = visit.say, visit.speech.number
    rate = visit.speech.percent(figures.rate) if figures.rate is not None else "–"
    note = say("of those decided in the last 30 days")
    tiles = (
        (say("Failed at least once"), number(figures.failed), "plain", None),
        (say("Recovered"), number(figures.recovered), figures.recovered and "good", None),
        (say("Still being tried"), number(figures.open), figures.open and "warn", None),
        (say("Lost"), number(figures.lost), figures.lost and "bad", None),
        (say("Recovery rate"), rate, "plain", note),
    )
    names = ("label", "value", "tone", "note")
    # A number that is nought has no colour.
    rows = (dict(zip(names, tile, strict=True)) for tile in tiles)
    return [{"href": None, **row, "tone": row["tone"] or "plain"} for row in rows]


def _due(visit: Visit, session: Session, query: RenewalsQuery) -> dict[str, Any]:
    day = query.day or clock.now().date()
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = renewal_calendar.due(session, begin, LIMIT + 1, _DUE.decode(query.cursor))
    page, following = _DUE.cut(found, LIMIT, lambda row: (row[0].period_end, row[0].account_id))
    return {"rows": _rows(visit, session, page), "next": following and visit.here(cursor=following)}


def _failing(visit: Visit, session: Session, query: RenewalsQuery) -> dict[str, Any]:
    found = renewal_calendar.failing(session, LIMIT + 1, _FAILING.decode(query.cursor))
    page, following = _FAILING.cut(found, LIMIT, lambda row: row[0].account_id)
    return {"rows": _rows(visit, session, page), "next": following and visit.here(cursor=following)}


def _rows(
    visit: Visit, session: Session, page: Sequence[tuple[Subscription, str]]
) -> list[dict[str, Any]]:
    """What is shown of each, read for all of them together."""
    open_orders = orders.open_of_each(session, [each.account_id for each, _ in page])
    failing = [each.account_id for each, _ in page if each.renewal_failures]
    failures = renewal_calendar.last_failures(session, failing)
    return [
        _row(visit, each, ref, open_orders.get(each.account_id), failures.get(each.account_id))
        for each, ref in page
    ]


def _row(
    visit: Visit,
    subscription: Subscription,
    ref: str,
    order: Order | None,
    failure: HistoryEntry | None,
) -> dict[str, Any]:
    renewal = order if order is not None and order.kind == "renewal" else None
    catalogue = visit.services.catalogue
    return {
        "ref": ref,
        "subscription": subscription,
        "due": renewal.money_due if renewal is not None else None,
        "code": failure.details.get("code") if failure is not None else None,
        "next_try": timetable.next_try(catalogue, subscription, clock.now()),
    }


SECTION: Final = Section("/renewals", mark("Renewals"))
PAGES: Final = (Page("/renewals", show),)
ACTIONS: Final = ()
