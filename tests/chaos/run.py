"""One run: accounts live through their months on a site, disturbed by faults or left in peace."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, func, select

from domain import clock, tokens
from domain.effects import Effect
from domain.inbox import FINISHED, Event
from domain.subscriptions import Subscription
from tests.chaos.faults import FAULTS, GENTLE, NEEDS_DISK
from tests.chaos.lives import Life
from tests.chaos.nursery import BEAT_S
from tests.chaos.outside import Outside
from tests.chaos.person import Failed, Person, Surroundings
from tests.chaos.site import HOSTS, KINDS, Site, connect, insist
from tests.chaos.trouble import Trouble, strike
from tests.keys import DATA_KEYS

BIRTH: Final = datetime(2027, 1, 15, 12, 0, 0, tzinfo=UTC)
PARTS: Final = (
    ("buy", timedelta(0)),
    ("change", timedelta(days=5)),
    ("renew", timedelta(days=30, hours=2)),
    ("renewed", timedelta(days=30, hours=6)),
    ("end", timedelta(days=31, hours=2)),
)
"""What happens when; the month that begins at birth ends 31 days later."""
QUIET_S: Final = 0.3
"""Nothing changes for so long: what is planned for later may come now."""
LEASES_S: Final = BEAT_S + 1.5
"""Somebody who is performing an effect and lives has extended its lease by then."""
STUCK_S: Final = 2.5
"""So long nobody has touched what is due: who should may have died, and what it held must end."""
STUCK_STEP: Final = timedelta(seconds=5)
FURTHEST: Final = timedelta(hours=2)
PATIENCE_S: Final = 240.0
"""For a part to come to rest, and a second more for each account."""
CROWD: Final = 6
"""So many act at once, and one more for every twenty accounts."""
SECRET_KEY: Final = "a-secret-key-of-the-campaign-0123456789"
MOST_DELAY_S: Final = 1.0


class Restless(Failed):
    """What was due did not come to an end."""


class Run:
    """``faults`` says how many strike in each part; none leaves everything in peace."""

    def __init__(
        self, site: Site, outside: Outside, name: str, lives: Sequence[Life], faults: int
    ) -> None:
        self.site, self.outside, self.name, self.faults = site, outside, name, faults
        self.dice = random.Random(name)  # noqa: S311 - to be repeated
        site.hourglass.travel(BIRTH)
        environ = {
            **outside.environ,
            "BILLHOOK_SECRET_KEY": SECRET_KEY,
            "BILLHOOK_DATA_KEYS": DATA_KEYS,
        }
        self.database = connect(site.begin(name, environ))
        world = outside.world
        self.around = Surroundings(site.front, world.base_url, world.credentials, self.database)
        with self.database.transaction() as session:
            _, self.around.token = tokens.create(session, "app", "chaos")
        world.deliver_to(site.front)
        self.people = [Person(self.around, life, number) for number, life in enumerate(lives)]
        self.struck: Counter[str] = Counter()
        self.log: list[str] = []
        self.failures: list[str] = []

    def play(self) -> None:
        """Live all parts; what went wrong on the way stands in ``failures``."""
        ended = threading.Event()
        supervisor = threading.Thread(target=self._supervise, args=(ended,), daemon=True)
        supervisor.start()
        try:
            for part, after in PARTS:
                self.site.hourglass.travel(BIRTH + after)
                self._live(part)
        except Failed as failed:
            self.failures.append(str(failed))
        finally:
            ended.set()
            supervisor.join()

    def close(self) -> None:
        """Forget the run."""
        self.outside.world.faults.clear()
        self.site.mend()
        self.database.dispose()
        self.around.http.clear()
        self.site.end(self.name)

    def _supervise(self, ended: threading.Event) -> None:
        """Start again whatever ended, as a supervisor does."""
        while not ended.is_set():
            for host in HOSTS:
                for kind in KINDS:
                    self.site.start((host, kind), self.name)
            ended.wait(0.3)

    def _live(self, part: str) -> None:
        acts: list[Future[None]] = []
        at_once = CROWD + len(self.people) // 20
        with ThreadPoolExecutor(at_once, thread_name_prefix="crowd") as crowd:
            shuffled = self.dice.sample(self.people, len(self.people))
            acts += [crowd.submit(p.act, part) for p in shuffled if part in p.life.acts]
            try:
                self._disturb(part)
                self.site.mend()
                self.outside.world.faults.clear()
                self._settle(part, lambda: all(act.done() for act in acts))
            finally:
                self.around.patience_over = time.monotonic() + 5
        self.around.patience_over = None
        for act in acts:
            if error := act.exception():
                self.failures.append(f"{part}: {type(error).__name__}: {error}")

    def _disturb(self, part: str) -> None:
        for number in range(self.faults):
            time.sleep(self.dice.uniform(0, MOST_DELAY_S))
            chosen = [self._choose(FAULTS)]
            if self.dice.random() < 0.4:
                chosen.append(self._choose({each: FAULTS[each] for each in GENTLE}))
            threads = [
                threading.Thread(target=self._strike, args=(fault, f"{part}-{number}-{n}"))
                for n, fault in enumerate(chosen)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _choose(self, table: dict[Any, int]) -> Any:
        known = {
            fault: weight
            for fault, weight in table.items()
            if fault is not NEEDS_DISK or self.site.disk is not None
        }
        return self.dice.choices(list(known), list(known.values()))[0]

    def _strike(self, fault: Callable[..., Any], label: str) -> None:
        name = fault.__name__
        self.log.append(f"{label} {name}")
        self.struck[name] += 1
        luck = random.Random(f"{self.name}-{label}")  # noqa: S311 - to be repeated
        try:
            strike(fault, Trouble(self.site, self.outside, luck, self.name))
        except Exception as error:  # noqa: BLE001 - the campaign's own trouble, told as such
            self.failures.append(f"fault {label} {name}: {type(error).__name__}: {error}")

    def _settle(self, part: str, acted: Callable[[], bool]) -> None:
        """Let time pass until everybody acted, all is delivered, and nothing is due or planned."""
        deadline, passed = time.monotonic() + PATIENCE_S + len(self.people), timedelta(0)
        before: Any = None
        since, calm = time.monotonic(), False
        while True:
            left: list[Any] = insist(self._unfinished)
            if not left and acted() and self.outside.world.courier.settle(0.05):
                if calm:
                    return
                calm = True
                time.sleep(0.1)
                continue
            calm = False
            if left != before:
                before, since = left, time.monotonic()
            ahead = _ahead(left, time.monotonic() - since)
            if timedelta(0) < ahead and passed + ahead < FURTHEST:
                self.site.hourglass.advance(ahead)
                passed += ahead
                since = time.monotonic()
            if time.monotonic() > deadline:
                raise Restless(f"{part} does not come to rest: {left[:10]}")
            time.sleep(0.1)

    def _unfinished(self) -> list[tuple[str, datetime]]:
        """What is not done yet, and when it will be tried."""
        with self.database.transaction() as session:
            events = session.execute(
                select(Event.id, Event.status, Event.attempts, Event.note, Event.next_attempt_at)
                .where(Event.status.not_in(FINISHED), ~_nobodys())
                .order_by(Event.id)
            ).all()
            effects = session.execute(
                select(
                    Effect.kind, Effect.status, Effect.attempts, Effect.note, Effect.next_attempt_at
                )
                .where(Effect.status.not_in(("done", "skipped")), ~_patient())
                .order_by(Effect.id)
            ).all()
            due = session.scalar(
                select(func.count())
                .select_from(Subscription)
                .where(Subscription.next_due_at <= clock.now())
            )
        never = datetime.max.replace(tzinfo=UTC)
        told = [
            (f"{one} {two} {three} {four}", at or never)
            for one, two, three, four, at in [*events, *effects]
        ]
        return [*told, (f"{due} subscriptions", clock.now())] if due else told


def _ahead(left: list[tuple[str, datetime]], quiet_s: float) -> timedelta:
    """By how much time may pass when nothing has changed for so long: until the next try, but the
    leases of the living must not end; a little, when nobody tries what is due."""
    if not left:
        return timedelta(0)
    wait = LEASES_S if any(" running " in what for what, _ in left) else QUIET_S
    ahead = min(moment for _, moment in left) - clock.now()
    if ahead <= timedelta(0):
        return STUCK_STEP if quiet_s > max(wait, STUCK_S) else timedelta(0)
    return ahead if quiet_s > wait else timedelta(0)


def _patient() -> Any:
    """A page for a new method that nobody used is looked at for hours, and then forgotten."""
    later = Effect.next_attempt_at > clock.now() + timedelta(hours=1)
    return and_(Effect.kind == "complete_method_entry", Effect.status == "waiting", later)


def _nobodys() -> Any:
    """A card that a provider saved for a subscription of its own is nobody's to us: the event is
    looked at again for hours, and then ignored."""
    later = Event.next_attempt_at > clock.now() + timedelta(minutes=30)
    return and_(Event.type == "payment_method.attached", Event.status == "unmatched", later)
