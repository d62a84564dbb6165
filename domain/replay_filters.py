"""What a replay's filter chooses, counted and sampled before anything is done."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from domain import effects, event_search
from domain.accounts import Account
from domain.effects import Effect
from domain.errors import Refused
from domain.event_search import Filter
from domain.inbox import Event

MOST: Final = 100_000
SAMPLE: Final = 10
FOR_EFFECTS: Final = frozenset({"status", "type", "account", "error"})


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One of those found."""

    id: int
    type: str
    status: str
    account: str | None
    note: str | None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay would take: ``count`` (with ``more`` set, only the first of them were
    counted), by type and status, and the latest few."""

    count: int
    more: bool
    by_status: dict[str, int]
    by_type: dict[str, int]
    sample: list[Sample]


def preview(session: Session, wanted: Filter, of: str = "events") -> Preview:
    """Count what the filter finds. Raises ``Refused`` for one that finds everything."""
    statement = chosen(session, wanted, of, MOST + 1)
    if statement is None:
        return Preview(count=0, more=False, by_status={}, by_type={}, sample=[])
    table, kind = (Event, Event.type) if of == "events" else (Effect, Effect.kind)
    found = statement.subquery()
    one = select(table.status, kind.label("kind")).where(table.id == found.c[0])
    if session.get_bind().dialect.name == "postgresql":
        # One by one, by their numbers: the planner takes the limit for the number of rows that are
        # found, and would rather read the whole table.
        each = one.limit(1).lateral("each")
        grouped = select(each.c.status, each.c.kind, func.count()).select_from(
            found.join(each, literal(True))
        )
        statement = grouped.group_by(each.c.status, each.c.kind)
    else:
        statement = one.add_columns(func.count()).group_by(table.status, kind)
    groups = session.execute(statement).all()
    by_status: dict[str, int] = {}
    by_type: dict[str, int] = {}
    for status, name, count in groups:
        by_status[status] = by_status.get(status, 0) + count
        by_type[name] = by_type.get(name, 0) + count
    count = sum(by_status.values())
    return Preview(
        count=min(count, MOST),
        more=count > MOST,
        by_status=by_status,
        by_type=by_type,
        sample=_sample(session, wanted, of),
    )


def chosen(session: Session, wanted: Filter, of: str, limit: int) -> Any:
    """A query for the number and the time of up to ``limit`` events or effects; None when there
    can be none. Raises ``Refused`` (422) for a filter that a replay cannot have."""
    if wanted.is_empty:
        raise Refused(
            "filter_empty",
            "filter: names nothing, so everything would be replayed; give at least one of "
            f"{', '.join(Filter.__struct_fields__)}.",
            status=422,
        )
    if wanted.status == "quarantined":
        raise Refused(
            "filter_quarantined",
            "filter.status: events in quarantine are never replayed, since nobody knows yet "
            "whether they are authentic; they are judged by themselves.",
            status=422,
        )
    if of == "events":
        return event_search.authentic(session, wanted, limit)
    return _effects(session, wanted, limit)


def _effects(session: Session, wanted: Filter, limit: int) -> Any:
    given = {name for name in Filter.__struct_fields__ if getattr(wanted, name) is not None}
    if given - FOR_EFFECTS:
        raise Refused(
            "filter_not_for_effects",
            f"filter: {', '.join(sorted(given - FOR_EFFECTS))} cannot choose effects; use "
            f"{', '.join(sorted(FOR_EFFECTS))}.",
            status=422,
            filters=sorted(given - FOR_EFFECTS),
        )
    statement = select(Effect.id, Effect.created_at).where(Effect.status.in_(effects.RETRIABLE))
    if wanted.status is not None:
        statement = statement.where(Effect.status == wanted.status)
    if wanted.type is not None:
        statement = statement.where(Effect.kind == wanted.type)
    if wanted.error is not None:
        same = event_search.failed_as(session, Effect.fingerprint, wanted.error)
        statement = statement.where(same)
    if wanted.account is not None:
        owner = select(Account.id).where(Account.ref == wanted.account).scalar_subquery()
        statement = statement.where(Effect.account_id == owner)
    return statement.order_by(Effect.id.desc()).limit(limit)


def _sample(session: Session, wanted: Filter, of: str) -> list[Sample]:
    statement = chosen(session, wanted, of, SAMPLE)
    if statement is None:
        return []
    table: Any = Event if of == "events" else Effect
    found = statement.subquery()
    rows = session.execute(
        select(table, Account.ref)
        .join(found, found.c[0] == table.id)
        .outerjoin(Account, Account.id == table.account_id)
        .order_by(found.c[1].desc(), table.id.desc())
    )
    return [
        Sample(
            id=row.id,
            type=row.type if of == "events" else row.kind,
            status=row.status,
            account=ref,
            note=row.note,
        )
        for row, ref in rows
    ]
