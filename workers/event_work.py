"""One event on its way from payload to decision: read, assigned to its account, decided.

Used by the job that does it for good, and by the dry run that takes it all back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from domain import orders, payloads, resolution, rules
from domain.accounts import Account
from domain.errors import NotYet
from domain.facts import Fact
from domain.inbox import Event
from domain.invoices import Invoice
from domain.money import Money
from domain.ports import Reading, ReadingRequest
from domain.work import Work
from webhooks import translation
from webhooks.providers.provider import Translation
from workers.runtime import Runtime

LONGEST_NAME: Final = 64
AMOUNTS: Final = ("amount", "total")
"""Where facts say how much money they speak of."""


@dataclass
class Job:
    """One event of the batch on its way through."""

    event: Event
    body: payloads.Read
    translation: Translation = field(default_factory=Translation)
    error: Exception | None = None
    known: dict[ReadingRequest, Reading] = field(default_factory=dict)
    account_id: int | None = None


def read(runtime: Runtime, session: Session, job: Job) -> None:
    """Translate the event with the readings that there are; an error is kept in the job."""
    if isinstance(job.body, Exception):
        job.error = job.body
        return
    try:
        job.translation, job.known = translation.translate(
            runtime.providers, session, job.event, job.body
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this event alone
        job.error = error


def assign(session: Session, jobs: Sequence[Job]) -> None:
    """Find the accounts of the events, and note on each what it speaks of, for search."""
    subjects = {
        job.event.id: (job.event.provider, job.translation.facts)
        for job in jobs
        if job.translation.facts
    }
    owners = resolution.resolve(session, subjects)
    for job in jobs:
        job.account_id = owners.get(job.event.id)
        _remember_keys(job)
    _remember_claims(session, jobs)


def _remember_keys(job: Job) -> None:
    facts = job.translation.facts
    job.event.account_id = job.account_id or job.event.account_id
    job.event.order_id = next(iter(resolution.values_of(facts, "order")), job.event.order_id)
    job.event.payment = next(iter(resolution.values_of(facts, "payment")), job.event.payment)
    money = _money(facts)
    if money is not None:
        job.event.amount, job.event.currency = money.amount, money.currency


def _remember_claims(session: Session, jobs: Sequence[Job]) -> None:
    """Note what an event claims that must be read first, so that it is found, and counted with
    its money, while it is stuck. Rules see facts alone."""
    claims = [(job.event, job.translation.claim) for job in jobs]
    named = {claim.order or "" for _, claim in claims if claim is not None and is_name(claim.order)}
    owners = orders.owners(session, named) if named else {}
    for event, claim in claims:
        if claim is None:
            continue
        if claim.order is not None and claim.order in owners:
            event.order_id = event.order_id or claim.order
            event.account_id = event.account_id or owners[claim.order]
        if claim.amount is not None and abs(claim.amount.amount) < translation.MOST:
            event.amount, event.currency = claim.amount.amount, claim.amount.currency
        if is_name(claim.payment):
            event.payment = event.payment or claim.payment


def is_name(name: str | None) -> bool:
    """Whether a name may be one of ours or of a provider's: short, and without odd letters."""
    return name is not None and len(name) <= LONGEST_NAME and name.isascii() and name.isprintable()


def _money(facts: Sequence[Fact]) -> Money | None:
    said = (getattr(fact, name, None) for fact in facts for name in AMOUNTS)
    return next((value for value in said if isinstance(value, Money)), None)


def apply(
    runtime: Runtime,
    session: Session,
    job: Job,
    locked: Mapping[int, Account],
) -> list[Invoice]:
    """Apply the facts under the account's lock; returns papers that still need their number.

    Raises ``NotYet`` when no account is known by what the event says, and what the rules raise.
    """
    unknown = stranger(job)
    if unknown is not None or job.account_id is None:
        raise unknown or NotYet("it says nothing")
    account = locked[job.account_id]
    event = job.event
    work = Work(session, runtime.catalogue, account, provider=event.provider, event_id=event.id)
    with bound_contextvars(account=account.ref):
        for fact in job.translation.facts:
            rules.apply(fact, work)
    return work.papers


def stranger(job: Job) -> NotYet | None:
    """What to say of an event about money or methods of nobody who is known."""
    says = job.translation
    if job.account_id is not None or says.needs or says.ignored or not says.facts:
        return None
    return NotYet(_unmatched(says.facts))


def _unmatched(facts: Sequence[Fact]) -> str:
    names = (
        f"{key} {value}" for key in resolution.KEYS for value in resolution.values_of(facts, key)
    )
    return f"no account is known by {', '.join(names) or 'anything it says'}"
