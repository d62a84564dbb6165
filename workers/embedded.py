"""Everything in one process: web, worker, clock and sandbox, on SQLite and a queue in memory.

What ``billhook up`` and ``billhook play`` run. The parts are the ones of production; only the
queue (in the process) and the settings differ.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from domain import keyring
from domain.database import migrate
from domain.errors import Misconfigured
from domain.settings import KEPT_DATA_KEYS, Settings
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World
from workers import broker as queue
from workers import sinks
from workers.broker import QueueBell
from workers.clock import Clock
from workers.heart import Heart
from workers.listening import bind
from workers.processes import WorkerProcess, require_keys, server_config, start_logging
from workers.runtime import Runtime, build

START_PATIENCE_S = 15.0


class Embedded:
    """The whole of Billhook in this process. ``start`` returns when it serves."""

    def __init__(self, settings: Settings, *, sandbox_port: int = 8001, seed: int | None = None):
        self._given = _with_signing_key(_with_data_keys(settings))
        self._sandbox_port = sandbox_port
        self._seed = seed
        self.settings = self._given
        self.sandbox: SandboxServer | None = None
        self.world: World | None = None

    def start(self) -> Embedded:
        """Open the ports, bring the schema up to date, start the threads."""
        listener = bind(self._given.host, self._given.port, "PORT")
        self.base_url = f"http://{_address(self._given.host)}:{listener.getsockname()[1]}"
        self._start_sandbox()
        migrate(self.settings.database_url)
        self._broker = queue.make_broker(self.settings.redis_url)
        self._bell = QueueBell(self._broker)
        self.runtime: Runtime = build(self.settings, self._bell)
        start_logging(self.settings, self.runtime)
        require_keys(self.runtime.database)
        sinks.require(self.settings)
        self._worker = WorkerProcess(self.runtime, self._broker, self.settings.worker_threads)
        self._worker.start()
        self.clock = Clock(self.runtime)
        self._clock_thread = threading.Thread(target=self.clock.run, name="clock", daemon=True)
        self._clock_thread.start()
        self._hearts = [Heart(self.runtime, kind).start() for kind in ("web", "worker")]
        self._start_web(listener)
        return self

    def stop(self) -> None:
        """End everything; what is due stays due for the next start."""
        self._server.should_exit = True
        self._web_thread.join(timeout=9)
        self.clock.stop()
        self._clock_thread.join(timeout=5)
        self._worker.stop()
        for heart in self._hearts:
            heart.stop()
        self._bell.stop()
        if self.sandbox is not None:
            self.sandbox.stop()
        self.runtime.close()

    def _start_sandbox(self) -> None:
        if self._given.sandbox is not None or _has_providers(self._given):
            return
        directory = self._given.state_dir / "sandbox"
        directory.mkdir(parents=True, exist_ok=True)
        app = create_sandbox(directory, deliver_to=self.base_url, seed=self._seed)
        self.sandbox = SandboxServer(app, "127.0.0.1", self._free_port()).start()
        self.world = app.state.world
        environ = self.world.credentials.environment(self.sandbox.base_url)
        self.settings = msgspec.structs.replace(
            self._given,
            sandbox=self.sandbox.base_url,
            environ={**self._given.environ, **environ},
        )

    def _free_port(self) -> int:
        if self._sandbox_port:
            bind("127.0.0.1", self._sandbox_port, "the sandbox's port").close()
        return self._sandbox_port

    def _start_web(self, listener: socket.socket) -> None:
        services = Services(
            settings=self.settings,
            database=self.runtime.database,
            providers=self.runtime.providers,
            catalogue=self.runtime.catalogue,
            bell=self._bell,
        )
        app = create_app(services, lambda: queue.queue_answers(self._broker))
        config = server_config(app, self._given.host, self._given.port)
        self._server = uvicorn.Server(config)
        self._web_thread = threading.Thread(
            target=self._server.run, args=([listener],), name="web", daemon=True
        )
        self._web_thread.start()
        _wait_until(lambda: self._server.started, self._web_thread)


def kept_secret(
    directory: Path,
    name: str = "secret_key",
    make: Callable[[], str] = lambda: secrets.token_urlsafe(48),
) -> str:
    """A secret of the embedded form's own: made once, readable by its owner alone."""
    path = directory / name
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text().strip()


def _with_signing_key(settings: Settings) -> Settings:
    """With a key for the console's sessions, whoever plays the providers."""
    key = settings.secret_key or kept_secret(settings.state_dir)
    return msgspec.structs.replace(settings, secret_key=key)


def _with_data_keys(settings: Settings) -> Settings:
    """With a master key of its own, when none was given; commands on its data find it there."""
    if settings.data_keys is not None:
        return settings
    made = kept_secret(settings.state_dir, KEPT_DATA_KEYS, lambda: keyring.make("first"))
    return msgspec.structs.replace(settings, data_keys=made)


def _has_providers(settings: Settings) -> bool:
    return any(
        name.startswith(("STRIPE_", "PAYPAL_")) and value
        for name, value in settings.environ.items()
    )


def _address(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - not a bind


def _wait_until(condition: Any, thread: threading.Thread) -> None:
    patience = time.monotonic() + START_PATIENCE_S
    while not condition():
        if not thread.is_alive() or time.monotonic() > patience:
            raise Misconfigured("the web server did not start; see the log above")
        time.sleep(0.01)
