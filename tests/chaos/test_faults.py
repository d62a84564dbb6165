"""The campaign judges what the product does, and not what another of its own faults did."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.faults import stop_in_order
from tests.chaos.site import Name, Site
from tests.chaos.trouble import NotInOrder, Trouble, strike

DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(flush=True)
time.sleep(60)
"""


class _Child:
    """A process that does not heed SIGTERM, in the place of the nursery's."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"\n"
        assert self.process.poll() is None

    def ask(self, *, ended: int) -> int | None:
        assert ended == self.process.pid
        status = self.process.poll()
        return 128 - status if status is not None and status < 0 else status


class _Place(Site):
    """A site of one process."""

    def __init__(self, child: _Child, name: Name, log: Path) -> None:
        self.nursery: Any = child
        self.pids, self._killed = {name: child.process.pid}, set()
        self._begun, self._only_log = {name: 0}, log

    def log(self, name: Name) -> Path:
        return self._only_log


@pytest.fixture
def child() -> Iterator[_Child]:
    child = _Child()
    yield child
    child.process.kill()
    child.process.wait()
    assert child.process.stdout is not None
    child.process.stdout.close()


class _Aimed(Trouble):
    """Trouble with one process only."""

    def name(self, *kinds: str) -> Name:
        return 1, "worker"


def _trouble(child: _Child, tmp_path: Path) -> Trouble:
    (tmp_path / "worker-1.log").write_text('{"event": "worker_started"}')
    return _in_place(child, tmp_path / "worker-1.log")


def _in_place(child: _Child, log: Path) -> Trouble:
    outside: Any = None
    return _Aimed(_Place(child, (1, "worker"), log), outside, random.Random(1), "seed_1")  # noqa: S311


def test_a_process_that_another_fault_kills_need_not_end_in_order(
    child: _Child, tmp_path: Path
) -> None:
    trouble = _trouble(child, tmp_path)
    told: list[BaseException] = []

    def stop() -> None:
        try:
            strike(stop_in_order, trouble)
        except NotInOrder as error:
            told.append(error)

    stopping = threading.Thread(target=stop)
    stopping.start()
    time.sleep(0.2)
    trouble.site.kill((1, "worker"))
    stopping.join()
    assert told == []


def test_a_process_that_dies_of_anything_else_has_not_ended_in_order(
    child: _Child, tmp_path: Path
) -> None:
    trouble = _trouble(child, tmp_path)
    timer = threading.Timer(0.2, os.kill, (child.process.pid, signal.SIGKILL))
    timer.start()
    with pytest.raises(NotInOrder, match="ended with status 137 after SIGTERM"):
        strike(stop_in_order, trouble)


def test_a_process_that_has_not_written_yet_is_not_up(child: _Child, tmp_path: Path) -> None:
    name = (1, "worker")
    assert _trouble(child, tmp_path).site.is_up(name)
    assert not _in_place(child, tmp_path / "not-yet.log").site.is_up(name)
