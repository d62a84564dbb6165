"""Tables and a drawing of what was measured, as ``bench/RESULTS.md`` and ``bench/results.svg``."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Final

import msgspec

from bench.applied import PROBE_RATE, Applied
from bench.throughput import Results, Run

HERE: Final = Path(__file__).parent
NAMES: Final = {
    "billhook": "Billhook",
    "naive": "naive: construct_event, ORM, commit and send per request",
    "bare": "limit: a bare route that checks the HMAC",
}
WORKERS: Final = (
    "One payment event for each of as many accounts with an open order: from its "
    "acknowledgement to the commit of the active subscription with its numbered invoice."
)
COLOURS: Final = {"billhook": "#2563eb", "naive": "#9ca3af", "bare": "#d1d5db"}


class Everything(msgspec.Struct, kw_only=True):
    """What one call of ``python -m bench`` measured."""

    at: datetime
    machine: dict[str, str]
    edge: Results
    workers: dict[str, Applied]
    history: tuple[int, ...] = ()
    edge_later: Results | None = None
    workers_later: dict[str, Applied] = {}


def document(everything: Everything) -> str:
    """The whole file: what was measured on, the tables, and the words kept beside them."""
    head = [
        "# What was measured",
        "",
        "Written by `make bench ARGS=--record`; the figures are in `results.json`.",
        "",
        f"{everything.at:%Y-%m-%d %H:%M} UTC.",
        "",
        *(f"- {name}: {value}" for name, value in everything.machine.items()),
        f"- Load average while measuring: {_loads(everything)}",
        "",
        "![Acknowledged requests a second](results.svg)",
        "",
    ]
    words = HERE / "words.md"
    tail = ["", words.read_text()] if words.exists() else []
    return "\n".join([*head, tables(everything), *tail]).rstrip() + "\n"


def tables(everything: Everything) -> str:
    """Every table, one after the other."""
    parts = [
        "## The edge",
        "One web process, 64 connections, Stripe events of 3 to 5 kB, medians of the rounds.",
        _edge(everything.edge),
        _verdict(everything.edge),
        "## The workers",
        WORKERS,
        _workers(everything.workers),
        _precedence(everything.workers),
    ]
    if everything.edge_later is not None:
        parts += [
            "## With {:,} events and {:,} accounts in the store".format(*everything.history),
            _edge(everything.edge_later),
            _workers(everything.workers_later),
            _flat(everything),
        ]
    return "\n\n".join(filter(None, parts))


def _loads(everything: Everything) -> str:
    runs = [run.load for runs in everything.edge.rounds.values() for run in runs]
    runs += [each.load for each in everything.workers.values()]
    return f"{min(runs):.1f} to {max(runs):.1f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _edge(results: Results) -> str:
    head = [
        *("design", "acknowledged/s", "p50 ms", "p95 ms", "p99 ms"),
        *("CPU µs per request: web / PostgreSQL / Valkey", "web MB"),
    ]
    kinds = [(NAMES[name], runs) for name, runs in results.rounds.items()]
    kinds.append(("Billhook at half load", results.half))
    kinds += [(f"Billhook, {name}", runs) for name, runs in results.others.items()]
    return _table(head, [_edge_row(name, runs) for name, runs in kinds if runs])


def _edge_row(name: str, runs: list[Run]) -> list[str]:
    def median(of: Callable[[Run], float]) -> float:
        return statistics.median(of(run) for run in runs)

    cpu = " / ".join(f"{median(lambda run, p=p: run.cpu[p]):.0f}" for p in runs[0].cpu)  # type: ignore[misc]
    return [
        name,
        f"{median(lambda run: run.rate):.0f}",
        *(f"{median(of):.1f}" for of in (lambda r: r.p50, lambda r: r.p95, lambda r: r.p99)),
        cpu,
        f"{median(lambda run: run.memory[0]):.0f}",
    ]


def _verdict(results: Results) -> str:
    p99 = statistics.median(run.p99 for run in results.half) if results.half else 0.0
    lost = sum(run.lost for runs in results.rounds.values() for run in runs)
    memory = max(run.memory[1] for run in results.rounds["billhook"])
    rows = [
        ("times the naive design", f"{results.over_naive:.1f}", "≥ 25"),
        ("share of the limit", f"{results.of_bare:.0%}", "≥ 60 %"),
        ("p99 at half load, ms", f"{p99:.1f}", "≤ 25"),
        ("one web process at most, MB", f"{memory:.0f}", "≤ 120"),
        ("acknowledged events lost or stored twice", f"{lost}", "0"),
    ]
    return _table(["", "measured", "wanted"], rows)


def _workers(told: dict[str, Applied]) -> str:
    head = [
        *("", "payments", "applied/s", "p50 ms", "p99 ms", "web acknowledged/s", "web p99 ms"),
        "CPU µs per payment",
    ]
    names = {"steady": "100 a second", "fast": "as fast as web takes them", "burst": "a burst"}
    return _table(head, [_worker_row(names[key], each) for key, each in told.items()])


def _precedence(told: dict[str, Applied]) -> str:
    """Whether web's answers wait behind the workers."""
    burst = told.get("burst")
    if burst is None or not burst.quiet_p99:
        return ""
    times = burst.drain_p99 / burst.quiet_p99
    rows = [
        ("workers idle, ms", f"{burst.quiet_p99:.1f}", ""),
        (f"while they drain {burst.count:,} payments, ms", f"{burst.drain_p99:.1f}", ""),
        ("times", f"{times:.1f}", "≤ 2"),
    ]
    return _table([f"web's p99 at {PROBE_RATE:.0f} a second", "measured", "wanted"], rows)


def _worker_row(name: str, each: Applied) -> list[str]:
    return [
        name,
        f"{each.count:,}",
        f"{each.rate:.0f}",
        f"{each.p50:.0f}",
        f"{each.p99:.0f}",
        f"{each.acknowledged_rate:.0f}",
        f"{each.web_p99:.0f}",
        ", ".join(f"{process} {used:.0f}" for process, used in each.cpu.items()),
    ]


def _flat(everything: Everything) -> str:
    later = everything.edge_later
    if later is None:
        return ""
    edge = everything.edge
    # The machine is not alone: the limit, measured beside each, tells what it was worth then.
    web = edge.median("billhook", _cpu) / later.median("billhook", _cpu)
    rows = [
        ("CPU per request, empty ÷ full", f"{web:.2f}"),
        ("share of the limit, full ÷ empty", f"{later.of_bare / edge.of_bare:.2f}"),
    ]
    for key, name in (("steady", "p50 at 100 a second"), ("fast", "applied/s")):
        before, after = everything.workers[key], everything.workers_later[key]
        pair = (before.p50, after.p50) if key == "steady" else (after.rate, before.rate)
        rows.append((f"{name}, full against empty", f"{pair[0] / pair[1]:.2f}"))
    return _table(["flat is 1, wanted at least 0.80", ""], rows)


def _cpu(run: Run) -> float:
    return sum(run.cpu.values())


def drawing(everything: Everything) -> str:
    """Bars of the acknowledged requests a second, one for each design."""
    rates = {name: everything.edge.median(name) for name in everything.edge.rounds}
    most = max(rates.values())
    bars = []
    for line, (name, rate) in enumerate(rates.items()):
        top, width = 50 + 60 * line, max(2, round(560 * rate / most))
        bars += [
            f'<text x="20" y="{top}">{escape(NAMES[name])}</text>',
            f'<rect x="20" y="{top + 8}" width="{width}" height="22" fill="{COLOURS[name]}"/>',
            f'<text x="{width + 28}" y="{top + 24}">{rate:.0f}</text>',
        ]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="680" height="240" '
        'font-family="system-ui, sans-serif" font-size="14" fill="#111827">'
        '<rect width="680" height="240" fill="#ffffff"/>'
        '<text x="20" y="26" font-weight="600">Acknowledged requests a second, one web process, '
        f"64 connections</text>{''.join(bars)}</svg>\n"
    )
