"""What this installation was told: settings without secrets, providers, catalogue, versions."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

from domain import clock, heartbeats, schema
from domain import settings as environment
from domain.money import CURRENCIES
from webhooks.console.page import Page, Section, View, Visit
from webhooks.console.speech import mark
from webhooks.providers import specs

PLAIN: Final = ("DATABASE_URL", "REDIS_URL", "HOST", "PORT", "SMTP_URL", "ALERT_URLS", "VIES_URL")
"""Settings without a prefix of ours."""
SHOWN: Final = frozenset(
    {
        *("HOST", "PORT", "BILLHOOK_STATE_DIR", "BILLHOOK_LOG_FORMAT", "BILLHOOK_LOG_LEVEL"),
        *("BILLHOOK_WORKER_NICE", "BILLHOOK_WORKER_THREADS", "BILLHOOK_NOW"),
        *("BILLHOOK_PROVIDERS", "PAYPAL_MODE"),
    }
)
"""Settings whose value is shown as it is. Of any other it is told only whether it is set."""
ADDRESSES: Final = frozenset(
    {"BILLHOOK_PUBLIC_URL", "BILLHOOK_SANDBOX", "BILLHOOK_APP_URL", "BILLHOOK_DOCS_URL", "VIES_URL"}
)
"""Settings of which scheme and host are shown: more of an address may be a secret."""
FRESH_S: Final = 30
LIBRARIES: Final = ("billhook", "starlette", "uvicorn", "sqlalchemy", "dramatiq", "stripe")


def show(visit: Visit) -> View:
    """All of it; nothing can be changed here."""
    services = visit.services
    with visit.database.transaction() as session:
        fresh = clock.wall() - FRESH_S * heartbeats.EVERY / heartbeats.EVERY.total_seconds()
        alive = heartbeats.alive(session, fresh)
    values = {
        "settings": _settings(visit),
        "providers": _providers(visit),
        "processes": [(kind, alive.get(kind, 0)) for kind in ("web", "worker", "clock")],
        "versions": _versions(visit),
        "catalogue": services.catalogue,
        "currencies": CURRENCIES,
        "prices": _prices(visit),
        "rules": _rules(visit),
    }
    return View("settings.html", visit.say("Settings"), values)


def _settings(visit: Visit) -> list[tuple[str, str, bool]]:
    """Name, what is told of the value, and whether it is set."""
    environ = visit.services.settings.environ
    prefixes = tuple(spec.prefix for spec in specs(environ))
    theirs = sorted(name for name in environ if name.startswith(prefixes))
    names = (*PLAIN, *sorted(environment.KNOWN), *theirs)
    return [(name, *_told(visit, name, environ.get(name, "").strip())) for name in names]


def _told(visit: Visit, name: str, value: str) -> tuple[str, bool]:
    if not value:
        return visit.say("not set"), False
    if name in SHOWN:
        return value, True
    if name in ADDRESSES:
        parts = urlsplit(value)
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        return f"{parts.scheme}://{host}" if parts.hostname else visit.say("set"), True
    return visit.say("set"), True


def _providers(visit: Visit) -> list[dict[str, Any]]:
    services = visit.services
    return [
        {
            "title": spec.title,
            "path": f"/webhooks/{spec.name}",
            "is_on": spec.name in services.providers,
            "is_live": spec.name in services.providers
            and services.providers[spec.name].configuration.livemode,
            "methods": spec.methods,
            "types": spec.event_types,
        }
        for spec in specs(services.settings.environ)
    ]


def _versions(visit: Visit) -> list[tuple[str, str]]:
    engine = visit.database.engine.dialect.name
    return [
        (visit.say("Python"), platform.python_version()),
        (visit.say("Database"), f"{engine}, {schema.present(visit.database)}"),
        *((name, version(name)) for name in LIBRARIES),
    ]


def _prices(visit: Visit) -> list[tuple[str, str, list[str]]]:
    """What is sold: title, interval, and the price in each currency."""
    catalogue, money = visit.services.catalogue, visit.speech.money
    rows = []
    for interval in ("month", "year"):
        for plan, details in catalogue.plans.items():
            prices = [money(catalogue.agent_price(plan, interval, one)) for one in CURRENCIES]
            rows.append((visit.say("{plan}, per agent", plan=details.title), interval, prices))
        packs = [money(catalogue.pack_price(interval, one)) for one in CURRENCIES]
        size = visit.speech.number(catalogue.packs.size)
        rows.append((visit.say("{count} more conversations", count=size), interval, packs))
    return rows


def _rules(visit: Visit) -> list[tuple[str, str]]:
    say, catalogue = visit.say, visit.services.catalogue

    def days(numbers: list[int]) -> str:
        return ", ".join(map(str, numbers))

    return [
        (say("A renewal is charged, hours ahead"), str(catalogue.renewal.ahead_hours)),
        (say("Charged again, days after the first try"), days(catalogue.renewal.retry_days)),
        (say("Grace after the end, days"), str(catalogue.renewal.grace_days)),
        (say("Warnings before the end, days"), days(catalogue.expiry.warning_days)),
        (say("Refund on request within, days"), str(catalogue.refunds.window_days)),
        (say("An open order expires after, hours"), str(catalogue.orders.expire_hours)),
    ]


SECTION: Final = Section("/settings", mark("Settings"))
PAGES: Final = (Page("/settings", show),)
