"""How long the pages of the console and the lists of the API take over HTTP, on a database that
``bench.big_store`` has filled.

``python -m bench.console_pages URL [REPEATED]``: starts the web process on it, signs an operator
in, and gets each page and list one after the other, the first time apart. Prints p50 and p95.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import urllib3
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.console_queries import line
from domain import clock, operator_sessions, operators, tokens
from domain.accounts import Account
from domain.alerts import Alert
from domain.audit import Decider
from domain.database import Database
from domain.effects import Effect
from domain.inbox import Event
from domain.invoices import Invoice
from domain.settings import Settings
from tests.processes import Installation
from tests.servers.valkey import ValkeyServer
from webhooks.sessions import COOKIE, Caller

REPEATED: Final = 20
SECRET: Final = "a-secret-key-of-the-benchmarks-012345"  # noqa: S105 - of nothing that lasts
ENVIRON: Final = {
    "STRIPE_API_KEY": "sk_test_bench",
    "STRIPE_WEBHOOK_SECRETS": "whsec_bench",
    "PAYPAL_CLIENT_ID": "bench",
    "PAYPAL_CLIENT_SECRET": "bench",
    "PAYPAL_WEBHOOK_IDS": "bench",
    "PAYPAL_MODE": "sandbox",
    "BILLHOOK_SECRET_KEY": SECRET,
}


def main(url: str, repeated: int) -> None:
    """Start, sign in, get everything, print a table."""
    database = Database(url)
    with database.transaction() as session:
        pages = [*console(session), *api(session)]
        headers = _signed_in(session)
    with ValkeyServer() as valkey, tempfile.TemporaryDirectory() as place:
        environ = {**ENVIRON, "DATABASE_URL": url, "REDIS_URL": valkey.url(1)}
        with Installation(Path(place), environ) as running:
            running.start("web")
            took = {page: _measure(running.base_url + page, headers, repeated) for page in pages}
    for page, times in took.items():
        print(line(page, times))
    print(line("all of them", [one for times in took.values() for one in times]))
    database.dispose()


def console(session: Session) -> Iterator[str]:
    """Every page that reads the store, with what narrows its list."""
    event = session.scalar(select(func.max(Event.id)))
    alert = session.scalar(select(func.max(Alert.id)))
    last = session.scalar(select(func.max(Account.id)))
    paper = session.scalars(select(Invoice.number).order_by(Invoice.id.desc()).limit(1)).one()
    today = f"{clock.now():%Y-%m-%d}"
    paths = (
        *("", "?period=quarter", "/events", "/events?status=parked", "/events?account=app-1"),
        *(f"/events/{event}", "/failures", "/replays", "/alerts", "/alerts?state=all"),
        *("/alerts?state=resolved&rule=dispute_lost", f"/alerts/{alert}"),
        *("/accounts", "/accounts?status=blocked", "/accounts?status=blocked&state=active"),
        *("/accounts?q=app-7", f"/accounts?q=billing%40customer-{last}.example"),
        *("/accounts/app-1", f"/accounts/app-{last}", "/invoices", "/invoices?kind=credit_note"),
        *("/invoices?account=app-1&series=2025", f"/invoices/{paper}"),
        *("/renewals", f"/renewals?day={today}", "/audit", "/audit?action=disable"),
        *("/audit?actor=app%3Atoken-1&action=sign_in", "/settings", "/me"),
    )
    yield from (f"/console{path}" for path in paths)


def api(session: Session) -> Iterator[str]:
    """Every list, and one of what it lists."""
    parked = session.scalar(select(Effect.event_id).where(Effect.status == "parked").limit(1))
    paths = (
        *("/events", "/events?status=parked", "/events?account=app-1", f"/events/{parked}"),
        *("/failures", "/replays", "/alerts", "/alerts?state=resolved", "/audit"),
        *("/audit?account=app-1", "/accounts/app-1", "/accounts/app-1/history"),
        "/accounts/app-1/invoices",
    )
    yield from (f"/api{path}" for path in paths)


def _signed_in(session: Session) -> dict[str, str]:
    """The headers of an operator's browser that is a viewer's program, too."""
    name = f"bench-{time.time_ns()}"
    by = Decider(actor="admin:bench", reason="a measurement")
    operator = operators.add(session, by, name, "operator", "correct horse battery staple")
    secret = operator_sessions.begin(session, operator, "127.0.0.1", "bench")
    caller = Caller(settings=Settings(environ=ENVIRON, secret_key=SECRET), headers={})
    _, token = tokens.create(session, "viewer", name)
    return {"Cookie": f"{COOKIE}={caller.signed(secret)}", "Authorization": f"Bearer {token}"}


def _measure(address: str, headers: dict[str, str], repeated: int) -> list[float]:
    """Milliseconds of each call after the first, from the request to the last byte."""
    http = urllib3.PoolManager()
    took = []
    for _ in range(repeated + 1):
        start = time.perf_counter()
        answer = http.request("GET", address, headers=headers, redirect=False)
        took.append(1e3 * (time.perf_counter() - start))
        assert answer.status == 200, (address, answer.status, answer.data[:300])
    return took[1:]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else REPEATED)
