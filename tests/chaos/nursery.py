"""Brings Procfile processes into the world in milliseconds: an interpreter that has imported
everything, and forks.

Started as ``python -m tests.chaos.nursery HOURGLASS``. Orders come as lines of JSON on standard
input and are answered by lines on standard output: ``{"start": {…}}`` gives a process id,
``{"ended": pid}`` the exit status (128 + n after signal n) or null while it runs. Whatever was
started dies with the nursery.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, Final, NoReturn

from tests.chaos.hourglass import Hourglass

PR_SET_PDEATHSIG: Final = 1
CLONE_NEWNET: Final = 0x40000000
BEAT_S: Final = 1.0
"""How often a worker extends its leases here, so that a run need not wait long for the living."""
FETCH_TIMEOUT_MS: Final = 300
"""How long a worker waits for a ring before it asks again: a third of the questions, and of the
work for the relay and for Redis."""
NEEDED: Final = (
    "workers.cli",
    "workers.processes",
    "workers.embedded",
    "workers.jobs",
    "webhooks.app",
    "webhooks.api.parts",
    "webhooks.providers.stripe.gateway",
    "webhooks.providers.paypal.gateway",
    "domain.papers.pdf",
    "domain.papers.rows",
    "uvicorn.loops.auto",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
)


def main() -> None:
    """Serve orders until standard input ends."""
    hourglass = Hourglass(Path(sys.argv[1]))
    hourglass.turn()
    _import_everything()
    libc = ctypes.CDLL(None, use_errno=True)
    gc.collect()
    gc.freeze()
    ended: dict[int, int] = {}
    _answer("ready")
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            _answer(_start(order["start"], hourglass, libc))
        else:
            _answer(_ended(order["ended"], ended))


def _import_everything() -> None:
    for name in NEEDED:
        importlib.import_module(name)
    from workers.perform_effects import KINDS

    for name in KINDS.values():
        importlib.import_module(name)
    vars(importlib.import_module("workers.held_effects"))["BEAT_S"] = BEAT_S
    vars(importlib.import_module("workers.processes"))["FETCH_TIMEOUT_MS"] = FETCH_TIMEOUT_MS


def _answer(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _ended(pid: int, ended: dict[int, int]) -> int | None:
    if pid not in ended:
        found, status = os.waitpid(pid, os.WNOHANG)
        if not found:
            return None
        code = os.waitstatus_to_exitcode(status)
        ended[pid] = code if code >= 0 else 128 - code
    return ended[pid]


def _start(order: dict[str, Any], hourglass: Hourglass, libc: Any) -> int:
    pid = os.fork()
    if pid == 0:
        _live(order, hourglass, libc)
    return pid


def _live(order: dict[str, Any], hourglass: Hourglass, libc: Any) -> NoReturn:
    status = 1
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        _settle_in(order, libc)
        hourglass.live_in(order["slot"])
        from workers.cli import main as billhook

        status = billhook(order["arguments"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - the end of the process is told in its log
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _settle_in(order: dict[str, Any], libc: Any) -> None:
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["directory"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    if order.get("network") is not None:
        with Path(f"/proc/{order['network']}/ns/net").open() as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")


if __name__ == "__main__":
    main()
