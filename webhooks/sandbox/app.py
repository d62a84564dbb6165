"""The sandbox as one application: two played providers, their control desk and a front page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router

from webhooks.sandbox import checkout_page, control, ecb, paypal, stripe, stripe_control, vies
from webhooks.sandbox.credentials import Credentials
from webhooks.sandbox.delivery import Courier
from webhooks.sandbox.faults import Faults
from webhooks.sandbox.faulty import Faulty, Shape
from webhooks.sandbox.state import Store
from webhooks.sandbox.world import World

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Billhook sandbox</title>
<style>body{{font:16px/1.5 system-ui;max-width:46rem;margin:3rem auto;padding:0 1rem}}
code,td:first-child{{font-family:ui-monospace,monospace}}td{{padding:.2rem 1rem .2rem 0}}</style>
<h1>Billhook sandbox</h1>
<p>This server plays Stripe and PayPal: their APIs, their payment pages and their signed webhooks;
VIES, the register of VAT numbers; and the European Central Bank's sheets of exchange rates.
No money moves here.</p>
<table>{rows}</table>
<p>The keys and secrets are in <code>{credentials}</code>; start Billhook with
<code>BILLHOOK_SANDBOX={base}</code>.</p></html>"""


def create_sandbox(
    directory: Path | None = None,
    deliver_to: str = "http://127.0.0.1:8000",
    base_url: str = "http://127.0.0.1:8001",
    seed: int | None = None,
    credentials: Credentials | None = None,
) -> Starlette:
    """Build the application; its ``World`` is at ``app.state.world``.

    With a ``directory`` it continues with the data kept there. ``deliver_to`` is the application
    that receives webhooks, ``base_url`` where the sandbox itself is reached (``SandboxServer``
    corrects it when the port was chosen late).
    """
    world = _world(directory, deliver_to, base_url, seed, credentials)
    app = Starlette(routes=_routes(world), lifespan=_lifespan)
    app.add_exception_handler(msgspec.DecodeError, control.unreadable)
    app.state.world = world
    return app


def _world(
    directory: Path | None,
    deliver_to: str,
    base_url: str,
    seed: int | None,
    credentials: Credentials | None,
) -> World:
    store = Store(directory / "sandbox.db" if directory else None, seed=seed)
    faults = Faults(seed)
    world = World(
        store=store,
        courier=Courier({}, store, faults),
        faults=faults,
        credentials=credentials or Credentials.load_or_make(directory, seed),
        base_url=base_url,
        directory=directory,
        seed=seed,
    )
    world.deliver_to(deliver_to)
    return world


def _routes(world: World) -> list[BaseRoute]:
    async def front(_request: Request) -> Response:
        return HTMLResponse(_front(world))

    return [
        Route("/", front),
        Mount("/sandbox", routes=_control(world)),
        Mount("/stripe", app=_faulty(world, "stripe", stripe.routes(world), stripe.failure)),
        Mount("/paypal", app=_faulty(world, "paypal", paypal.routes(world), paypal.failure)),
        Mount("/vies", app=_faulty(world, "vies", vies.routes(world), vies.failure)),
        Mount("/ecb", app=_faulty(world, "ecb", ecb.routes(world), ecb.failure)),
    ]


def _control(world: World) -> list[BaseRoute]:
    return [
        *control.routes(world),
        *checkout_page.routes(world),
        Mount("/stripe", routes=stripe_control.routes(world)),
        Mount("/paypal", routes=paypal.control_routes(world)),
        Mount("/vies", routes=vies.control_routes(world)),
    ]


def _faulty(world: World, name: str, routes: Sequence[BaseRoute], shape: Shape) -> Faulty:
    """One provider's API behind its faults."""
    return Faulty(Router(routes=routes), world.faults, name, shape)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(app.state.world.stop)


def _front(world: World) -> str:
    endpoints = world.courier.endpoints
    rows = {
        "/stripe": "Stripe's API (use it as the base address)",
        "/paypal": "PayPal's API (use it as the base address)",
        "/vies/check-vat-number": "the register of VAT numbers (numbers in …200 are not valid)",
        "/ecb/eurofxref-daily.xml": "invented exchange rates, also /ecb/eurofxref-hist-90d.xml",
        "/sandbox/checkout/{id}": "the payment page of a checkout session",
        "/sandbox/faults": "GET, POST, DELETE: make things go wrong",
        "/sandbox/deliveries": "webhooks sent, with what became of them",
        "/sandbox/hold · /release · /settle": "hold webhooks back, let them go, wait for them",
        "/sandbox/stripe/… · /sandbox/paypal/…": "do what a customer, a bank or a dashboard does",
        "/sandbox/vies/states · /numbers": "POST: make a country's register unavailable, or a "
        "number invalid",
        "webhooks go to": " and ".join(sorted(endpoints.values())),
    }
    cells = "".join(f"<tr><td>{escape(k)}<td>{escape(v)}" for k, v in rows.items())
    kept = f"{world.directory}/sandbox-credentials.json" if world.directory else "memory only"
    return _PAGE.format(rows=cells, credentials=escape(kept), base=escape(world.base_url))
