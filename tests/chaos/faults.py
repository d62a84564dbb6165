"""Everything that goes wrong: a table of faults, each for a while and then mended.

A fault is a generator: it strikes, yields the seconds that it wants to last, and mends what can be
mended. Processes that ended are started again by the run's supervisor.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg import sql

from tests.chaos.site import HOSTS, KINDS, SLOT
from tests.chaos.trouble import ENDED, STOP_S, NotInOrder, Strike, Trouble
from tests.servers.databases import libpq_url


def kill_process(trouble: Trouble) -> Strike:
    """SIGKILL, and a supervisor that takes a moment."""
    trouble.site.kill(trouble.name())
    yield trouble.span(0, 0.5)


def kill_workers(trouble: Trouble) -> Strike:
    """SIGKILL of every worker at once."""
    for host in HOSTS:
        trouble.site.kill((host, "worker"))
    yield trouble.span(0, 0.5)


def kill_everything(trouble: Trouble) -> Strike:
    """The power fails: every process at once."""
    for host in HOSTS:
        for kind in KINDS:
            trouble.site.kill((host, kind))
    yield trouble.span(0, 1)


def stop_in_order(trouble: Trouble) -> Strike:
    """SIGTERM, as in a deployment."""
    name, began = trouble.name(), time.monotonic()
    pid = trouble.site.pids.get(name, 0)
    # Whoever is still beginning has nothing to put in order.
    allowed = {ENDED} if trouble.site.is_up(name) else {ENDED, 128 + signal.SIGTERM}
    status = trouble.site.end_by(name, signal.SIGTERM)
    if trouble.site.was_killed(pid):
        # Another fault had chosen the same process.
        return
    if status not in allowed and name[1] != "web":
        raise NotInOrder(f"{name} ended with status {status} after SIGTERM")
    if (took := time.monotonic() - began) > STOP_S:
        raise NotInOrder(f"{name} took {took:.1f} s to end")
    yield 0


def freeze_process(trouble: Trouble) -> Strike:
    """A process stands still and goes on later, with whatever it believed to hold."""
    name = trouble.name()
    trouble.site.send(name, signal.SIGSTOP)
    yield trouble.span(0.5, 3)
    trouble.site.send(name, signal.SIGCONT)


def restart_store(trouble: Trouble) -> Strike:
    """PostgreSQL is restarted in order."""
    trouble.site.postgres.stop()
    yield trouble.span(0, 1)
    trouble.site.postgres.start()


def kill_store(trouble: Trouble) -> Strike:
    """PostgreSQL crashes and recovers."""
    trouble.site.postgres.kill()
    yield trouble.span(0, 1)
    trouble.site.postgres.start()


def freeze_store(trouble: Trouble) -> Strike:
    """PostgreSQL takes connections and does not answer."""
    with trouble.site.postgres_frozen():
        yield trouble.span(0.5, 4)


def end_sessions(trouble: Trouble) -> Strike:
    """An administrator ends every session of the database."""
    url = libpq_url(trouble.site.postgres.url())
    with psycopg.connect(url, autocommit=True) as connection:
        ended = sql.SQL(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = {} AND pid <> pg_backend_pid()"
        )
        connection.execute(ended.format(sql.Literal(trouble.seed)))
    yield 0


def fill_disk(trouble: Trouble) -> Strike:
    """Nothing more fits on the disk of the database."""
    with trouble.site.full_disk():
        yield trouble.span(0.5, 2)


def turn_read_only(trouble: Trouble) -> Strike:
    """The database takes no writes, as after a failover to a standby."""
    url = libpq_url(trouble.site.postgres.url())
    change = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    for state, span in (("on", trouble.span(0.5, 2)), ("off", 0.0)):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(change.format(sql.Identifier(trouble.seed), sql.Literal(state)))
        for _ in end_sessions(trouble):
            pass
        if span:
            yield span


def flush_queue(trouble: Trouble) -> Strike:
    """The queue forgets everything."""
    trouble.site.valkey.flush()
    yield 0


def restart_queue(trouble: Trouble) -> Strike:
    """The queue dies, stays away, and comes back empty."""
    trouble.site.valkey.kill()
    yield trouble.span(0.2, 2)
    trouble.site.valkey.start()


def freeze_queue(trouble: Trouble) -> Strike:
    """The queue takes connections and does not answer."""
    process = trouble.site.valkey._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    yield trouble.span(0.5, 3)
    os.kill(process.pid, signal.SIGCONT)


def slow_network(trouble: Trouble) -> Strike:
    """Every piece between a host and a server takes long."""
    wire = trouble.wire()
    trouble.site.set(wire, "slow", trouble.span(0.02, 0.15))
    yield trouble.span(1, 3)
    trouble.site.set(wire, "pass")


def cut_network(trouble: Trouble) -> Strike:
    """Connections are reset, again and again."""
    wires = [trouble.wire(), trouble.wire("postgres"), "front"]
    for wire in wires:
        trouble.site.cut(wire)
        yield trouble.span(0.05, 0.5)


def silent_network(trouble: Trouble) -> Strike:
    """Nothing arrives between a host and a server, and nobody is told."""
    wire = trouble.wire()
    trouble.site.set(wire, "silent")
    yield trouble.span(0.5, 4)
    trouble.site.set(wire, "pass")


def cut_host_off(trouble: Trouble) -> Strike:
    """A host is cut off from everything and returns with all its processes."""
    host = trouble.host()
    if trouble.site.machine.apart:
        trouble.site.machine.plug(host, connected=False)
        yield trouble.span(1, 5)
        trouble.site.machine.plug(host, connected=True)
        return
    wires = [trouble.site.wire(host, server) for server in ("postgres", "valkey")]
    for wire in wires:
        trouble.site.set(wire, "silent")
    yield trouble.span(1, 5)
    for wire in wires:
        trouble.site.set(wire, "pass")
        trouble.site.cut(wire)


def step_clock(trouble: Trouble) -> Strike:
    """The clock of one process's machine is wrong by up to four minutes, and put right."""
    slot = SLOT[trouble.name()]
    trouble.site.hourglass.set(slot, trouble.span(-240, 240))
    yield trouble.span(1, 4)
    trouble.site.hourglass.set(slot, 0)


def slow_provider(trouble: Trouble) -> Strike:
    """A provider's API takes its time."""
    yield from _provider(trouble, "slow", trouble.span(0.3, 2), 0.5)


def failing_provider(trouble: Trouble) -> Strike:
    """A provider's API fails."""
    yield from _provider(trouble, trouble.dice.choice(("error", "rate_limit")), 0, 0.5)


def silent_provider(trouble: Trouble) -> Strike:
    """A provider does the work and does not say so, or neither."""
    kind = trouble.dice.choice(("timeout", "timeout", "timeout_before"))
    yield from _provider(trouble, kind, trouble.span(0, 1), 0.5)


def untidy_webhooks(trouble: Trouble) -> Strike:
    """Webhooks come doubled, late, and in another order."""
    faults = trouble.outside.world.faults
    added = [
        faults.add({"kind": "duplicate", "probability": 0.4}),
        faults.add({"kind": "reorder", "probability": 0.3}),
        faults.add({"kind": "delay", "probability": 0.2, "seconds": 0.7}),
    ]
    yield trouble.span(2, 4)
    for each in added:
        faults.clear(each)


def _provider(trouble: Trouble, kind: str, seconds: float, probability: float) -> Strike:
    faults = trouble.outside.world.faults
    added = [
        faults.add({"kind": kind, "provider": name, "seconds": seconds, "probability": probability})
        for name in trouble.dice.sample(("stripe", "paypal"), trouble.dice.randint(1, 2))
    ]
    yield trouble.span(1, 3)
    for each in added:
        faults.clear(each)


FAULTS: Final[dict[Callable[[Trouble], Strike], int]] = {
    kill_process: 4,
    kill_workers: 3,
    kill_everything: 2,
    stop_in_order: 2,
    freeze_process: 3,
    restart_store: 2,
    kill_store: 3,
    freeze_store: 2,
    end_sessions: 2,
    fill_disk: 3,
    turn_read_only: 1,
    flush_queue: 1,
    restart_queue: 2,
    freeze_queue: 1,
    slow_network: 2,
    cut_network: 3,
    silent_network: 2,
    cut_host_off: 3,
    step_clock: 3,
    slow_provider: 2,
    failing_provider: 2,
    silent_provider: 4,
    untidy_webhooks: 4,
}
"""Every fault and how often it comes, compared with the others."""
NEEDS_DISK: Final = fill_disk
GENTLE: Final = (
    kill_process,
    freeze_process,
    step_clock,
    slow_provider,
    failing_provider,
    silent_provider,
    untidy_webhooks,
)
"""Those that may happen at the same time as another."""
