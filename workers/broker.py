"""The queue, which is only a doorbell: Dramatiq on Redis (Valkey), or in the process.

Light: the web process imports it and no jobs. A ring is sent by a thread of its own, so that a
queue that is away never delays or fails an answer; equal rings that wait are one ring.
"""

from __future__ import annotations

import threading
from typing import Any, Final
from urllib.parse import urlsplit

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, ShutdownNotifications, TimeLimit
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

QUEUES: Final = {
    "process_events": "events",
    "perform_effects": "effects",
    "run_trials": "events",
}
"""Every job and the queue that its rings go to."""
NAMESPACE: Final = "billhook"
RING_AGE_MS: Final = 10 * 60_000
"""An old ring says nothing: the sweeper has rung since. Not shorter: to a worker whose clock is
ahead of the others' every ring seems old."""
JOB_LIMIT_MS: Final = 15 * 60_000
MAINTENANCE_CHANCE: Final = 100_000
"""Of a million fetches: how often a worker looks for rings that a dead one held. The default
takes minutes to notice; the sweeper would ring again anyway."""
HEARTBEAT_TIMEOUT_MS: Final = 30_000
BREATH_S: Final = 0.02
"""How long after a ring the next one waits, so that under load one ring stands for many."""
STOP_S: Final = 1.0
"""How long the end of a process waits for the last rings."""

log = structlog.get_logger()


def make_broker(redis_url: str | None) -> dramatiq.Broker:
    """A broker with our queues declared; in the process when there is no Redis."""
    middleware = [
        # A ring that waited longer than this is worth nothing.
        AgeLimit(max_age=RING_AGE_MS),
        # No Retries: what is due stands in the database, and the sweeper rings again.
        TimeLimit(time_limit=JOB_LIMIT_MS),
        ShutdownNotifications(),
    ]
    broker: dramatiq.Broker
    if redis_url is None:
        broker = StubBroker(middleware=middleware)
    else:
        broker = RedisBroker(  # type: ignore[no-untyped-call]
            client=redis_client(redis_url),
            middleware=middleware,
            namespace=NAMESPACE,
            maintenance_chance=MAINTENANCE_CHANCE,
            heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        )
    for queue in QUEUES.values():
        broker.declare_queue(queue)
    return broker


class _Client(redis.Redis):
    """Tells a queue that hangs as one that is gone: Dramatiq takes nothing else for an outage, and
    calls a timeout an unexpected error."""

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """One command. Raises ``redis.ConnectionError`` also when no answer came in time."""
        try:
            return super().execute_command(*arguments, **options)  # type: ignore[no-untyped-call]
        except redis.TimeoutError as error:
            raise redis.ConnectionError(str(error)) from error


def redis_client(url: str) -> Any:
    """A client that gives up quickly. ``redis+sentinel://host:port,host:port/service/db`` asks
    the sentinels for the master."""
    quick: dict[str, Any] = {
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        "retry": Retry(NoBackoff(), 1),
    }
    parts = urlsplit(url)
    if parts.scheme != "redis+sentinel":
        return _Client.from_url(url, **quick)
    hosts = [_host(each) for each in parts.netloc.rpartition("@")[2].split(",")]
    service, _, number = parts.path.strip("/").partition("/")
    sentinel = Sentinel(hosts, socket_timeout=1)  # type: ignore[no-untyped-call]
    return sentinel.master_for(  # type: ignore[no-untyped-call]
        service or "mymaster",
        redis_class=_Client,
        db=int(number or 0),
        password=parts.password,
        **quick,
    )


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port or 26379)


class QueueBell:
    """Rings by putting a message into the job's queue, from a thread of its own."""

    def __init__(self, broker: dramatiq.Broker) -> None:
        self._broker = broker
        self._pending: set[str] = set()
        self._wake = threading.Condition()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def ring(self, job: str) -> None:
        """Ask for ``job`` to be run soon."""
        with self._wake:
            self._pending.add(job)
            self._wake.notify()

    def stop(self) -> None:
        """Send what is pending and end the thread."""
        with self._wake:
            self._ended.set()
            self._wake.notify()
        self._thread.join(timeout=STOP_S)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._pending and not self._ended.is_set():
                    self._wake.wait()
                jobs, self._pending = sorted(self._pending), set()
            for job in jobs:
                self._send(job)
            if self._ended.wait(BREATH_S) and not self._pending:
                return

    def _send(self, job: str) -> None:
        try:
            message: dramatiq.Message[Any] = dramatiq.Message(
                queue_name=QUEUES[job], actor_name=job, args=(), kwargs={}, options={}
            )
            self._broker.enqueue(message)
        except Exception as error:  # noqa: BLE001 - a lost ring is made up for by the sweeper
            log.warning("ring_lost", job=job, error=type(error).__name__)


def queue_answers(broker: dramatiq.Broker) -> bool:
    """Whether the queue can be reached now."""
    if not isinstance(broker, RedisBroker):
        return True
    try:
        return bool(broker.client.ping())
    except redis.RedisError:
        return False
