"""Workers give way to web: a lower priority, also for what they start afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT
from workers import precedence

TELL = """
import json, os, sys, threading
from pathlib import Path
from workers import precedence
before = os.nice(0)
precedence.give_way(int(sys.argv[1]), Path(sys.argv[2]))
told = []
thread = threading.Thread(target=lambda: told.append(os.nice(0) - before))
thread.start()
thread.join()
print(json.dumps([os.nice(0) - before, told[0]]))
"""


def lowered(nice: int, session: Path, *, leads: bool = True) -> list[int]:
    """By how much a process that gives way lowers itself, and its later threads."""
    told = subprocess.run(
        [sys.executable, "-c", TELL, str(nice), str(session)],
        cwd=ROOT,
        start_new_session=leads,
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(each) for each in json.loads(told.stdout)]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    path = tmp_path / "autogroup"
    path.write_text("0")
    return path


def test_a_worker_and_its_threads_run_at_a_lower_priority(session: Path) -> None:
    assert lowered(3, session) == [3, 3]


def test_a_worker_in_a_session_of_its_own_lowers_the_session(session: Path) -> None:
    lowered(3, session)
    assert session.read_text() == "3"


def test_a_session_that_others_lead_is_left_alone(session: Path) -> None:
    assert lowered(3, session, leads=False) == [3, 3]
    assert session.read_text() == "0"


def test_nothing_is_lowered_when_nothing_is_asked_for(session: Path) -> None:
    assert lowered(0, session) == [0, 0]
    assert session.read_text() == "0"


def test_a_system_without_such_groups_is_put_up_with(tmp_path: Path) -> None:
    assert lowered(3, tmp_path / "none") == [3, 3]


def test_a_kernel_that_takes_no_change_now_does_not_stop_the_worker(tmp_path: Path) -> None:
    assert lowered(3, tmp_path) == [3, 3]


def test_the_doctor_advises_hosts_that_share_their_cores_out_by_session(tmp_path: Path) -> None:
    grouping = tmp_path / "sched_autogroup_enabled"
    assert precedence.advice(grouping) == "by priority"
    grouping.write_text("1\n")
    assert "set kernel.sched_autogroup_enabled to 0" in precedence.advice(grouping)
    grouping.write_text("0\n")
    assert precedence.advice(grouping) == "by priority (kernel.sched_autogroup_enabled is 0)"
