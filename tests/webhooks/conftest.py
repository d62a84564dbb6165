"""One played PayPal for all tests of the edge, and an edge for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.webhooks.edge import Edge, edge_on, playing
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.world import World


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The authority that signs for the played PayPal."""
    return Authority.make()


@pytest.fixture(scope="session")
def stranger() -> Authority:
    """An authority that nobody trusts."""
    return Authority.make("Somebody Else")


@pytest.fixture(scope="session")
def world(authority: Authority) -> Iterator[World]:
    """Both providers, played."""
    with playing(authority) as world:
        yield world


@pytest.fixture
def edge(sqlite_url: str, world: World, authority: Authority) -> Iterator[Edge]:
    """The edge over SQLite."""
    with edge_on(sqlite_url, world, authority) as edge:
        yield edge


@pytest.fixture
def stored(database_url: str, world: World, authority: Authority) -> Iterator[Edge]:
    """The edge over either database, where it matters which."""
    with edge_on(database_url, world, authority) as edge:
        yield edge
