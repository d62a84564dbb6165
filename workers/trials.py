"""The job of dry runs: works an event in a transaction that is rolled back, and keeps what it saw.

Nobody outside notices anything: charges, mails and readings are effects, which are rows, and the
rows are taken back with the rest. No paper gets a number, no counter moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

import msgspec
import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from domain import accounts, history, inbox, payloads, trials
from domain.accounts import Account
from domain.effects import Effect
from domain.history import HistoryEntry
from domain.inbox import Event
from domain.trials import Trial
from workers import event_work, outcomes
from workers.event_work import Job
from workers.observing import Change, Observer
from workers.runtime import Runtime

APART: Final = frozenset({"events", "attempts", "effects", "history", "alerts", "invoices"})
"""Tables that a result tells of in its own words."""
Result = dict[str, Any]
log = structlog.get_logger()


class _TakenBack(Exception):
    """Ends the transaction without a commit; carries what was seen in it."""

    def __init__(self, result: Result) -> None:
        super().__init__("a dry run is rolled back")
        self.result = result


def drain(runtime: Runtime) -> int:
    """Run every trial that is wanted; returns how many."""
    total = 0
    while (trial := _claim(runtime)) is not None:
        result = attempt(runtime, trial.event_id)
        # The rows of the trial are written apart: those of the attempt were rolled back.
        with runtime.database.transaction() as session:
            trials.finish(trials.find(session, trial.id), result)
        total += 1
    return total


def attempt(runtime: Runtime, event_id: int) -> Result:
    """What working the event now would do.

    ``outcome`` is the status that it would have (``note`` says why), ``error`` how it would fail;
    ``needs`` what would have to be read from the provider first, which a dry run does not do;
    ``facts``; ``changes`` of rows; ``effects`` that would be wanted or are done already;
    ``history``, ``alerts`` and ``invoices`` that there would be.
    """
    try:
        with runtime.database.transaction() as session, bound_contextvars(dry_run=event_id):
            _take_back(_run(runtime, session, event_id))
    except _TakenBack as taken_back:
        return taken_back.result


def _take_back(result: Result) -> NoReturn:
    raise _TakenBack(result)


def _claim(runtime: Runtime) -> Trial | None:
    with runtime.database.transaction() as session:
        return trials.claim(session)


def _run(runtime: Runtime, session: Session, event_id: int) -> Result:
    event = inbox.find(session, event_id, lock=True)
    body = payloads.read(session, [event]).get(event.id)
    if body is None:
        return _told(Job(event, b""), "parked", note="its payload was dropped by age")
    job = Job(event, body)
    event_work.read(runtime, session, job)
    if job.error is not None:
        return _failed(job, job.error)
    if job.translation.ignored or not (job.translation.facts or job.translation.needs):
        return _told(job, "ignored", note=job.translation.ignored or "nothing for us in it")
    if job.translation.needs:
        return _told(job, "waiting", note="it must be read from the provider first")
    return _decided(runtime, session, job)


def _decided(runtime: Runtime, session: Session, job: Job) -> Result:
    event_work.assign(session, [job])
    locked = _locked(session, job.account_id)
    session.flush()
    observer, before = Observer(session), session.scalar(select(func.max(Effect.id))) or 0
    try:
        with session.begin_nested():
            event_work.apply(runtime, session, job, locked)
            session.flush()
    except Exception as error:  # noqa: BLE001 - it is the result
        return _failed(job, error)
    account = locked[job.account_id].ref if job.account_id else None
    seen = _seen(observer.changes())
    seen["effects"] = [*_wanted(session, job.event, before), *seen["effects"]]
    return _told(job, "processed", account=account, **seen)


def _wanted(session: Session, event: Event, before: int) -> list[dict[str, Any]]:
    """The effects that the event has wanted since. They are asked for, since rules may have them
    written in ways that an observer of the session does not see."""
    statement = select(Effect).where(Effect.event_id == event.id, Effect.id > before)
    return [
        {
            "kind": effect.kind,
            "target": effect.target,
            "cause": effect.cause,
            "would": "be wanted",
            "payload": effect.payload,
        }
        for effect in session.scalars(statement.order_by(Effect.id))
    ]


def _locked(session: Session, account_id: int | None) -> dict[int, Account]:
    if account_id is None:
        return {}
    # A person waits for it: unlike the job it does not leave a busy account for later.
    account = accounts.lock(session, session.get_one(Account, account_id).ref)
    return {account.id: account}


def _failed(job: Job, error: Exception) -> Result:
    failure = outcomes.judge(error, job.event.type, 1)
    shown = {
        "error": failure.error,
        "fingerprint": failure.fingerprint,
        "traceback": failure.traceback,
    }
    return _told(job, failure.status, note=failure.error, error=shown)


def _told(job: Job, outcome: str, *, note: str | None = None, **more: Any) -> Result:
    """The result, as plain data."""
    result = {
        "outcome": outcome,
        "note": note,
        "error": None,
        "account": None,
        "needs": [str(need) for need in job.translation.needs],
        "facts": job.translation.facts,
        "changes": [],
        "effects": [],
        "history": [],
        "alerts": [],
        "invoices": [],
        **more,
    }
    return msgspec.to_builtins(result)  # type: ignore[no-any-return]


def _seen(changes: Sequence[Change]) -> Result:
    new = {
        name: [each.after for each in changes if each.table == name and each.action == "insert"]
        for name in APART
    }
    repeated = (each["error"] for each in new["attempts"] if each.get("error"))
    return {
        "changes": [each for each in changes if each.table not in APART],
        "effects": [_repeated(line) for line in repeated],
        "history": [history.sentence(HistoryEntry(**each)) for each in new["history"]],
        "alerts": [_alert(each) for each in changes if each.table == "alerts"],
        "invoices": [_paper(each) for each in new["invoices"]],
    }


def _repeated(line: str) -> dict[str, Any]:
    """From the journal's line: ``kind target: already done``."""
    named, _, state = line.rpartition(": ")
    kind, _, target = named.partition(" ")
    return {"kind": kind, "target": target, "cause": None, "would": f"be {state}", "payload": {}}


def _alert(change: Change) -> dict[str, Any]:
    named = {**change.key, **change.after}
    would = "be resolved" if change.after.get("state") == "resolved" else "be raised"
    return {"rule": named.get("rule"), "subject": named.get("subject"), "would": would}


def _paper(values: dict[str, Any]) -> dict[str, Any]:
    names = ("kind", "series", "cause", "order_id", "net", "vat", "total", "currency")
    return {name: values.get(name) for name in names}
