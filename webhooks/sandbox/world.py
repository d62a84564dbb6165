"""What both played providers share: memory, courier, faults, credentials, clock and address."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from domain import clock
from webhooks.sandbox.credentials import Credentials
from webhooks.sandbox.delivery import Courier
from webhooks.sandbox.faults import Faults
from webhooks.sandbox.state import Store

_SETTING = "setting"


class World:
    """One sandbox.

    ``base_url`` (no slash at the end) is set once the real port is known, so it is to be read
    when it is used and never copied. ``lock`` makes a change of several documents one step.
    ``directory`` is where further files may be kept; None: keep everything in memory.
    """

    def __init__(
        self,
        *,
        store: Store,
        courier: Courier,
        faults: Faults,
        credentials: Credentials,
        base_url: str,
        directory: Path | None = None,
        seed: int | None = None,
    ) -> None:
        self.store = store
        self.courier = courier
        self.faults = faults
        self.credentials = credentials
        self.base_url = base_url.rstrip("/")
        self.directory = directory
        self.seed = seed
        self.lock = threading.RLock()

    def now(self) -> datetime:
        """The present, from the one clock that a demo or a test can move."""
        return clock.now()

    def deliver_to(self, url: str) -> None:
        """Send webhooks to the application at this base URL from now on."""
        for provider in ("stripe", "paypal"):
            self.courier.endpoints[provider] = f"{url.rstrip('/')}/webhooks/{provider}"

    def setting(self, name: str, default: Any) -> Any:
        """A choice made through a control endpoint; it outlives a restart."""
        kept = self.store.get(_SETTING, name)
        return default if kept is None else kept["value"]

    def set(self, name: str, value: Any) -> None:
        """Remember a choice."""
        self.store.put(_SETTING, name, {"value": value})

    def environment(self) -> dict[str, str]:
        """The settings with which Billhook uses this sandbox."""
        return self.credentials.environment(self.base_url)

    def stop(self) -> None:
        """Stop the courier and close the files."""
        self.courier.stop()
        self.store.close()
