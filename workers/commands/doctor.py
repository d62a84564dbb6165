"""``doctor``: check every setting and service, and print what is sold."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

from domain import catalogue as catalogues
from domain import data_keys, schema
from domain import settings as environment
from domain.catalogue import Catalogue
from domain.database import Database
from domain.errors import BillhookError, Misconfigured
from domain.keyring import SETTING
from domain.money import CURRENCIES
from domain.settings import Settings
from webhooks.providers import registry, specs
from workers import broker, postman, precedence, sinks
from workers.commands.tables import show

Check = tuple[str, Callable[[], str]]


def add_to(commands: Any) -> None:
    """Add the parser."""
    doctor = commands.add_parser("doctor", help="check the settings and print what is sold")
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    settings = environment.read()
    rows = [_examine(name, check) for name, check in _checks(settings)]
    show(rows, ("check", "result", "detail"), chosen.json)
    if not chosen.json and rows[0]["result"] == "ok":
        show(_sold(catalogues.load(settings.catalogue or catalogues.BUNDLED)), _COLUMNS, False)
    return 0 if all(row["result"] == "ok" for row in rows) else 1


def _examine(name: str, check: Callable[[], str]) -> dict[str, str]:
    try:
        return {"check": name, "result": "ok", "detail": check()}
    except BillhookError as error:
        return {"check": name, "result": "wrong", "detail": str(error)}


def _checks(settings: Settings) -> Iterator[Check]:
    yield "catalogue", lambda: _catalogue(settings)
    yield "database", lambda: _database(settings)
    yield "queue", lambda: _queue(settings)
    yield "providers", lambda: _providers(settings)
    yield "mail", lambda: _mail(settings)
    yield "app", lambda: settings.app_webhook_url or "is told nothing (BILLHOOK_APP_WEBHOOK_URL)"
    yield "alerts", lambda: _alerts(settings)
    yield "secret key", lambda: _secret_key(settings)
    yield "data keys", lambda: _data_keys(settings)
    yield "cores", precedence.advice


def _catalogue(settings: Settings) -> str:
    path = settings.catalogue or catalogues.BUNDLED
    catalogues.load(path)
    return "the bundled example" if settings.catalogue is None else str(path)


def _database(settings: Settings) -> str:
    store = Database(settings.database_url)
    try:
        at = schema.present(store)
    except Exception as error:
        raise Misconfigured(f"DATABASE_URL: {type(error).__name__}") from error
    finally:
        store.dispose()
    if at != schema.expected():
        raise Misconfigured(f"at migration {at or 'none'}: run `billhook migrate`")
    return f"{store.url.get_backend_name()}, migration {at}"


def _queue(settings: Settings) -> str:
    if settings.redis_url is None:
        return "in the process (REDIS_URL is not set)"
    if not broker.queue_answers(broker.make_broker(settings.redis_url)):
        raise Misconfigured("REDIS_URL: no answer")
    return "redis answers"


def _providers(settings: Settings) -> str:
    active = registry(settings.environ, settings.sandbox)
    known = specs(settings.environ)
    states = (f"{s.title} {'on' if s.name in active else 'off'}" for s in known)
    if not len(active):
        prefixes = ", ".join(f"{spec.prefix}…" for spec in known)
        raise Misconfigured(f"no provider is switched on; set the settings of one: {prefixes}")
    return ", ".join(states)


def _mail(settings: Settings) -> str:
    if settings.smtp_url is None:
        return f"files under {settings.state_dir / 'mail'} (SMTP_URL is not set)"
    return f"by {postman.server(settings.smtp_url).host}"


def _alerts(settings: Settings) -> str:
    sinks.require(settings)
    told = ", ".join(sinks.names(settings))
    return told or "are logged and shown (ALERT_URLS, BILLHOOK_ALERT_WEBHOOK_URL)"


def _secret_key(settings: Settings) -> str:
    return "not set (BILLHOOK_SECRET_KEY)" if settings.secret_key is None else "set"


def _data_keys(settings: Settings) -> str:
    ring = settings.ring
    store = Database(settings.database_url)
    try:
        if schema.present(store) == schema.expected():
            with store.transaction() as session:
                data_keys.check(session, ring)
    finally:
        store.dispose()
    if ring is not None:
        return f"set: {', '.join(ring.names)}; {ring.first} seals"
    live = [
        each.spec.title
        for each in registry(settings.environ, settings.sandbox)
        if each.configuration.livemode
    ]
    if live:
        raise Misconfigured(
            f"{SETTING} is not set, and {' and '.join(live)} is live: no process starts; "
            "`billhook keys make` prints a key"
        )
    return f"NOT SET: personal data are stored as they come ({SETTING}; `billhook keys make`)"


_COLUMNS = ("item", "interval", *CURRENCIES)


def _sold(catalogue: Catalogue) -> list[dict[str, str]]:
    rows = []
    for interval in ("month", "year"):
        for plan, details in catalogue.plans.items():
            price = {c: str(catalogue.agent_price(plan, interval, c)) for c in CURRENCIES}
            item = f"{details.title}, per agent ({details.included_conversations} conversations)"
            rows.append({"item": item, "interval": interval, **price})
        pack = {c: str(catalogue.pack_price(interval, c)) for c in CURRENCIES}
        item = f"{catalogue.packs.size} further conversations a month"
        rows.append({"item": item, "interval": interval, **pack})
    return rows
