"""Runs that the clock wants again and again: each an effect, at most one planned at a time.

What a run did matters for a day; after that its row would only be in the way.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain import clock, effects, positions
from domain.effects import Effect
from domain.inbox import Attempt
from domain.positions import Position

KEPT: Final = 480
"""How many runs of one position are kept: a day's worth of those every three minutes."""


def want(session: Session, kind: str, position: Position) -> None:
    """Want the next run of a position that is locked."""
    run = positions.begin(position, clock.now())
    effects.want(session, kind, position.provider, cause(kind, run))
    _forget(session, kind, position.provider, run - KEPT)


def is_planned(session: Session, kind: str, position: Position) -> bool:
    """Whether the last run is still to come to its end."""
    effect = _effect(session, kind, position.provider, position.runs)
    return effect is not None and effect.status in effects.PLANNED


def cause(kind: str, run: int) -> str:
    """The cause of a run's effect."""
    return f"{kind}:{run}"


def _effect(session: Session, kind: str, provider: str, run: int) -> Effect | None:
    statement = select(Effect).where(
        Effect.cause == cause(kind, run), Effect.kind == kind, Effect.target == provider
    )
    return session.scalar(statement)


def _forget(session: Session, kind: str, provider: str, run: int) -> None:
    effect = _effect(session, kind, provider, run)
    if effect is not None and effect.status == "done":
        session.execute(delete(Attempt).where(Attempt.effect_id == effect.id))
        session.delete(effect)
