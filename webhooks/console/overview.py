"""The state of everything at a glance: what comes in, what waits, what fails, and who is silent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import clock, leases, tallies, workload
from domain.workload import MOST, AtRisk, Backlog
from webhooks.console import charts
from webhooks.console.alerts import told
from webhooks.console.charts import PERIODS, Chart, Line
from webhooks.console.page import ROOT, Page, Section, View, Visit
from webhooks.console.speech import mark

LATE: Final = timedelta(minutes=5)
"""An event that waits for longer is shown as a warning."""
SHOWN_ALERTS: Final = 8
PERIOD_NAMES: Final = {
    "day": mark("24 hours"),
    "week": mark("7 days"),
    "quarter": mark("90 days"),
}
Series = Mapping[str, Mapping[datetime, int]]


class OverviewQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the past the charts show; left out: the shortest in which something came in."""

    period: Literal["day", "week", "quarter"] | None = None


class ProviderState(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider does."""

    title: str
    name: str
    health: str
    last: tuple[datetime, str] | None
    received: int
    failed: int
    waiting: int
    parked: int


def show(visit: Visit, query: OverviewQuery) -> View:
    """Everything, in one transaction of bounded queries."""
    with visit.database.transaction() as session:
        backlog = workload.backlog(session)
        alerts, is_open, newest = workload.open_alerts(session, SHOWN_ALERTS)
        period, series = _series(session, query.period)
        values: dict[str, Any] = {
            "backlog": backlog,
            "alerts": [told(visit, alert) for alert in newest],
            "providers": _providers(visit, session),
            "clock_until": session.scalar(
                select(leases.Lease.until).where(leases.Lease.name == "clock")
            ),
            "tiles": [
                tile(
                    visit.say("Open alerts"),
                    capped(visit, alerts),
                    is_open and "bad",
                    f"{ROOT}/alerts",
                ),
                *_tiles(visit, backlog, workload.money_at_risk(session)),
            ],
        }
    values.update(
        period=period,
        periods=PERIOD_NAMES,
        charts=_charts(visit, period, series),
        is_clock_seen=bool(values["clock_until"] and values["clock_until"] > clock.wall()),
        calm=not (alerts or backlog.parked or backlog.effects_parked or _is_late(backlog)),
    )
    return View(
        "overview.html",
        visit.say("Overview"),
        values,
        styles=("uplot.css",),
        scripts=("uplot.js", "overview.js"),
    )


def _series(session: Session, wanted: str | None) -> tuple[str, Series]:
    for name in [wanted] if wanted else PERIODS:
        period = PERIODS[name]
        series = tallies.since(session, period.unit, charts.steps(period)[0])
        if series.get("received"):
            break
    else:
        name = wanted or "day"
    return name, series


def _charts(visit: Visit, name: str, series: Series) -> list[Chart]:
    say, starts = visit.say, charts.steps(PERIODS[name])
    times = [int(start.timestamp()) for start in starts]

    def line(kind: str, label: str, tone: str, read: Any) -> Line:
        return Line(label, tone, read(starts, series.get(kind, {})))

    flow = [
        line("received", say("Received"), "info", charts.counted),
        line("finished", say("Processed"), "good", charts.counted),
        line("failed", say("Failed attempts"), "bad", charts.counted),
    ]
    levels = [
        line("waiting", say("Waiting"), "warn", charts.measured),
        line("parked", say("Parked"), "bad", charts.measured),
    ]
    return [
        Chart(say("Received and processed"), times, flow),
        Chart(say("Waiting and parked"), times, levels),
    ]


def _tiles(visit: Visit, backlog: Backlog, at_risk: AtRisk) -> list[dict[str, Any]]:
    say, speech = visit.say, visit.speech
    oldest = speech.span(clock.now() - backlog.oldest) if backlog.oldest else say("none")
    events, failures = f"{ROOT}/events?status=", f"{ROOT}/failures"
    person = say("need a person")
    return [
        _count(visit, say("Parked events"), backlog.parked, "bad", f"{events}parked", person),
        _count(visit, say("Parked effects"), backlog.effects_parked, "bad", failures, person),
        tile(say("Money at risk"), _money(visit, at_risk), at_risk.amounts and "warn", failures),
        tile(say("Oldest unfinished"), oldest, _is_late(backlog) and "warn"),
        _count(visit, say("Waiting events"), backlog.waiting, "", f"{events}waiting",
               say("{count} due now", count=capped(visit, backlog.overdue))),
        _count(visit, say("Waiting effects"), backlog.effects_waiting, "", "",
               say("{count} due now", count=capped(visit, backlog.effects_overdue))),
        _count(visit, say("In quarantine"), backlog.quarantined, "warn", f"{events}quarantined"),
    ]  # fmt: skip


def _money(visit: Visit, at_risk: AtRisk) -> str:
    """The amounts, marked where there is more."""
    told = " · ".join(map(visit.speech.money, at_risk.amounts))
    return told + ("" if at_risk.is_all else "+") or visit.say("none")


def _count(
    visit: Visit, label: str, count: int, tone: str, href: str = "", note: str = ""
) -> dict[str, Any]:
    """A number that is good when it is nought."""
    return tile(label, capped(visit, count), count and tone, href, note if count else "")


def tile(label: str, value: Any, tone: Any = "", href: str = "", note: str = "") -> dict[str, Any]:
    """One number as ``ui.numbers`` shows it."""
    return {"label": label, "value": value, "tone": tone or "plain", "href": href, "note": note}


def capped(visit: Visit, count: int) -> str:
    """A count that stopped at ``MOST``."""
    return visit.speech.number(count) + ("+" if count >= MOST else "")


def _is_late(backlog: Backlog) -> bool:
    return backlog.oldest is not None and clock.now() - backlog.oldest > LATE


def _providers(visit: Visit, session: Session) -> list[ProviderState]:
    day = tallies.totals(session, "minutes", clock.now() - timedelta(days=1))
    return [_provider(session, each.spec, day) for each in visit.services.providers]


def _provider(session: Session, spec: Any, day: Mapping[tuple[str, str], int]) -> ProviderState:
    unfinished = workload.unfinished(session, spec.name)
    last = tallies.last_received(session, spec.name)
    failed = day.get(("failed", spec.name), 0)
    is_quiet = last is None or clock.now() - last[0] > timedelta(days=1)
    health = "parked" if unfinished["parked"] else "failing" if failed else "ok"
    return ProviderState(
        title=spec.title,
        name=spec.name,
        health="quiet" if is_quiet and health == "ok" else health,
        last=last,
        received=day.get(("received", spec.name), 0),
        failed=failed,
        **unfinished,
    )


SECTION: Final = Section("", mark("Overview"))
PAGES: Final = (Page("", show),)
