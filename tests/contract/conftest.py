"""Both built-in providers, played, for the whole suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.webhooks.edge import playing
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.world import World


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The played providers."""
    with playing(Authority.make()) as world:
        yield world
