"""The edge with everything real around it: the application, a database, a played PayPal.

Deliveries are signed by the sandbox's own signers, as the providers sign theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import msgspec
from sqlalchemy import func, select
from starlette.testclient import TestClient

from domain import catalogue as catalogues
from domain import clock
from domain.database import Database
from domain.effects import Effect
from domain.inbox import Delivery, Event
from domain.settings import Settings
from tests.keys import RING
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.providers import Registry, registry
from webhooks.sandbox import paypal_signature, stripe_signature
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.paypal_events import certificate_url, use_authority
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World
from workers import perform_effects, process_events, sweep
from workers.runtime import Runtime

PROBLEM = "application/problem+json"


class Edge:
    """One application over one database, and the hands of whoever calls it."""

    def __init__(
        self,
        client: TestClient,
        services: Services,
        runtime: Runtime,
        world: World,
        authority: Authority,
    ) -> None:
        self.client = client
        self.services = services
        self.runtime = runtime
        self.world = world
        self.authority = authority
        self.secret = world.credentials.stripe_webhook_secret

    def stripe(self, body: bytes, *, ahead: float = 0.0) -> httpx2.Response:
        """Deliver as Stripe does, signed ``ahead`` seconds from now."""
        return self.post("stripe", body, self.signature(body, ahead=ahead))

    def signature(self, body: bytes, *, ahead: float = 0.0) -> dict[str, str]:
        """The header with which Stripe signs."""
        at = clock.now() + timedelta(seconds=ahead)
        return {"stripe-signature": stripe_signature.sign(self.secret, body, at)}

    def paypal(self, body: bytes, **wishes: Any) -> httpx2.Response:
        """Deliver as PayPal does; see ``transmission``."""
        return self.post("paypal", body, self.transmission(body, **wishes))

    def transmission(
        self,
        body: bytes,
        *,
        transmission_id: str | None = None,
        by: Authority | None = None,
        ahead: float = 0.0,
    ) -> dict[str, str]:
        """The headers of one transmission of PayPal's."""
        signed = paypal_signature.sign(
            by or self.authority,
            self.world.credentials.paypal_webhook_id,
            body,
            clock.now() + timedelta(seconds=ahead),
            certificate_url(self.world),
            transmission_id=transmission_id,
        )
        return {name.lower(): value for name, value in signed.items()}

    def post(self, provider: str, body: Any, headers: Mapping[str, str]) -> httpx2.Response:
        """Post whatever is given."""
        sent = {"content-type": "application/json", **headers}
        return self.client.post(f"/webhooks/{provider}", content=body, headers=sent)

    def events(self) -> list[Event]:
        """The inbox, in the order of arrival."""
        with self.runtime.database.transaction() as session:
            return list(session.scalars(select(Event).order_by(Event.id)))

    def deliveries(self) -> int:
        """How many deliveries were kept."""
        with self.runtime.database.transaction() as session:
            return session.scalar(select(func.count()).select_from(Delivery)) or 0

    def effects(self, kind: str) -> list[Effect]:
        """The effects of a kind."""
        with self.runtime.database.transaction() as session:
            return list(session.scalars(select(Effect).where(Effect.kind == kind)))

    def work(self) -> None:
        """What clock and worker do: sweep, perform, process."""
        sweep.sweep(self.runtime)
        perform_effects.drain(self.runtime)
        process_events.drain(self.runtime)

    def fresh_providers(self) -> Registry:
        """The providers as a process has them that was just started."""
        return registry(self.runtime.settings.environ, self.runtime.settings.sandbox)

    def lose_certificates(self) -> None:
        """Have PayPal's host of certificates fail until ``find_certificates``."""
        path = "/v1/notifications/certs/*"
        self.world.faults.add({"kind": "error", "provider": "paypal", "path": path})
        path = "/v1/notifications/verify-webhook-signature"
        self.world.faults.add({"kind": "error", "provider": "paypal", "path": path})

    def find_certificates(self) -> None:
        """End the outage."""
        self.world.faults.clear()


@contextmanager
def playing(authority: Authority) -> Iterator[World]:
    """Both providers, played on a port of the loopback address."""
    app = create_sandbox(None, seed=7)
    world: World = app.state.world
    use_authority(world, authority)
    with SandboxServer(app):
        yield world
    world.stop()


@contextmanager
def edge_on(url: str, world: World, authority: Authority, **environ: str) -> Iterator[Edge]:
    """The edge over the database at ``url``, with the providers of ``world``."""
    settings = Settings(environ={**world.environment(), **environ}, sandbox=world.base_url)
    runtime = Runtime(
        settings=settings,
        database=Database(url, ring=RING),
        providers=registry(settings.environ, settings.sandbox),
        catalogue=catalogues.load(),
    )
    services = Services(
        settings=settings,
        database=runtime.database,
        # As in a process of its own: the edge does not know the certificates that a worker fetched.
        providers=registry(settings.environ, settings.sandbox),
        catalogue=runtime.catalogue,
        bell=runtime.bell,
    )
    with TestClient(create_app(services), raise_server_exceptions=False) as client:
        yield Edge(client, services, runtime, world, authority)
    world.faults.clear()
    runtime.close()


def stripe_event(event_id: str = "evt_1", kind: str = "charge.updated", **changes: Any) -> bytes:
    """A body of Stripe's shape."""
    event = {
        "id": event_id,
        "object": "event",
        "type": kind,
        "created": int(clock.now().timestamp()),
        "livemode": False,
        "data": {"object": {"id": "ch_1", "object": "charge"}},
        **changes,
    }
    return msgspec.json.encode(event)


def paypal_event(event_id: str = "WH-1", kind: str = "MERCHANT.SOMETHING", **changes: Any) -> bytes:
    """A body of PayPal's shape."""
    event = {
        "id": event_id,
        "event_type": kind,
        "create_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resource": {"id": "RES1"},
        **changes,
    }
    return msgspec.json.encode(event)
