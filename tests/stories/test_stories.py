"""Every story of the library plays to its end, and leaves books that hold, also when everything is
replayed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from domain import clock
from domain.settings import Settings
from tests.invariants import assert_invariants
from tests.stories.again import replay_everything
from workers.embedded import Embedded
from workers.stories.library import STORIES
from workers.stories.stage import Stage


@pytest.fixture
def billhook(database_url: str, tmp_path: Path, frozen_clock: object) -> Iterator[Embedded]:
    settings = msgspec.structs.replace(
        Settings(),
        database_url=database_url,
        port=0,
        state_dir=tmp_path,
        log_level="error",
    )
    running = Embedded(settings, sandbox_port=0, seed=1).start()
    yield running
    running.stop()


@pytest.mark.parametrize("name", STORIES)
def test_the_story_is_told_to_its_end(billhook: Embedded, name: str) -> None:
    lines: list[str] = []
    stage = Stage(billhook, lambda _at, line: lines.append(line))
    began = clock.now()
    STORIES[name](stage)
    assert lines
    assert clock.now() >= began
    assert_invariants(billhook.runtime.database)
    replay_everything(billhook, stage)
    assert_invariants(billhook.runtime.database)
