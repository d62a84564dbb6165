"""A runtime whose providers are the sandbox, over real HTTP, with nobody at work by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from domain import tokens
from domain.database import Database
from tests import lives
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World
from workers.runtime import Runtime


@dataclass
class Played:
    """A runtime and the world of its providers; webhooks are held back."""

    runtime: Runtime
    world: World


@pytest.fixture
def played(database: Database, frozen_clock: object) -> Iterator[Played]:
    app = create_sandbox(None, "http://127.0.0.1:9", seed=7)
    world: World = app.state.world
    world.courier.hold()
    with SandboxServer(app) as server:
        environ = world.credentials.environment(server.base_url)
        yield Played(lives.runtime_on(database, environ, server.base_url), world)


@pytest.fixture
def client(played: Played) -> Iterator[TestClient]:
    """The API of the same runtime, called by the app."""
    runtime = played.runtime
    services = Services(
        settings=runtime.settings,
        database=runtime.database,
        providers=runtime.providers,
        catalogue=runtime.catalogue,
        bell=runtime.bell,
    )
    with runtime.database.transaction() as session:
        token = tokens.create(session, "app", "tests")[1]
    with TestClient(create_app(services)) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.fixture
def begun(played: Played) -> Played:
    """Reconciliation has run once, so that its positions are known."""
    from tests.workers.missing_webhooks import run

    run(played)
    return played
