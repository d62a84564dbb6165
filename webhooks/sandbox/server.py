"""Serves an application from a thread: the sandbox under ``billhook up`` and in tests."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from webhooks.sandbox.faulty import HANG_UP

_START_PATIENCE = 10.0
_STOP_PATIENCE = 10.0


class SandboxServer:
    """A server in a thread of its own. With port 0 the system chooses a free port.

    The socket is bound at once, so ``base_url`` is right before the first request; a sandbox
    application (one with ``app.state.world``) is told of it.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://{host}:{self.port}"
        world = getattr(getattr(app, "state", None), "world", None)
        if world is not None:
            world.base_url = self.base_url
        # A call cut off on purpose is no news: only what is critical is logged.
        config = uvicorn.Config(
            _Abrupt(app), log_config=None, log_level="critical", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="sandbox-server", daemon=True
        )

    def start(self) -> SandboxServer:
        """Serve; returns when requests are answered. Raises RuntimeError when it cannot start."""
        self._thread.start()
        patience = time.monotonic() + _START_PATIENCE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > patience:
                raise RuntimeError(f"the sandbox did not start at {self.base_url}")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Answer what is under way, then stop."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_PATIENCE)
        self._socket.close()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Abrupt:
    """An application that may close its connection without an answer (see ``faulty.HANG_UP``)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with uvicorn's transport in reach."""
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is not None:

            async def hang_up() -> None:
                transport.close()
                # The server must learn of it before the application returns, or it would try to
                # answer for it.
                while (await receive())["type"] != "http.disconnect":
                    pass

            scope.setdefault("extensions", {})[HANG_UP] = hang_up
        await self.app(scope, receive, send)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
