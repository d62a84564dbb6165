"""Finds events among millions: any filters together, the newest first, by keyset.

No combination may scan. Filters by columns with few values (``inbox.FACETS``) are answered from one
index (``domain.facets``). Filters that name something (an account, an order, a failure, a search)
find their rows by their own index, whatever else is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, and_, func, literal, or_, select, tuple_, union
from sqlalchemy.orm import Session

from domain import facets as narrowing
from domain import failures
from domain.accounts import Account
from domain.database import BigId, Instant
from domain.facets import Rows
from domain.inbox import FACETS, Event

SHORTEST_BEGINNING: Final = 12
"""From so many characters on, a search finds what begins with them: fewer would find millions."""
LARGEST_ID: Final = 2**63 - 1
_FACETS: Final = tuple(getattr(Event, name) for name in FACETS)
_ORDER: Final = (Event.received_at, Event.id)
_Conditions = Sequence[ColumnElement[bool]]


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
    ranked = _ranked(session, wanted, limit, span)
    if ranked is None:
        return None
    rows = ranked.subquery()
    return narrowing.in_order(
        select(rows.c.id, rows.c.received_at), [rows.c.received_at, rows.c.id], limit
    )


def facets(session: Session, given: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """Every combination of status, provider, type and origin that some event has."""
    return narrowing.existing(session, _FACETS, given)


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


def _ranked(session: Session, wanted: Filter, limit: int, span: _Conditions) -> Rows | None:
    """Numbers and times of the events, in order; None when there can be none."""
    given = _facets_of(wanted)
    narrow = [getattr(Event, name) == value for name, value in given.items()]
    if wanted.q is not None:
        return _searched(session, wanted.q.strip(), _named(session, wanted), narrow, span, limit)
    named = _named(session, wanted)
    if given and session.get_bind().dialect.name == "postgresql":
        there = facets(session, given)
        if not named or not there:
            return narrowing.newest(session, _FACETS, _ORDER, there, limit, span)
        # As whole combinations, so that their index can be met with that of what is named.
        same = tuple_(*_FACETS).in_([tuple(each[name] for name in FACETS) for each in there])
        narrow = [same]
    if named:
        return _by_name(named, narrow, span, limit)
    return narrowing.in_order(select(*_ORDER).where(*narrow, *span), _ORDER, limit)


def _facets_of(wanted: Filter) -> dict[str, str]:
    given = {name: getattr(wanted, name) for name in FACETS}
    return {name: value for name, value in given.items() if value is not None}


def _by_name(
    named: Mapping[str, ColumnElement[bool]], narrow: _Conditions, span: _Conditions, limit: int
) -> Rows:
    """The events of an account stand in their order in its index, and it may have very many; of
    anything else there are few, or they fail."""
    conditions = [*named.values(), *narrow, *span]
    if named.keys() == {"account"}:
        return narrowing.in_order(select(*_ORDER).where(*conditions), _ORDER, limit)
    return narrowing.sorted_apart(_ORDER, conditions, limit)


def _named(session: Session, wanted: Filter) -> dict[str, ColumnElement[bool]]:
    """The conditions that name something, by what they name; a search apart."""
    found: dict[str, ColumnElement[bool]] = {}
    if wanted.account is not None:
        found["account"] = Event.account_id == _account(session, wanted.account)
    if wanted.order is not None:
        found["order"] = Event.order_id == wanted.order
    if wanted.error is not None:
        found["error"] = failed_as(session, Event.fingerprint, wanted.error)
    return found


def _searched(
    session: Session,
    text: str,
    named: Mapping[str, ColumnElement[bool]],
    narrow: _Conditions,
    span: _Conditions,
    limit: int,
) -> Rows:
    """What is called so, and the events of the account that is."""
    called = {**named, "search": _search(session, text)}
    owner = _account(session, text)
    if not owner:
        return _by_name(called, narrow, span, limit)
    of_owner = Event.account_id == owner
    # Twice the account is once, or never.
    theirs = {**named, "owner" if "account" in named else "account": of_owner}
    each = (_by_name(one, narrow, span, limit).subquery() for one in (called, theirs))
    both = union(*(select(one.c.received_at, one.c.id) for one in each)).subquery()
    return narrowing.in_order(
        select(both.c.received_at, both.c.id), [both.c.received_at, both.c.id], limit
    )


def _search(session: Session, text: str) -> ColumnElement[bool]:
    providers = {row["provider"] for row in facets(session)}
    # With each provider named, the unique key is the index.
    known_by = [
        and_(Event.provider == provider, Event.provider_event_id == text)
        for provider in sorted(providers)
    ]
    columns = (Event.payment, Event.order_id)
    return or_(
        *([Event.id == int(text)] if _is_number(text) else []),
        *known_by,
        *(begins(session, one, text, SHORTEST_BEGINNING) for one in columns),
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
