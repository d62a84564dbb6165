"""A command loads what it needs, and nothing of the others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT
from workers.cli import parser
from workers.commands import COMMANDS, loaded

LOAD = """
import contextlib, sys
from workers.cli import parser
with contextlib.suppress(SystemExit):
    parser({command!r}).parse_args([{command!r}, "--help"])
print(*sorted(sys.modules), sep="\\n")
"""
HEAVY = ("workers.stories", "webhooks.sandbox", "webhooks.app", "webhooks.api", "uvicorn")


def modules_of(command: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOAD.format(command=command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("command", ["events", "play"])
def test_a_command_loads_neither_the_sandbox_nor_the_stories_nor_a_server(command: str) -> None:
    found = modules_of(command)
    assert f"workers.commands.{command}" in found
    assert [heavy for heavy in HEAVY if heavy in found] == []
    assert "workers.commands.doctor" not in found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_module_that_the_table_names(command: str) -> None:
    [module] = loaded(command)
    with pytest.raises(SystemExit) as ended:
        parser(command).parse_args([command, "--help"])
    assert ended.value.code == 0
    assert module in loaded()


def test_a_command_that_there_is_not_is_refused_with_the_names_of_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser("evnets").parse_args(["evnets"])
    assert ended.value.code == 2
    assert "events" in capsys.readouterr().err
