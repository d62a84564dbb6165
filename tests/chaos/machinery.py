"""What a campaign is run on: namespaces where the machine allows, a relay, a nursery, a full disk.

With the rights for it the campaign moves into network and mount namespaces of its own, which
vanish with it; each host is a network namespace behind a pair of virtual interfaces. Without them
hosts share the loopback address and are cut off at the relay.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.processes import ROOT

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWNET: Final = 0x40000000
CENTRE: Final = "10.213.0.1"
"""Where servers, relay and providers are reached by the hosts."""
SMALL_DISK_MB: Final = 400


class Assistant:
    """A child that obeys orders by lines of JSON."""

    def __init__(self, module: str, *arguments: str, environ: Mapping[str, str]) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, **order: Any) -> Any:
        """Send an order and return the answer."""
        assert self._child.stdin is not None
        with self._lock:
            self._child.stdin.write(json.dumps(order) + "\n")
            self._child.stdin.flush()
            return self.hear()

    def hear(self) -> Any:
        """The next answer."""
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended")
        return json.loads(line)

    def interrupt(self) -> None:
        """Have it leave what it does, as at a terminal."""
        with suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGINT)

    def close(self, patience: float = 5.0) -> None:
        """End it; after ``patience`` seconds it is killed."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


class Machine:
    """The machine and what it allows. ``apart``: hosts are network namespaces."""

    def __init__(self) -> None:
        self.apart = _move_apart()
        self.centre = CENTRE if self.apart else "127.0.0.1"
        self._holders: dict[int, subprocess.Popen[bytes]] = {}

    def network(self, number: int) -> int | None:
        """A process that holds the network of host ``number`` (from 1)."""
        if not self.apart:
            return None
        holder = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdout is not None
        holder.stdout.readline()
        inside, outside = f"in{number}", f"out{number}"
        _ip("link", "add", outside, "type", "veth", "peer", "name", inside)
        _ip("link", "set", inside, "netns", str(holder.pid))
        _ip("addr", "add", f"{self.gateway(number)}/24", "dev", outside)
        _ip("link", "set", outside, "up")
        for command in (
            ("addr", "add", f"{self.address(number)}/24", "dev", inside),
            ("link", "set", inside, "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", self.gateway(number)),
        ):
            _run("nsenter", "-t", str(holder.pid), "-n", "ip", *command)
        self._holders[number] = holder
        return holder.pid

    def address(self, number: int) -> str:
        """Where host ``number`` is reached."""
        return f"10.213.{number}.2" if self.apart else "127.0.0.1"

    def gateway(self, number: int) -> str:
        """The near end of its line."""
        return f"10.213.{number}.1"

    def plug(self, number: int, *, connected: bool) -> None:
        """Pull the plug of a host, or put it back. No packet arrives meanwhile, and none tells."""
        _ip("link", "set", f"out{number}", "up" if connected else "down")

    def small_disk(self, place: Path, owner: int | None) -> bool:
        """Mount a small disk at ``place``; False where this is not allowed."""
        if not self.apart:
            return False
        place.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MB}m", "chaos", str(place))
        os.chown(place, owner or 0, owner or 0)
        return True

    def close(self) -> None:
        """Let the hosts' networks go."""
        for holder in self._holders.values():
            assert holder.stdin is not None
            holder.stdin.close()
            holder.wait()


_HOLD: Final = (
    f"import ctypes,sys; assert ctypes.CDLL(None).unshare({CLONE_NEWNET}) == 0; "
    "print(flush=True); sys.stdin.read()"
)


def _move_apart() -> bool:
    """Whether this process and its children now have networks and mounts of their own."""
    if os.environ.get("BILLHOOK_CHAOS_APART") == "no" or not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS | CLONE_NEWNET):
        return False
    try:
        _run("mount", "--make-rprivate", "/")
        _ip("link", "set", "lo", "up")
        _ip("addr", "add", f"{CENTRE}/32", "dev", "lo")
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeError(
            "namespaces are allowed here, but ip and mount are missing or refused: install "
            "iproute2, or set BILLHOOK_CHAOS_APART=no"
        ) from error
    return True


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
