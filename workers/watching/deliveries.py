"""Looks at what the providers send: refused calls, certificates, silence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import clock, traffic
from domain.alert_rules import AlertRule
from domain.alerts import Alert
from domain.inbox import Event
from domain.traffic import SLOT, Counts
from workers.runtime import Runtime
from workers.watching.sight import Sight, instant, span

WEEKS: Final = 4
"""How far back a provider's usual rhythm is looked for."""
ENOUGH_WEEKS: Final = 2
"""Of so many the same hours must be known: before that nothing is usual."""
SOME: Final = 3
"""In each of these weeks at least so many must have come in the same hours."""


def secret_trouble(session: Session, runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Providers of which every call is refused."""
    for provider in runtime.providers:
        lately = _lately(session, provider.name, rule)
        if lately.refused >= rule.at_least and not lately.accepted:
            yield Sight(provider.name, {"refused": lately.refused})


def signature_failures(session: Session, runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Providers of which some calls are refused, and more than a few.

    Not those that a wrong secret had refused a moment ago: that was told already.
    """
    for provider in runtime.providers:
        lately = _lately(session, provider.name, rule)
        total = lately.refused + lately.accepted
        many = lately.refused >= rule.at_least and lately.refused >= rule.share * total
        if many and lately.accepted and not _had_secret_trouble(session, provider.name, rule):
            details = {"refused": lately.refused, "accepted": lately.accepted}
            yield Sight(provider.name, details)


def _lately(session: Session, provider: str, rule: AlertRule) -> Counts:
    now = clock.now()
    return traffic.between(session, provider, traffic.slot_of(now - rule.window), now)


def _had_secret_trouble(session: Session, provider: str, rule: AlertRule) -> bool:
    statement = select(func.max(func.coalesce(Alert.resolved_at, clock.now()))).where(
        Alert.rule == "secret_trouble", Alert.subject == provider
    )
    last = session.scalar(statement)
    return last is not None and last > clock.now() - rule.window - SLOT


def certificate_trouble(session: Session, runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Providers whose deliveries cannot be verified, or soon cannot be."""
    waiting = _in_quarantine(session, rule)
    for provider in runtime.providers:
        count, oldest = waiting.get(provider.name, (0, None))
        ends = traffic.trusted_until(session, provider.name)
        if oldest is not None:
            trouble = f"{count} wait since {instant(oldest)}, their certificate cannot be had"
        elif ends is not None and ends < clock.now() + rule.window:
            trouble = f"the certificate, or one above it, ends at {instant(ends)}"
        else:
            continue
        yield Sight(provider.name, {"trouble": trouble, "waiting": count})


def _in_quarantine(session: Session, rule: AlertRule) -> dict[str, tuple[int, datetime]]:
    statement = (
        select(Event.provider, func.count(), func.min(Event.received_at))
        .where(Event.status == "quarantined", Event.received_at <= clock.now() - rule.after)
        .group_by(Event.provider)
    )
    return {provider: (count, oldest) for provider, count, oldest in session.execute(statement)}


def provider_silent(session: Session, runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Providers that have sent nothing for so long that it is not like them.

    What is usual is what came in the same hours of the weeks before, so that nights, weekends and
    the first weeks of an installation are silent without anybody being called.
    """
    now, last = clock.now(), traffic.last_accepted(session)
    for provider in runtime.providers:
        since = last.get(provider.name)
        if since is None or now - since < rule.after:
            continue
        usual = _usual(session, provider.name, max(since, now - rule.window), now)
        if usual is not None and usual >= rule.at_least:
            yield Sight(provider.name, {"age": span(now - since), "usual": f"{usual:.0f}"})


def _usual(session: Session, provider: str, start: datetime, end: datetime) -> float | None:
    """How many calls usually come between the two; None when nothing is usual."""
    known_from = traffic.beginning(session, provider)
    counts = []
    for weeks in range(1, WEEKS + 1):
        back = timedelta(weeks=weeks)
        if known_from is not None and known_from <= start - back:
            # The slot of the beginning holds calls from before it.
            first = traffic.slot_of(start - back) + SLOT
            counts.append(traffic.between(session, provider, first, end - back).accepted)
    if len(counts) < ENOUGH_WEEKS or min(counts) < SOME:
        return None
    return sum(counts) / len(counts)
