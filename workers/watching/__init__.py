"""What the watch looks at: one function per rule, which tells what it sees at this moment.

``LOOKS`` are cheap and done every 15 seconds, ``SLOW_LOOKS`` every minute. Each is a few bounded
queries over indexes. The thresholds stand in ``domain/alert_rules.py``.
"""

from __future__ import annotations

from typing import Final

from workers.watching import books, deliveries, machine, money, months, queues
from workers.watching.sight import Look

LOOKS: Final[dict[str, Look]] = {
    "parked_events": queues.parked_events,
    "oldest_unfinished": queues.oldest_unfinished,
    "failure_rate": queues.failure_rate,
    "effects_stuck": queues.effects_stuck,
    "effects_parked": queues.effects_parked,
    "signature_failures": deliveries.signature_failures,
    "secret_trouble": deliveries.secret_trouble,
    "certificate_trouble": deliveries.certificate_trouble,
    "clock_not_seen": machine.clock_not_seen,
    "worker_not_seen": machine.worker_not_seen,
    "sink_failing": machine.sink_failing,
}
SLOW_LOOKS: Final[dict[str, Look]] = {
    "provider_silent": deliveries.provider_silent,
    "renewals_failing": money.renewals_failing,
    "invariant_broken": books.invariants_broken,
    "number_series_hole": books.number_series_hole,
    "month_held_back": months.month_held_back,
}
