"""The long-running processes: web, worker, clock, and all of them in one (embedded)."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

import structlog
import uvicorn
from dramatiq import Worker

from domain import data_keys, telemetry
from domain.database import Database
from domain.errors import Misconfigured
from domain.keyring import SETTING
from domain.schema import require_schema
from domain.settings import Settings
from webhooks.callers import BoundedCallers
from workers import broker as queue
from workers import postman, precedence, sinks
from workers.broker import QueueBell
from workers.clock import Clock
from workers.heart import Heart
from workers.listening import bind
from workers.runtime import Runtime, build, install

STOP_TIMEOUT_MS = 7_500
"""Every process has 10 s to end after SIGTERM (CONTRACT, Processes), whatever hangs."""
GRACEFUL_S = 7
"""How long web lets its calls end; the intake's own end comes after it."""
CONNECTIONS = 2_000
"""Each may hold some 100 kB before anybody has read from it."""
FETCH_TIMEOUT_MS = 100
"""An idle worker starts a job after a third of this; Dramatiq's default takes half a second."""

log = structlog.get_logger()


def start_logging(settings: Settings, runtime: Runtime) -> None:
    """Configure the logs with every secret that the process knows."""
    urls = filter(None, (settings.database_url, settings.redis_url))
    secrets = [*settings.secrets(), *filter(None, (urlsplit(url).password for url in urls))]
    for provider in runtime.providers:
        secrets.extend(provider.configuration.secrets())
    telemetry.configure_logging(settings.log_format, settings.log_level, secrets)


def require_keys(database: Database) -> None:
    """Raise ``Misconfigured`` unless every master key is there that something hangs on; without
    any, say in the log what that means."""
    with database.transaction() as session:
        data_keys.enroll(session, database.ring)
    if database.ring is None:
        log.warning("personal_data_stored_plain", way_out=f"set {SETTING}: billhook keys make")


def require_signing_key(settings: Settings) -> None:
    """Raise ``Misconfigured`` unless there is a key to sign the console's sessions with."""
    if settings.secret_key is None:
        raise Misconfigured(
            "BILLHOOK_SECRET_KEY is not set: it signs the console's sessions; set it to 32 random "
            "characters or more, the same for every web process"
        )


def web_app(settings: Settings) -> Any:
    """The web application with its bell; loads no jobs and no SDK."""
    from webhooks.api.parts import Services
    from webhooks.app import create_app

    require_signing_key(settings)
    broker = queue.make_broker(settings.redis_url)
    runtime = build(settings, QueueBell(broker))
    start_logging(settings, runtime)
    require_schema(runtime.database)
    require_keys(runtime.database)
    Heart(runtime, "web").start()
    services = Services(
        settings=settings,
        database=runtime.database,
        providers=runtime.providers,
        catalogue=runtime.catalogue,
        bell=runtime.bell,
    )
    return create_app(services, lambda: queue.queue_answers(broker))


def run_web(settings: Settings) -> None:
    """Serve HTTP until SIGTERM."""
    app = web_app(settings)
    listener = bind(settings.host, settings.port, "PORT")
    host, port = listener.getsockname()[:2]
    log.info("web_started", at=f"{host}:{port}")
    # uvicorn answers what runs, and then sends itself the signal again: an end in order.
    signal.signal(signal.SIGTERM, _end_in_order)
    uvicorn.Server(server_config(app, settings.host, settings.port)).run(sockets=[listener])


def _end_in_order(*_: object) -> None:
    """At once: a thread that hangs in the store must not keep the process alive."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def server_config(app: Any, host: str, port: int) -> uvicorn.Config:
    """How uvicorn serves: no access log (it would hold tokens and addresses), bounded shutdown,
    each answer in one piece, heads that come to an end, and a bounded number of connections, above
    which it answers 503 by itself."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_S,
        limit_concurrency=CONNECTIONS,
        http=BoundedCallers,
    )


class WorkerProcess:
    """A Dramatiq worker with our jobs, in this process."""

    def __init__(self, runtime: Runtime, broker: Any, threads: int) -> None:
        from workers import jobs

        install(runtime)
        jobs.declare(broker)
        self._worker = Worker(broker, worker_threads=threads, worker_timeout=FETCH_TIMEOUT_MS)

    def start(self) -> None:
        """Start the threads."""
        self._worker.start()

    def stop(self) -> None:
        """Finish the running jobs and end; what was not started goes back to the queue.

        Dramatiq waits that long for its workers and again for its consumers, which sleep while
        the queue is away: together they get no more than one span.
        """
        timeout = {"timeout": STOP_TIMEOUT_MS}
        ending = threading.Thread(target=self._worker.stop, kwargs=timeout, daemon=True)
        ending.start()
        ending.join(STOP_TIMEOUT_MS / 1000)
        if ending.is_alive():
            log.warning("worker_left_jobs", reason="they did not end in time and stay due")


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM."""
    precedence.give_way(settings.worker_nice)
    broker = queue.make_broker(settings.redis_url)
    bell = QueueBell(broker)
    runtime = build(settings, bell)
    start_logging(settings, runtime)
    require_schema(runtime.database)
    require_keys(runtime.database)
    if settings.smtp_url is not None:
        postman.server(settings.smtp_url)
    sinks.require(settings)
    serve_metrics(runtime)
    worker = WorkerProcess(runtime, broker, settings.worker_threads)
    told = heed_signals()
    worker.start()
    heart = Heart(runtime, "worker").start()
    log.info("worker_started", threads=settings.worker_threads)
    wait_for_signal(told)
    worker.stop()
    heart.stop()
    bell.stop()
    runtime.close()


def run_clock(settings: Settings) -> None:
    """Tick until SIGTERM."""
    bell = QueueBell(queue.make_broker(settings.redis_url))
    runtime = build(settings, bell)
    start_logging(settings, runtime)
    require_schema(runtime.database)
    require_keys(runtime.database)
    serve_metrics(runtime)
    ticking = Clock(runtime)
    # A duty that hangs in the store must not keep the process alive.
    thread = threading.Thread(target=ticking.run, name="clock", daemon=True)
    told = heed_signals()
    thread.start()
    log.info("clock_started")
    wait_for_signal(told)
    ticking.stop()
    thread.join(timeout=STOP_TIMEOUT_MS / 1000)
    bell.stop()
    runtime.close()


def serve_metrics(runtime: Runtime) -> None:
    """Serve the figures of a process that serves nothing else, when it was told a port for them."""
    if runtime.settings.metrics_port:
        from workers import scraping

        scraping.serve(runtime)


def heed_signals() -> threading.Event:
    """From now on SIGTERM and SIGINT set this event and end nothing by themselves: called before
    any work begins, and after what may hang in the store."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    return told


def wait_for_signal(told: threading.Event | None = None) -> None:
    """Block until SIGTERM or SIGINT, which may have come since ``heed_signals`` gave ``told``."""
    told = told or heed_signals()
    while not told.wait(1.0):
        pass
