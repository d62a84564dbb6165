"""``/metrics``: the figures of the processes and of the database, for Prometheus.

For the machine itself, or for whoever has a token: the figures tell how business goes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from ipaddress import ip_address
from time import monotonic
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain import figures, telemetry
from domain.database import Database
from domain.figures import Figure
from webhooks import auth, problems
from webhooks.api.parts import Services
from webhooks.hands import Hands
from webhooks.sessions import Caller

KEEP_S: Final = 5.0
"""So long what the database told is told again: nobody makes it work by asking often."""
THREADS: Final = 2
READERS: Final = frozenset({"viewer"})
FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")
MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
AWAY: Final = Figure(
    name="billhook_store_up", means="Whether the database answers.", values={(): 0}
)

log = structlog.get_logger()


class Figures:
    """Collects the figures of the database, at most every few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._read: list[Figure] = []
        self._until = 0.0

    def describe(self) -> list[Any]:
        """Nothing: otherwise the library would collect at once, to learn the names."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures in the form of the library."""
        for figure in self._now():
            family = GaugeMetricFamily(figure.name, figure.means, labels=figure.labels)
            for labels, value in figure.values.items():
                family.add_metric(labels, value)
            yield family

    def _now(self) -> list[Figure]:
        with self._lock:
            if monotonic() >= self._until:
                self._read, self._until = self._ask(), monotonic() + KEEP_S
            return self._read

    def _ask(self) -> list[Figure]:
        try:
            with self._database.transaction() as session:
                return list(figures.all_figures(session))
        except Exception as error:  # noqa: BLE001 - the processes' own figures are worth having
            log.warning("figures_unavailable", error=type(error).__name__)
            return [AWAY]


def route(services: Services, *, of_the_store: bool = True) -> Route:
    """``GET /metrics``; without what the database tells where others tell it already."""
    registry = CollectorRegistry()
    if of_the_store:
        registry.register(Figures(services.database))
    hands = Hands(THREADS, "metrics")

    async def metrics(request: Request) -> Response:
        if not _is_this_machine(request):
            refusal = await hands.run(_refusal, services, request)
            if refusal is not None:
                return refusal
        return Response(await hands.run(_text, registry), media_type=MEDIA_TYPE)

    return Route("/metrics", metrics, name="metrics")


def _text(registry: CollectorRegistry) -> bytes:
    return telemetry.exposition() + generate_latest(registry)


def _is_this_machine(request: Request) -> bool:
    """Whether the call comes from this host, was not passed on by a proxy on it, and was not sent
    by a browser here that some site told its own name leads here."""
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback and _is_near(request.url.hostname)
    except ValueError:
        return False


def _is_near(host: str | None) -> bool:
    """Whether a host is named by its address, or by a name that nobody can register."""
    if not host or "." not in host:
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _refusal(services: Services, request: Request) -> Response | None:
    """Why the caller may not read the figures; None when it may."""
    caller = Caller(
        settings=services.settings,
        headers=request.headers,
        method=request.method,
        scheme=request.url.scheme,
    )
    try:
        auth.authorise(auth.authenticate(services.database, caller), READERS)
    except auth.NotSignedIn as error:
        challenge = {"WWW-Authenticate": error.challenge}
        return problems.response(401, "not_signed_in", str(error), challenge)
    except auth.NotAllowed as error:
        return problems.response(403, "role_missing", str(error))
    return None
