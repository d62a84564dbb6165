"""The JSON API for the app and for operators: one file per noun; ends with the list of calls."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from starlette.routing import Route

from webhooks.api import (
    account_history,
    accounts,
    alerts,
    audit,
    auto_renew,
    decisions,
    effects,
    events,
    failures,
    invoice_revisions,
    invoices,
    orders,
    payment_methods,
    quotes,
    refunds,
    replays,
    trials,
)
from webhooks.api.docs_page import route as manual_route
from webhooks.api.openapi import document
from webhooks.api.openapi import route as contract_route
from webhooks.api.operation import Operation
from webhooks.api.parts import Services
from webhooks.api.resource import Resource
from webhooks.hands import Hands

THREADS: Final = 12
"""Fewer than the database has connections: the intake must never wait for the API."""


def routes(services: Services) -> list[Route]:
    """Every route of the API, its contract and its manual."""
    hands = Hands(THREADS, "api")
    by_path: dict[str, list[Operation]] = defaultdict(list)
    for operation in OPERATIONS:
        by_path[operation.path].append(operation)
    contract = document(OPERATIONS, services.settings.public_url)
    return [
        *(Route(path, Resource(services, each, hands)) for path, each in by_path.items()),
        contract_route(contract),
        manual_route(contract),
    ]


OPERATIONS: Final[tuple[Operation, ...]] = (
    *accounts.OPERATIONS,
    *account_history.OPERATIONS,
    *auto_renew.OPERATIONS,
    *payment_methods.OPERATIONS,
    *quotes.OPERATIONS,
    *orders.OPERATIONS,
    *refunds.OPERATIONS,
    *invoices.OPERATIONS,
    *invoice_revisions.OPERATIONS,
    *decisions.OPERATIONS,
    *events.OPERATIONS,
    *effects.OPERATIONS,
    *trials.OPERATIONS,
    *failures.OPERATIONS,
    *replays.OPERATIONS,
    *alerts.OPERATIONS,
    *audit.OPERATIONS,
)
