"""Where Prometheus finds the figures of a worker or a clock, which serve nothing else.

The same page under the same rules as that of ``web``: for the machine itself, or for a token. It
has the figures of the process alone; those of the database are told by ``web``.
"""

from __future__ import annotations

import threading

import structlog
import uvicorn
from starlette.applications import Starlette

from webhooks import metrics
from webhooks.api.parts import Services
from workers.listening import bind
from workers.runtime import Runtime

SETTING = "BILLHOOK_METRICS_PORT"
CONNECTIONS = 20
"""Somebody who scrapes needs one."""

log = structlog.get_logger()


def serve(runtime: Runtime) -> None:
    """Serve ``/metrics`` until the process ends, on the port that the settings name.

    Raises ``Misconfigured`` when it is taken.
    """
    settings = runtime.settings
    services = Services(
        settings=settings,
        database=runtime.database,
        providers=runtime.providers,
        catalogue=runtime.catalogue,
        bell=runtime.bell,
    )
    app = Starlette(routes=[metrics.route(services, of_the_store=False)])
    listener = bind(settings.host, settings.metrics_port, SETTING)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="off",
        limit_concurrency=CONNECTIONS,
    )
    # A thread that nobody waits for: there is nothing to finish.
    threading.Thread(
        target=uvicorn.Server(config).run, args=([listener],), name="metrics", daemon=True
    ).start()
    log.info("metrics_served", at=f"{settings.host}:{settings.metrics_port}")
