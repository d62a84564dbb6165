"""The campaign in short: a few accounts, a few faults, and everything that is checked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT

SHORT = ("--seeds", "1", "--accounts", "6", "--faults", "1", "--verbose")


@pytest.mark.timeout(400)
def test_nothing_is_lost_or_done_twice_in_a_short_campaign() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *SHORT],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "1 seeds clean" in done.stdout
