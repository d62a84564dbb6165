"""What must be true at the end of a run: nothing lost, nothing twice, all as in the undisturbed
run, every invariant, and no error that nobody expected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import select

from domain import catalogue as catalogues
from domain import invariants
from domain.effects import Effect
from domain.inbox import Attempt, Event
from tests.chaos.ledger import differences, ledger
from tests.chaos.run import Run
from tests.chaos.site import insist

EXPECTED_ERRORS: Final = ("Transient:", "NotYet:", "Unknown:")
"""What a try may fail with while others fail; anything else is a bug of ours."""
ALARMS: Final = re.compile(
    r"Traceback|request_failed|flush_failed|duty_failed|tick_failed|delivery_not_stored"
    r"|Exception in ASGI|never retrieved|Task was destroyed"
)
"""What no process may ever write."""
MOST: Final = 12

Ledgers = Mapping[str, Sequence[str]]
"""By life: the lines to which the undisturbed run came."""


def ledgers(run: Run) -> dict[str, list[str]]:
    """What each life came to."""
    with run.database.transaction() as session:
        return {p.life.name: ledger(session, p.ref, run.outside) for p in run.people}


def unpaid(expected: Ledgers) -> list[str]:
    """Lives for which no provider took money: every life pays, so we would not look there."""
    return [
        f"no money is seen at a provider of {name}"
        for name, lines in expected.items()
        if not any(" took " in line for line in lines)
    ]


def violations(run: Run, expected: Ledgers) -> list[str]:
    """Everything that is not as it must be, in words."""
    found = list(run.failures)
    for check in (_lost, _broken, _surprises, _alarms):
        found += insist(partial(check, run))
    if not run.failures:
        found += insist(partial(_different, run, expected))
    if run.around.answers[500]:
        found.append(f"the app was told {run.around.answers[500]} × that it is our fault (500)")
    return found


def figures(run: Run) -> dict[str, int]:
    """What happened, counted."""
    twice = sum(number - 1 for number in run.outside.post_office.taken.values())
    return {
        "accounts": len(run.people),
        "events": len(run.outside.acknowledged()),
        "mails": len(run.outside.post_office.taken),
        "sent_again": twice,
    }


def answers(run: Run) -> str:
    """One line of what the app was answered."""
    told = " ".join(f"{status}:{n}" for status, n in sorted(run.around.answers.items()))
    return f"answers={told} slowest={run.around.slowest:.1f}s"


def _lost(run: Run) -> list[str]:
    with run.database.transaction() as session:
        rows = session.execute(select(Event.provider, Event.provider_event_id))
        received = {(provider, event_id) for provider, event_id in rows}
    lost = run.outside.acknowledged() - received
    undelivered = run.outside.undelivered()
    return [
        *(f"lost although acknowledged: {provider} {event}" for provider, event in sorted(lost)),
        *(f"never accepted: {each}" for each in undelivered[:MOST]),
    ]


def _broken(run: Run) -> list[str]:
    with run.database.transaction() as session:
        return [str(each) for each in invariants.broken(session, catalogues.load())][:MOST]


def _surprises(run: Run) -> list[str]:
    """Tries that failed by a bug, things left to a person, and mails that nobody wanted."""
    with run.database.transaction() as session:
        errors = session.scalars(select(Attempt.error).where(Attempt.error.is_not(None))).all()
        keys = {e.key for e in session.scalars(select(Effect).where(Effect.kind == "send_mail"))}
        parked = [
            f"parked: {row.kind} {row.note}"
            for row in session.scalars(select(Effect).where(Effect.status == "parked"))
        ]
    odd = Counter(e for e in errors if e and _is_odd(e))
    sent = {key.strip("<>").partition("@")[0] for key in run.outside.post_office.taken}
    return [
        *(f"{number} × unexpected: {error}" for error, number in odd.most_common(MOST)),
        *parked[:MOST],
        *(f"a mail that was never wanted: {key}" for key in sorted(sent - keys)[:MOST]),
    ]


def _is_odd(error: str) -> bool:
    # "already …" is the journal's line about a repetition.
    return not error.startswith(EXPECTED_ERRORS) and ": already " not in error


def _alarms(run: Run) -> list[str]:
    found: Counter[str] = Counter()
    for log in sorted(run.site.run_directory.glob("*.log")):
        for line in log.read_text(errors="replace").splitlines():
            if ALARMS.search(line):
                found[f"{log.stem} wrote: {line[:600]}"] += 1
    return [f"{number} × {line}" for line, number in found.most_common(MOST)]


def _different(run: Run, expected: Ledgers) -> list[str]:
    found = []
    with run.database.transaction() as session:
        for person in run.people:
            lines = ledger(session, person.ref, run.outside)
            life = person.life
            other = differences(expected[life.name], lines, prorated=life.prorated)
            found += [f"{person.ref}: {line}" for line in other]
    return found[: 3 * MOST]
