"""Finds events among millions: any filters together, the newest first, by keyset.

No combination may scan. Filters by columns with few values (``inbox.FACETS``) are answered from one
index: the combinations that exist are read by skipping through it, and each is a short range of
the index, merged by time. Filters that name something (an account, an order, a failure, a search)
find their rows by their own index, whatever else is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    column,
    func,
    literal,
    or_,
    select,
    tuple_,
    values,
)
from sqlalchemy.orm import Session, aliased

from domain import failures
from domain.accounts import Account
from domain.database import BigId, Instant
from domain.inbox import FACETS, Event

SHORTEST_BEGINNING: Final = 12
"""From so many characters on, a search finds what begins with them: fewer would find millions."""
LARGEST_ID: Final = 2**63 - 1
Rows = Select[*tuple[Any, ...]]


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is looked for; every field that is given narrows.

    ``account`` is the app's ref; ``error`` a fingerprint, or the beginning of some; ``q`` an
    event's number or its id at the provider, a payment, an order or an account;
    ``received_from`` is included, ``received_to`` is not.
    """

    status: str | None = None
    provider: str | None = None
    type: str | None = None
    account: str | None = None
    order: str | None = None
    error: str | None = None
    origin: str | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None
    q: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it finds everything."""
        return self == Filter()


class Found(msgspec.Struct, frozen=True):
    """An event, and the ref of its account."""

    event: Event
    account: str | None


def page(session: Session, wanted: Filter, limit: int, before: int | None = None) -> list[Found]:
    """Up to ``limit`` events, the latest received first, that came before the event ``before``."""
    return named(session, newest(session, wanted, limit, before))


def named(session: Session, ids: Sequence[int]) -> list[Found]:
    """The events of those numbers, the latest received first."""
    if not ids:
        return []
    statement = (
        select(Event, Account.ref)
        .outerjoin(Account, Account.id == Event.account_id)
        .where(Event.id.in_(ids))
        .order_by(Event.received_at.desc(), Event.id.desc())
    )
    return [Found(event, ref) for event, ref in session.execute(statement)]


def newest(
    session: Session, wanted: Filter, limit: int, before: int | None = None
) -> Sequence[int]:
    """The numbers of the events of a page."""
    statement = _ranked(session, wanted, limit, _span(session, wanted, before))
    return [] if statement is None else [row.id for row in session.execute(statement)]


def authentic(session: Session, wanted: Filter, limit: int) -> Rows | None:
    """A query for ``id`` and ``received_at`` of up to ``limit`` events that are not in quarantine,
    the latest received first; None when there can be none."""
    span = [*_span(session, wanted, None), Event.status != "quarantined"]
    return _ranked(session, wanted, limit, span)


def facets(session: Session, given: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """Every combination of status, provider, type and origin that some event has."""
    if session.get_bind().dialect.name == "postgresql":
        statement = _skipping(dict(given or {}).get("status"))
    else:
        statement = select(*(getattr(Event, name) for name in FACETS)).distinct()
    rows = [dict(zip(FACETS, row, strict=True)) for row in session.execute(statement)]
    return [row for row in rows if all(row[k] == v for k, v in (given or {}).items())]


def _span(session: Session, wanted: Filter, before: int | None) -> list[ColumnElement[bool]]:
    """The conditions on time, which every index ends with."""
    found: list[ColumnElement[bool]] = []
    if wanted.received_from is not None:
        found.append(Event.received_at >= wanted.received_from)
    if wanted.received_to is not None:
        found.append(Event.received_at < wanted.received_to)
    last = session.get(Event, before) if before is not None else None
    if last is not None:
        here = tuple_(literal(last.received_at, Instant), literal(last.id, BigId))
        found.append(tuple_(Event.received_at, Event.id) < here)
    return found


def _ranked(
    session: Session, wanted: Filter, limit: int, span: Sequence[ColumnElement[bool]]
) -> Rows | None:
    """Numbers and times of the events, in order; None when there can be none."""
    given = _facets_of(wanted)
    named = _named(session, wanted)
    if named is not None:
        narrow = [getattr(Event, name) == value for name, value in given.items()]
        return _sorted_apart([*named, *narrow, *span], limit)
    if given and session.get_bind().dialect.name == "postgresql":
        there = facets(session, given)
        return _merged(there, limit, span) if there else None
    narrow = [getattr(Event, name) == value for name, value in given.items()]
    return _in_order(select(Event.id, Event.received_at).where(*narrow, *span), Event, limit)


def _facets_of(wanted: Filter) -> dict[str, str]:
    given = {name: getattr(wanted, name) for name in FACETS}
    return {name: value for name, value in given.items() if value is not None}


def _in_order(statement: Rows, rows: Any, limit: int) -> Rows:
    return statement.order_by(rows.received_at.desc(), rows.id.desc()).limit(limit)


def _sorted_apart(conditions: Sequence[ColumnElement[bool]], limit: int) -> Rows:
    """Find first, then sort. Were both one query, the planner could choose to walk through all
    events in order, hoping to meet enough of them soon."""
    found = select(Event.id, Event.received_at).where(*conditions).cte("found")
    found = found.prefix_with("MATERIALIZED", dialect="postgresql")
    return _in_order(select(found.c.id, found.c.received_at), found.c, limit)


def _merged(
    there: Sequence[Mapping[str, str]], limit: int, span: Sequence[ColumnElement[bool]]
) -> Rows:
    """The newest of each combination, from the index, and of these the newest."""
    rows = [tuple(row[name] for name in FACETS) for row in there]
    each = values(*(column(name, String) for name in FACETS), name="each").data(rows)
    same = [getattr(Event, name) == each.c[name] for name in FACETS]
    newest = _in_order(select(Event.id, Event.received_at).where(*same, *span), Event, limit)
    some = newest.lateral("some")
    joined = select(some.c.id, some.c.received_at).select_from(each.join(some, literal(True)))
    return _in_order(joined, some.c, limit)


def _skipping(status: str | None) -> Rows:
    """Read each combination once by jumping to the next greater one in the index."""
    only = [Event.status == status] if status is not None else []
    columns = [getattr(Event, name) for name in FACETS]
    first = select(*columns).where(*only).order_by(*columns).limit(1).subquery()
    met = select(*first.c).cte("met", recursive=True)
    further = aliased(Event)
    ahead = [getattr(further, name) for name in FACETS]
    greater = select(*ahead).where(tuple_(*ahead) > tuple_(*met.c)).order_by(*ahead)
    following = greater.limit(1).lateral("following")
    jumps = select(*following.c).select_from(met.join(following, literal(True)))
    if status is not None:
        # Said of the combination that was met last: of the next, it would keep the index from
        # being entered at the right place.
        jumps = jumps.where(met.c.status == status)
    met = met.union_all(jumps)
    return select(*met.c)


def _named(session: Session, wanted: Filter) -> list[ColumnElement[bool]] | None:
    """The conditions that name something; None when there are none."""
    found: list[ColumnElement[bool]] = []
    if wanted.account is not None:
        found.append(Event.account_id == _account(session, wanted.account))
    if wanted.order is not None:
        found.append(Event.order_id == wanted.order)
    if wanted.error is not None:
        found.append(failed_as(session, Event.fingerprint, wanted.error))
    if wanted.q is not None:
        found.append(_search(session, wanted.q.strip()))
    return found or None


def _search(session: Session, text: str) -> ColumnElement[bool]:
    providers = {row["provider"] for row in facets(session)}
    # With each provider named, the unique key is the index.
    known_by = [
        and_(Event.provider == provider, Event.provider_event_id == text)
        for provider in sorted(providers)
    ]
    columns = (Event.payment, Event.order_id)
    owner = _account(session, text)
    return or_(
        *([Event.id == int(text)] if _is_number(text) else []),
        *known_by,
        *(begins(session, one, text, SHORTEST_BEGINNING) for one in columns),
        *([Event.account_id == owner] if owner else []),
    )


def failed_as(session: Session, fingerprint: Any, error: str) -> ColumnElement[bool]:
    """Whether a row failed as ``error`` says: exactly so, when that is known as a whole, lest a
    group take in another whose fingerprint goes on where its own ends."""
    if failures.is_known(session, error):
        return and_(fingerprint == error, fingerprint.is_not(None))
    return begins(session, fingerprint, error)


def begins(session: Session, one: Any, text: str, shortest: int = 0) -> ColumnElement[bool]:
    """Whether a column begins with ``text``, by its index; is ``text``, when that is shorter than
    ``shortest``."""
    if len(text) < shortest or not text:
        return and_(one == text, one.is_not(None))
    if session.get_bind().dialect.name == "postgresql":
        escaped = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        return and_(one.like(f"{escaped}%"), one.is_not(None))
    return and_(one.is_not(None), func.substr(one, 1, len(text)) == text)


def _account(session: Session, ref: str) -> int:
    """The number of an account, 0 when there is none."""
    return session.scalar(select(Account.id).where(Account.ref == ref)) or 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text[:20]) <= LARGEST_ID and len(text) < 20
