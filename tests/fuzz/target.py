"""What is fuzzed: a whole Billhook with accounts that have paid, and its genuine deliveries.

Cases go through the real endpoint; whatever was let in is worked by the real worker.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

import msgspec
import urllib3
from sqlalchemy import func, select

from domain import clock, invariants, payloads
from domain.database import Database
from domain.inbox import Attempt, Event
from domain.payments import Payment
from domain.settings import Settings
from tests.contract.participants import PARTICIPANTS, words_of
from tests.fuzz.mutations import spoilt_body, spoilt_headers
from webhooks.sandbox.world import World
from workers.embedded import Embedded
from workers.stories.library import STORIES
from workers.stories.stage import Stage

TOLD: Final = (
    *("first-purchase-card", "first-purchase-wallet", "renewal-recovers", "wallet-renewal"),
    *("refund-in-time", "dispute-won", "stripe-billing", "paypal-subscription"),
)
"""The stories whose deliveries are spoilt."""
PROVIDERS: Final = ("stripe", "paypal")
ON_PURPOSE: Final = ("NotYet", "Permanent", "Transient", "Unknown", "StoreUnavailable")
"""Errors that the code raises on purpose: any other kind is a crash, however well contained."""
CALLS_PER_SOURCE: Final = 50
"""Before an address is told to slow down. On Linux every 127.x.y.z is ours to call from."""
HOLDS_MONEY: Final = ("paypal_capture", "paypal_sale")
SIGNED: Final = {200}
UNSIGNED: Final = {200, 202, 400, 413, 429}


class Finding(AssertionError):
    """Something that must not happen; the message says what and how to see it again."""


@dataclass
class Target:
    """A running Billhook, and what its providers once sent."""

    billhook: Embedded
    world: World
    genuine: dict[str, list[bytes]]
    answers: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    _http: urllib3.PoolManager | None = None

    @property
    def database(self) -> Database:
        """Its database."""
        return self.billhook.runtime.database

    def post(self, provider: str, body: bytes, headers: dict[str, str]) -> int:
        """Deliver; returns the status."""
        sent = {name: value.encode("utf-8").decode("latin-1") for name, value in headers.items()}
        url = f"{self.billhook.base_url}/webhooks/{provider}"
        answer = self._caller().request(
            "POST", url, body=body, headers={"content-type": "application/json", **sent}
        )
        self.answers[f"{provider} {answer.status}"] += 1
        if answer.status >= 500:
            raise Finding(f"{provider} answered {answer.status}: {answer.data[:300]!r}")
        return answer.status

    def _caller(self) -> urllib3.PoolManager:
        """A client whose address has not used up its tries at what cannot be verified."""
        if self._http is None or self.calls % CALLS_PER_SOURCE == 0:
            number = self.calls // CALLS_PER_SOURCE
            source = f"127.{1 + number // 65_536}.{number // 256 % 256}.{number % 256}"
            address = (source, 0) if sys.platform == "linux" else None
            self._http = urllib3.PoolManager(timeout=30, retries=False, source_address=address)
        self.calls += 1
        return self._http

    def states(self) -> dict[str, int]:
        """How many events are in each state."""
        with self.database.transaction() as session:
            counts = select(Event.status, func.count()).group_by(Event.status)
            return {row[0]: row[1] for row in session.execute(counts)}

    def authentic(self) -> int:
        """How many events were believed to be a provider's."""
        with self.database.transaction() as session:
            statement = select(func.count()).select_from(Event)
            # The worker dismisses what turns out to be forged whenever it gets to it.
            doubted = ("quarantined", "dismissed")
            return session.scalar(statement.where(Event.status.not_in(doubted))) or 0


def signed_case(target: Target, random: Random) -> None:
    """A spoilt body under a right signature: taken, and worked without a crash.

    Only a body above the limit is refused.
    """
    provider = random.choice(PROVIDERS)
    body = _renamed(random, random.choice(target.genuine[provider]))
    body = spoilt_body(random, body, words_of(provider))
    headers = dict(PARTICIPANTS[provider].sign(target.world, body))
    status = target.post(provider, body, headers)
    if status not in SIGNED:
        raise Finding(f"{provider}: a signed body was answered {status}: {body[:300]!r}")


def unsigned_case(target: Target, random: Random) -> None:
    """Something does not belong to the signature: nothing is believed."""
    provider = random.choice(PROVIDERS)
    body = random.choice(target.genuine[provider])
    headers = dict(PARTICIPANTS[provider].sign(target.world, body))
    before = target.authentic()
    sent_body, sent_headers = body, headers
    if random.random() < 0.5:
        sent_body = spoilt_body(random, body, words_of(provider))
    if sent_body == body:
        sent_headers = spoilt_headers(random, headers)
    status = target.post(provider, sent_body, sent_headers)
    if sent_body == body and _same(headers, sent_headers):
        return
    if status not in UNSIGNED:
        raise Finding(f"{provider}: an unsigned call was answered {status}")
    if status == 200 and target.authentic() != before:
        raise Finding(f"{provider}: believed without a right signature: {sent_headers}")


def check(target: Target) -> None:
    """Work what was let in and see that nothing crashed and nothing was believed too much.

    Raises ``Finding``.
    """
    stage = Stage(target.billhook)
    stage.settle()
    _no_crash(target)
    _no_invented_money(target)
    broken = _broken(target)
    if broken:
        raise Finding(f"invariants: {broken[:3]}")


def _no_crash(target: Target) -> None:
    with target.database.transaction() as session:
        rows = session.execute(
            select(Attempt.error, Attempt.traceback, Attempt.event_id).where(
                Attempt.error.is_not(None)
            )
        )
        for error, traceback, event_id in rows:
            if traceback and not (error or "").startswith(ON_PURPOSE):
                event = session.get(Event, event_id) if event_id else None
                body = ((payloads.body(session, event) if event else None) or b"")[:2_000]
                raise Finding(f"event {event_id}: {error}\n{traceback}\n{body!r}")


def _no_invented_money(target: Target) -> None:
    """PayPal's signature binds a body by a sum alone: its money is believed from its API only."""
    with target.database.transaction() as session:
        ours = session.scalars(
            select(Payment.reference).where(
                Payment.provider == "paypal", Payment.state == "succeeded"
            )
        ).all()
    store = target.world.store
    known = {each["id"] for kind in HOLDS_MONEY for each in store.all(kind)}
    for reference in ours:
        if reference not in known:
            raise Finding(f"payment {reference} is believed, and PayPal knows none of that id")


def _broken(target: Target) -> list[str]:
    with target.database.transaction() as session:
        found = invariants.broken(session, target.billhook.runtime.catalogue)
    return [f"{each.invariant}: {each.subject}: {each.detail}" for each in found]


def _same(one: dict[str, str], other: dict[str, str]) -> bool:
    return _proof(one) == _proof(other)


def _proof(headers: dict[str, str]) -> dict[str, str]:
    """What of the headers proves something: Stripe's v0 is a test scheme that nobody looks at, and
    the version of PayPal's signature is not signed."""
    return {
        name: ",".join(part for part in value.strip().split(",") if not part.startswith("v0="))
        for name, value in headers.items()
        if name != "paypal-auth-version"
    }


def _renamed(random: Random, body: bytes) -> bytes:
    """The event under an id of its own: else it would be told as a duplicate and left alone."""
    document = msgspec.json.decode(body)
    document["id"] = f"{document['id'][:20]}f{random.getrandbits(60)}"
    return msgspec.json.encode(document)


@contextmanager
def target_in(
    directory: Path, stories: tuple[str, ...] = TOLD, database_url: str | None = None
) -> Iterator[Target]:
    """A Billhook of its own in that directory, with the stories told; on SQLite, or on the empty
    database that is named."""
    settings = Settings(
        database_url=database_url or f"sqlite:///{directory / 'billhook.db'}",
        port=0,
        state_dir=directory,
        log_level="error",
        environ={},
    )
    billhook = Embedded(settings, sandbox_port=0, seed=11).start()
    clock.travel(clock.now() - timedelta(days=800))
    try:
        stage = Stage(billhook)
        for name in stories:
            STORIES[name](stage)
        if billhook.world is None:
            raise Finding("there is no sandbox to fuzz with")
        yield Target(billhook, billhook.world, _bodies(billhook.runtime.database))
    finally:
        billhook.stop()
        clock.reset()


def _bodies(database: Database) -> dict[str, list[bytes]]:
    with database.transaction() as session:
        told = session.scalars(select(Event).where(Event.delivery_id != "")).all()
        bodies = payloads.read(session, told)
    kept: dict[str, list[bytes]] = {name: [] for name in PROVIDERS}
    for event in told:
        body = bodies.get(event.id)
        if isinstance(body, bytes):
            kept[event.provider].append(body)
    return kept
