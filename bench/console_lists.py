"""The lists of the console other than that of the events, for ``bench.console_queries``: each with
every filter alone and in pairs, with values that are common, rare, and never found together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import (
    account_search,
    accounts,
    alerts,
    audit,
    catalogue,
    clock,
    figures,
    history,
    paper_search,
    renewal_calendar,
    renewal_rates,
    tallies,
    timeline,
    workload,
)
from domain.account_search import AccountFilter
from domain.accounts import Account, ProviderCustomer
from domain.alerts import Alert
from domain.audit import AuditEntry
from domain.effects import Effect
from domain.history import HistoryEntry
from domain.inbox import Event
from domain.invoices import Invoice
from domain.paper_search import PaperFilter
from webhooks.api.account_state import state_of

PAGE: Final = 51
MOMENTS: Final = 41
DAY: Final = timedelta(days=1)
Query = Callable[[Session], object]
Named = Iterator[tuple[str, Query]]


def queries(session: Session) -> Named:
    """Every query, with values that are in the store."""
    yield from _accounts(session)
    yield from _papers(session)
    yield from _renewals()
    yield from _decisions(session)
    yield from _alerts(session)
    yield from _overview()
    yield from _one_account(session)


def _each(name: str, page: Callable[..., object], values: Mapping[str, tuple[Any, ...]]) -> Named:
    """The list without a filter, with each value of each filter, and with each pair of them."""
    yield f"{name}: no filter", page
    given = [(key, value) for key, some in values.items() for value in some]
    for one in given:
        yield f"{name}: {_told(one)}", _asked(page, dict([one]))
    for pair in combinations(given, 2):
        if pair[0][0] != pair[1][0]:
            yield f"{name}: {' + '.join(map(_told, pair))}", _asked(page, dict(pair))


def _told(given: tuple[str, Any]) -> str:
    return f"{given[0]} {given[1]}"


def _asked(page: Callable[..., object], wanted: dict[str, Any]) -> Query:
    return lambda s: page(s, **wanted)


def _accounts(session: Session) -> Named:
    middle = (session.scalar(select(func.max(Account.id))) or 0) // 2
    customer = session.scalar(select(ProviderCustomer.customer).limit(1))
    values: dict[str, tuple[Any, ...]] = {
        "status": ("active", "blocked"),
        "reason": ("subscription_expired", "operator", "dispute_lost", "nobody"),
        "state": ("active", "past_due", "expired", "ended"),
        "plan": ("pro", "standard", "free"),
        "managed_by": ("us", "paypal"),
        "q": (
            "app-1",
            "app-99999",
            f"app-{middle}",
            "billing@customer-77.example",
            "zzz",
            customer,
        ),
    }

    def page(s: Session, before: int | None = None, **wanted: Any) -> object:
        return account_search.page(s, AccountFilter(**wanted), PAGE, before)

    yield from _each("accounts", page, values)
    for given in ({}, {"status": "blocked"}, {"state": "past_due"}, {"q": "app-1"}):
        yield f"accounts, deep: {given}", _asked(page, {**given, "before": middle})


def _papers(session: Session) -> Named:
    newest = session.scalars(select(Invoice).order_by(Invoice.id.desc()).limit(1)).one()
    bought = session.get_one(Account, 2).ref
    last = session.scalar(select(func.max(Account.id)))
    values: dict[str, tuple[Any, ...]] = {
        "number": (newest.number, "2026-nothing"),
        "account": ("app-1", bought, f"app-{last}", "nobody"),
        "kind": ("invoice", "credit_note"),
        "series": ("2025", "2026", "CN-2026", "1999"),
    }

    def page(s: Session, before: int | None = None, **wanted: Any) -> object:
        return paper_search.page(s, PaperFilter(**wanted), PAGE, before)

    yield from _each("invoices", page, values)
    for given in ({}, {"kind": "credit_note"}, {"series": "2025"}, {"account": "app-1"}):
        yield f"invoices, deep: {given}", _asked(page, {**given, "before": newest.id // 2})


def _renewals() -> Named:
    today = clock.now().date()
    begin = datetime(today.year, today.month, today.day, tzinfo=UTC) + 5 * DAY
    yield "renewals: calendar", lambda s: renewal_calendar.days(s, today, 21, UTC)
    yield "renewals: of a day", lambda s: renewal_calendar.due(s, begin, PAGE)
    noon = begin + DAY / 2
    yield "renewals: of a day, deep", lambda s: renewal_calendar.due(s, begin, PAGE, (noon, 1))
    yield "renewals: failing", lambda s: renewal_calendar.failing(s, PAGE)
    yield "renewals: failing, deep", lambda s: renewal_calendar.failing(s, PAGE, 300_000)
    yield "renewals: recovery", lambda s: renewal_calendar.recovery(s, clock.now() - 30 * DAY)
    for days in (1, 30):
        yield (
            f"renewals: rate of {days} days",
            lambda s, days=days: renewal_rates.between(s, clock.now() - days * DAY, clock.now()),
        )


def _decisions(session: Session) -> Named:
    number = session.scalar(select(func.max(audit.AuditEntry.id))) or 0
    values: dict[str, tuple[Any, ...]] = {
        "actor": ("operator:op-0", "app:token-1", "admin:root", "operator:nobody"),
        "action": ("retry", "disable", "sign_in", "nothing"),
        "subject_kind": ("account", "event", "operator", "nothing"),
        "subject": ("app-1", "op-7", "nothing"),
        "account_id": (1, 500_000),
    }

    def page(s: Session, before: int | None = None, **wanted: Any) -> object:
        return audit.page(s, PAGE, before, **wanted)

    yield from _each("audit", page, values)
    for given in ({}, {"actor": "app:token-1"}, {"action": "disable"}, {"subject": "app-1"}):
        yield f"audit, deep: {given}", _asked(page, {**given, "before": number // 2})


def _alerts(session: Session) -> Named:
    number = session.scalar(select(func.max(Alert.id))) or 0
    values: dict[str, tuple[Any, ...]] = {
        "state": ("unresolved", "open", "acknowledged", "resolved"),
        "rule": ("renewal_exhausted", "dispute_opened", "sink_failing", "clock_not_seen"),
    }

    def page(s: Session, before: int | None = None, **wanted: Any) -> object:
        return alerts.page(s, PAGE, before, **wanted)

    yield from _each("alerts", page, values)
    for given in ({}, {"state": "resolved"}, {"rule": "dispute_opened"}):
        yield f"alerts, deep: {given}", _asked(page, {**given, "before": number // 2})


def _overview() -> Named:
    yield "overview: backlog", workload.backlog
    yield "overview: money at risk", workload.money_at_risk
    yield "overview: what a provider has open", lambda s: workload.unfinished(s, "stripe")
    yield "overview: last of a provider", lambda s: tallies.last_received(s, "paypal")
    yield "overview: a day", lambda s: tallies.since(s, "minutes", clock.now() - DAY)
    yield "overview: 90 days", lambda s: tallies.since(s, "days", clock.now() - 90 * DAY)
    yield "overview: totals", lambda s: tallies.totals(s, "minutes", clock.now() - DAY)
    yield "figures: all of them", lambda s: list(figures.all_figures(s))


def _one_account(session: Session) -> Named:
    """The account with the most events, one with some, one with none."""
    sold = catalogue.load()
    last = session.scalar(select(func.max(Account.id))) or 0
    middle = _halfway(session)
    for number, told in ((1, "the busiest"), (last // 4, "some"), (last, "few")):
        ref = session.get_one(Account, number).ref
        newest = timeline.page(session, number, MOMENTS)
        yield f"account, {told}: state", lambda s, r=ref: state_of(s, sold, accounts.find(s, r))
        yield f"account, {told}: timeline", lambda s, n=number: timeline.page(s, n, MOMENTS)
        if newest:
            yield (
                f"account, {told}: timeline, deep",
                lambda s, n=number, m=middle: timeline.page(s, n, MOMENTS, m),
            )
        yield f"account, {told}: history", lambda s, n=number: history.page(s, n, PAGE)


def _halfway(session: Session) -> timeline.Place:
    tables = (AuditEntry, Effect, HistoryEntry, Event)
    last = [session.scalar(select(func.max(table.id))) or 0 for table in tables]
    return last[0] // 2, last[1] // 2, last[2] // 2, last[3] // 2
