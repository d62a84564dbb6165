"""Keeps the counts of the webhook calls: from memory into the database, every few seconds."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Final

import structlog

from domain import telemetry, traffic
from domain.database import Database
from webhooks.providers import Registry
from webhooks.providers.provider import Expiring

EVERY_S: Final = 5.0
"""So often at most is anything written, however much is sent."""
CLOSING_S: Final = 1.0

log = structlog.get_logger()


class TrafficLog:
    """One process's counts and the thread that stores them."""

    def __init__(self, database: Database, providers: Registry) -> None:
        self.counter = traffic.Counter()
        self._database = database
        self._providers = providers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def start(self) -> None:
        """Begin to store what is counted."""
        self._thread.start()

    def close(self) -> None:
        """Store what is left, unless the store hangs."""
        self._stop.set()
        self._thread.join(CLOSING_S)

    def store(self) -> None:
        """Store what was counted since the last time; what cannot be stored is kept."""
        taken = self.counter.take()
        if not taken:
            return
        trusted = {name: self._trusted_until(name) for name in taken}
        try:
            with self._database.transaction() as session:
                traffic.add(session, taken, trusted)
        except Exception as error:  # noqa: BLE001 - it is judged by these counts, nothing hangs on them
            self.counter.give_back(taken)
            log.info("traffic_not_stored", error=type(error).__name__)
            return
        for provider, counts in taken.items():
            telemetry.calls_judged(
                provider,
                authentic=counts.accepted,
                refused=counts.refused,
                unverified=counts.unverified,
            )

    def _trusted_until(self, name: str) -> datetime | None:
        verifier: object = self._providers[name].verifier
        return verifier.trusted_until() if isinstance(verifier, Expiring) else None

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.store()
        self.store()
