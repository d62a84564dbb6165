"""Keeps the leases of the effects that a worker is performing, for as long as it lives.

So a lease can be short: what a dead worker held is due again soon, and a call that takes long is
not made twice meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

import structlog
from sqlalchemy import and_, or_, update
from sqlalchemy.orm import Session

from domain import clock, effects
from domain.effects import Effect
from domain.errors import StoreUnavailable
from workers.runtime import Runtime

BEAT_S: Final = 5.0
"""A lease outlasts three beats that fail."""

log = structlog.get_logger()


class HeldEffects:
    """The claimed effects of one drain, kept from the beginning of the block to its end."""

    def __init__(
        self, runtime: Runtime, claimed: Sequence[Effect], beat_s: float | None = None
    ) -> None:
        self._runtime = runtime
        self._held = {effect.id: effect.attempts for effect in claimed}
        self._beat_s = BEAT_S if beat_s is None else beat_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="held-effects", daemon=True)

    def __enter__(self) -> Self:
        if self._held:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()

    def let_go(self, effect: Effect) -> None:
        """This one is recorded, or given up: its lease runs out by itself."""
        self._held.pop(effect.id, None)

    def _beat(self) -> None:
        while not self._over.wait(self._beat_s):
            try:
                self._extend()
            except StoreUnavailable as error:
                log.warning("store_unavailable", job="held_effects", reason=str(error))
            except Exception:
                # Then the leases run out, and whatever is not recorded is tried by others.
                log.exception("leases_not_kept")

    def _extend(self) -> None:
        held = dict(self._held)
        if held:
            with self._runtime.database.transaction() as session:
                _extend(session, held)


def _extend(session: Session, held: Mapping[int, int]) -> None:
    """By number and attempt: one that somebody else took over meanwhile is left alone."""
    own = (and_(Effect.id == number, Effect.attempts == tries) for number, tries in held.items())
    session.execute(
        update(Effect)
        .where(Effect.status == "running", or_(*own))
        .values(next_attempt_at=clock.now() + effects.LEASE)
        .execution_options(synchronize_session=False)
    )
