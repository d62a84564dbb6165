"""The way in: a name and a password become a session, a limited number of times.

Three limits, each a rate with some tries in hand: by network, by name from one network, and by
name from networks that the person never signed in from. So nobody guesses for long, and nobody can
keep a person out who comes from where they always come from. Unknown and disabled names are limited
like others and take as long as a wrong password: nothing tells which names exist.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address
from typing import Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import audit, clock, operator_sessions, operators
from domain.audit import Decider
from domain.database import Base, Database, insert_once
from domain.errors import Refused
from domain.operator_sessions import OperatorSession
from domain.operators import Operator

KEPT_FOR: Final = timedelta(minutes=1)
"""How long an unused limit is kept: nobody may be about to lock a row that goes."""
KNOWN_FOR: Final = timedelta(days=90)
"""How long a network is remembered as one that a person signs in from."""


class SignInLimit(Base):
    """How much of one limit is used: ``free_at`` is when it is unused again."""

    __tablename__ = "sign_in_limits"

    key: Mapped[str] = mapped_column(primary_key=True)
    free_at: Mapped[datetime] = mapped_column(index=True)


class Limit(msgspec.Struct, frozen=True):
    """At most ``burst`` tries in hand, one more every ``every``."""

    key: str
    burst: int
    every: timedelta


class TooManyTries(Refused):
    """A limit is used up; ``wait`` is how long until the next try."""

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, round(wait.total_seconds()))
        super().__init__(
            "too_many_tries",
            f"Too many attempts to sign in. Try again in {seconds} seconds.",
            status=429,
        )
        self.seconds = seconds


def sign_in(
    database: Database, name: str, password: str, source: str | None, agent: str
) -> tuple[str, Operator] | None:
    """The secret of a new session and whose it is; None for a wrong name or password, or a
    disabled operator.

    Raises ``TooManyTries``. Takes a fifth of a second, so call it in a thread.
    """
    name = operators.clean_name(name)[: operators.LONGEST_PASSWORD]
    operator, limits = take_try(database, name, source)
    if not operators.password_fits(password, operator.password_hash if operator else None):
        return None
    if operator is None or operator.disabled_at is not None:
        return None
    with database.transaction() as session:
        session.execute(delete(SignInLimit).where(SignInLimit.key == limits[0].key))
        secret = operator_sessions.begin(session, operator, source, agent)
        who = Decider(actor=f"{operator.role}:{operator.name}", source=source)
        audit.record(session, who, "sign_in", "operator", operator.name)
    return secret, operator


def take_try(
    database: Database, name: str, source: str | None
) -> tuple[Operator | None, Sequence[Limit]]:
    """Take one try at a password, before it is looked at: else many at once would all pass.

    Returns whose password it is and the limits. Raises ``TooManyTries``.
    """
    with database.transaction() as session:
        # In a transaction of its own: held together with the limits below it could deadlock.
        session.execute(delete(SignInLimit).where(SignInLimit.free_at < clock.wall() - KEPT_FOR))
    with database.transaction() as session:
        operator = session.scalar(select(Operator).where(Operator.name == name))
        limits = _limits(session, operator, name, network_of(source))
        _spend(session, limits)
    return operator, limits


def network_of(source: str | None) -> str:
    """The network that a source counts as: an IPv4 address, or the /64 of an IPv6 address."""
    if source is None or ":" not in source:
        return source or "unknown"
    try:
        return IPv6Address(source.partition("%")[0]).packed[:8].hex()
    except ValueError:
        return source


def _limits(
    session: Session, operator: Operator | None, name: str, network: str
) -> Sequence[Limit]:
    limits = [
        Limit(_key("name and network", name, network), 5, timedelta(minutes=1)),
        Limit(_key("network", network), 20, timedelta(seconds=20)),
    ]
    if operator is None or not _known(session, operator, network):
        limits.append(Limit(_key("name", name), 30, timedelta(seconds=30)))
    return limits


def _known(session: Session, operator: Operator, network: str) -> bool:
    sources = session.scalars(
        select(OperatorSession.source)
        .where(
            OperatorSession.operator_id == operator.id,
            OperatorSession.created_at > clock.wall() - KNOWN_FOR,
        )
        .distinct()
    )
    return network in {network_of(source) for source in sources}


def _spend(session: Session, limits: Sequence[Limit]) -> None:
    """Take one try of each limit, or none of any. Raises ``TooManyTries``."""
    now = clock.wall()
    # In the order of their keys: opposite orders deadlock.
    rows = {limit.key: _row(session, limit, now) for limit in sorted(limits, key=lambda x: x.key)}
    waits = []
    for limit in limits:
        used = max(rows[limit.key].free_at, now) - now
        waits.append(used + limit.every - limit.burst * limit.every)
        rows[limit.key].free_at = now + used + limit.every
    if (longest := max(waits)) > timedelta(0):
        raise TooManyTries(longest)


def _row(session: Session, limit: Limit, now: datetime) -> SignInLimit:
    insert_once(session, SignInLimit, key=limit.key, free_at=now)
    return session.scalars(
        select(SignInLimit).where(SignInLimit.key == limit.key).with_for_update()
    ).one()


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
