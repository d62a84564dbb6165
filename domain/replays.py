"""Replays: many events, or failed effects, worked on again, for a reason, under watch.

A person chooses by filter and sees a count and a sample first. The first few are the canary: only
when they have passed do the others follow, at a steady rate, and the replay stops itself when too
many fail. What succeeded before succeeds again without harm: rules and effects know what is done.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import ForeignKey, Index, func, insert, literal, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import audit, clock, keeping, replay_filters, retention
from domain.audit import Decider
from domain.database import Base, BigId
from domain.errors import Refused
from domain.event_search import Filter
from domain.inbox import Event

MOST: Final = replay_filters.MOST
FEW: Final = 100
CANARY: Final = 10
MAX_ERRORS: Final = 10
RATE: Final = 100
AT_WORK: Final = ("planned", "running")
STOPPED: Final = ("stopped", "cancelled")
_OPEN: Final = text("state IN ('planned', 'running')")
_STARTED: Final = text("state = 'started'")

Subjects = Literal["events", "effects"]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be replayed, and how carefully.

    ``of`` events, or effects that failed. ``canary``: so many go first, alone. ``max_errors``:
    percent of failures at which it stops itself. ``rate``: how many are begun a second.
    """

    filter: Filter
    of: Subjects = "events"
    canary: int = CANARY
    max_errors: int = MAX_ERRORS
    rate: int = RATE


class Replay(Base):
    """One replay: ``planned → running → done``; ``stopped`` when it stopped itself, ``cancelled``
    when a person did: both can be resumed.

    ``started`` counts those begun so far, of which ``passed``, ``failed`` and ``skipped`` are
    settled. Each time it is resumed a new ``round`` begins, with a canary and an error rate of its
    own.
    """

    __tablename__ = "replays"
    __table_args__ = (Index("ix_replays_open", "id", postgresql_where=_OPEN, sqlite_where=_OPEN),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    of: Mapped[str]
    filter: Mapped[dict[str, Any]]
    reason: Mapped[str]
    actor: Mapped[str]
    state: Mapped[str]
    note: Mapped[str | None]
    """Why it stopped."""
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    canary: Mapped[int]
    max_errors: Mapped[int]
    rate: Mapped[int]
    total: Mapped[int]
    started: Mapped[int] = mapped_column(default=0)
    passed: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    round: Mapped[int] = mapped_column(default=1)
    round_started: Mapped[int] = mapped_column(default=0)
    round_settled: Mapped[int] = mapped_column(default=0)
    round_failed: Mapped[int] = mapped_column(default=0)

    @property
    def settled(self) -> int:
        """How many have come to an end."""
        return self.passed + self.failed + self.skipped

    @property
    def waiting(self) -> int:
        """How many were not begun yet."""
        return self.total - self.started

    @property
    def under_way(self) -> int:
        """How many were begun and have no result yet."""
        return self.started - self.settled

    @property
    def error_rate(self) -> float | None:
        """Percent of failures among those settled in this round; None before the first."""
        return 100 * self.round_failed / self.round_settled if self.round_settled else None


class ReplayItem(Base):
    """One event or effect of a replay: ``waiting → started → passed | failed | skipped``."""

    __tablename__ = "replay_items"
    __table_args__ = (
        Index("ix_replay_items_state", "replay_id", "state", "position"),
        Index(
            "ix_replay_items_started", "replay_id", postgresql_where=_STARTED, sqlite_where=_STARTED
        ),
    )

    replay_id: Mapped[int] = mapped_column(ForeignKey("replays.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject_id: Mapped[int]
    """The number of the event, or of the effect."""
    state: Mapped[str]
    note: Mapped[str | None]
    round: Mapped[int | None]
    """The round in which it was begun."""
    started_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


def create(session: Session, plan: Plan, by: Decider) -> Replay:
    """Plan a replay of everything that the filter finds now, the oldest first.

    Raises ``Refused`` for a filter that finds nothing, everything or too much, and for a missing
    reason.
    """
    audit.needs_reason(by)
    chosen = replay_filters.chosen(session, plan.filter, plan.of, MOST + 1)
    replay = _plan(plan, by)
    session.add(replay)
    session.flush()
    replay.total = _enlist(session, replay, chosen)
    _check_count(replay)
    _check_payloads(session, replay)
    details: dict[str, Any] = {"of": plan.of, "filter": replay.filter, "count": replay.total}
    audit.record(session, by, "replay", "replay", replay.id, account_id=None, **details)
    return replay


def cancel(session: Session, replay_id: int, by: Decider) -> Replay:
    """Begin no more of it; what is under way comes to its end. Raises ``Refused``."""
    audit.needs_reason(by)
    replay = find(session, replay_id, lock=True)
    if replay.state not in AT_WORK:
        raise Refused(
            "replay_not_running",
            f"Replay {replay_id} is {replay.state}; only one that is planned or running can be "
            "cancelled.",
            number=replay_id,
            state=replay.state,
        )
    replay.state, replay.note = "cancelled", f"cancelled by {by.actor}: {by.reason.strip()}"
    audit.record(session, by, "cancel", "replay", replay.id)
    return replay


def resume(session: Session, replay_id: int, by: Decider) -> Replay:
    """Go on with a replay that was stopped or cancelled, with a canary again and the failures so
    far forgiven. Raises ``Refused``."""
    audit.needs_reason(by)
    replay = find(session, replay_id, lock=True)
    if replay.state not in STOPPED:
        raise Refused(
            "replay_not_stopped",
            f"Replay {replay_id} is {replay.state}; only one that stopped or was cancelled can be "
            "resumed.",
            number=replay_id,
            state=replay.state,
        )
    replay.state, replay.note, replay.finished_at = "running", None, None
    replay.round += 1
    replay.round_started = replay.round_settled = replay.round_failed = 0
    audit.record(session, by, "resume", "replay", replay.id)
    return replay


def find(session: Session, replay_id: int, *, lock: bool = False) -> Replay:
    """The replay of that number. Raises ``Refused`` (404)."""
    replay = session.get(Replay, replay_id, with_for_update=lock or None, populate_existing=lock)
    if replay is None:
        said = f"There is no replay {replay_id}."
        raise Refused("replay_unknown", said, status=404, number=replay_id)
    return replay


def page(session: Session, limit: int, before: int | None = None) -> list[Replay]:
    """Up to ``limit`` replays, newest first, older than the replay ``before``."""
    statement = select(Replay)
    if before is not None:
        statement = statement.where(Replay.id < before)
    return list(session.scalars(statement.order_by(Replay.id.desc()).limit(limit)))


def items(
    session: Session,
    replay_id: int,
    limit: int,
    after: int | None = None,
    *,
    state: str | None = None,
) -> list[ReplayItem]:
    """Up to ``limit`` items in their order, behind the position ``after``."""
    statement = select(ReplayItem).where(
        ReplayItem.replay_id == replay_id, ReplayItem.position > (after or 0)
    )
    if state is not None:
        statement = statement.where(ReplayItem.state == state)
    return list(session.scalars(statement.order_by(ReplayItem.position).limit(limit)))


def _plan(plan: Plan, by: Decider) -> Replay:
    return Replay(
        of=plan.of,
        filter=msgspec.to_builtins(plan.filter),
        reason=by.reason.strip(),
        actor=by.actor,
        state="planned",
        created_at=clock.now(),
        canary=plan.canary,
        max_errors=plan.max_errors,
        rate=plan.rate,
        total=0,
    )


def _enlist(session: Session, replay: Replay, chosen: Any) -> int:
    """Write the items in one statement; returns how many there are."""
    if chosen is None:
        return 0
    found = chosen.subquery()
    # By name: lists of events and of effects have their columns in different orders.
    number = found.c.id
    order = *(column for column in found.c if column is not number), number
    position = func.row_number().over(order_by=order)
    rows = select(literal(replay.id, BigId), position, number, literal("waiting"))
    columns = ["replay_id", "position", "subject_id", "state"]
    session.execute(insert(ReplayItem).from_select(columns, rows))
    mine = select(func.count()).where(ReplayItem.replay_id == replay.id)
    return session.scalar(mine) or 0


def _check_count(replay: Replay) -> None:
    if replay.total == 0:
        raise Refused(
            "nothing_to_replay",
            "The filter finds nothing that could be replayed; events in quarantine never are.",
        )
    if replay.total > MOST:
        raise Refused(
            "replay_too_large",
            f"The filter finds more than {MOST} {replay.of}; narrow it, for example by "
            "received_from and received_to, and replay one part after the other.",
            most=MOST,
        )


def _check_payloads(session: Session, replay: Replay) -> None:
    """Of more than a few the replay says by itself which it had to leave out."""
    if replay.of != "events" or replay.total > FEW:
        return
    numbers = select(ReplayItem.subject_id).where(ReplayItem.replay_id == replay.id)
    found = session.scalars(select(Event).where(Event.id.in_(numbers))).all()
    if len(retention.without_payload(session, found)) < replay.total:
        return
    setting = keeping.variable("payloads")
    raise Refused(
        "payload_dropped",
        f"What the provider sent was dropped by age ({setting}), and an event cannot be worked "
        "again without it.",
        setting=setting,
    )
