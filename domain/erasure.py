"""Erases the personal data of an account on request, by destroying its data key (ADR 0018).

What the law wants kept stays: ids, amounts, invoices and the audit log. What is not sealed is
overwritten. Nothing is erased while money is on its way, since nobody could say any more whose.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from domain import announcements, audit, data_keys, effects, subscriptions, unsettled
from domain.audit import Decider
from domain.effects import Effect
from domain.errors import Refused
from domain.history import HistoryEntry
from domain.inbox import Attempt, Event, Payload
from domain.methods import PaymentMethod
from domain.orders import Order
from domain.payments import Payment
from domain.readings import StoredReading
from domain.subscriptions import OURS
from domain.terminations import CANCEL_SUBSCRIPTION
from domain.trials import Trial
from domain.vat_numbers import VatCheck
from domain.work import Work

ERASED: Final = "erased"
"""The reason for which a subscription ends that ran until the erasure."""
PERSONAL: Final = frozenset(
    {"send_mail", "open_method_entry", "complete_method_entry", "check_vat_number"}
)
"""Effects that hold personal data; none of them need happen any more."""
MOST_TOLD: Final = 10
"""How much of what is unsettled one sentence names."""
COVER: Final = "····"
_MEANS: Final = ("method", "means")
"""Where the details of a happening tell a means of payment."""


def erase(work: Work, by: Decider, *, end_now: bool = False) -> dict[str, int]:
    """Erase what is personal; returns how much of what. Repeated, it reaches what came since.

    Raises ``Refused`` without a reason, while money is on its way (naming it), and while the
    subscription runs, unless it is to ``end_now``.
    """
    audit.needs_reason(by)
    _refuse_running(work, end_now)
    _refuse_in_flight(work)
    _end_subscription(work)
    key = data_keys.destroy(work.session, work.account.id)
    done = {
        "payment_methods": _forget_methods(work),
        "effects": _blank_effects(work),
        "payloads": _cut_off_events(work, key),
        "readings": _cut_off_readings(work, key),
        "other_rows": _blank_rows(work),
    }
    _blank_account(work)
    work.note("personal_data_erased")
    audit.record(
        work.session, by, "erase", "account", work.account.ref, account_id=work.account.id, **done
    )
    return done


def _refuse_running(work: Work, end_now: bool) -> None:
    subscription, ref = work.subscription, work.account.ref
    if subscription is not None and subscription.is_running and not end_now:
        raise Refused(
            "subscription_runs",
            f"The subscription of account {ref!r} runs until {subscription.period_end:%Y-%m-%d}: "
            "it is paid for. Wait for its end or refund it, or end it now (--end-now, `end_now`).",
            ref=ref,
            until=subscription.period_end,
        )


def _refuse_in_flight(work: Work) -> None:
    found = unsettled.of(work.session, work.account.id)
    if found:
        told = "; ".join(map(str, found[:MOST_TOLD]))
        raise Refused(
            "erasure_too_early",
            f"Account {work.account.ref!r} cannot be erased yet: {told}. Have that come to its end "
            "first (retry it, dismiss it, cancel it).",
            ref=work.account.ref,
        )


def _end_subscription(work: Work) -> None:
    subscription = work.subscription
    if subscription is None:
        return
    cause = f"erasure:{work.account.id}:{work.now.isoformat()}"
    if subscriptions.switch_off_renewal(subscription, ERASED):
        work.note("auto_renew_off", reason=ERASED)
    reference = subscription.managed_reference
    if not subscription.is_running:
        return
    if subscription.managed_by != OURS and reference is not None:
        work.want(CANCEL_SUBSCRIPTION, reference, cause, provider=subscription.managed_by)
    if subscriptions.end(subscription, "ended", work.now):
        work.note("subscription_ended", reason=ERASED)
        announcements.tell_app(work, "subscription.ended", cause)


def _forget_methods(work: Work) -> int:
    """The provider is asked to forget them, too; the token stays known as removed, so that a late
    report does not bring it back."""
    owned = PaymentMethod.account_id == work.account.id
    rows = work.session.scalars(select(PaymentMethod).where(owned)).all()
    for row in rows:
        if row.removed_at is None:
            row.removed_at = work.now
            work.want("remove_method", row.token, f"method:{row.id}", provider=row.provider)
        row.brand = row.last4 = row.expires = None
    return len(rows)


def _blank_effects(work: Work) -> int:
    statement = select(Effect).where(
        Effect.account_id == work.account.id, Effect.kind.in_(PERSONAL)
    )
    rows = work.session.scalars(statement.with_for_update()).all()
    for row in rows:
        if row.status in unsettled.UNFINISHED:
            effects.skip(row, "the personal data of the account were erased")
        row.payload, row.result = {}, None
        if row.kind == "check_vat_number":
            row.target = f"{ERASED}:{row.id}"
    return len(rows)


def _cut_off_events(work: Work, key: int) -> int:
    """What no data key sealed: it hangs on the destroyed one from now on, and says so."""
    mine = Event.account_id == work.account.id
    plain = select(Event.id).where(mine, Event.sealed_key.is_(None))
    work.session.execute(_silent(delete(Payload).where(Payload.event_id.in_(plain))))
    work.session.execute(
        _silent(
            update(Event)
            .where(mine, Event.data_key_id.is_(None))
            .values(sealed_key=None, sealed_by=None, data_key_id=key)
        )
    )
    return work.session.scalar(select(func.count()).select_from(Event).where(mine)) or 0


def _cut_off_readings(work: Work, key: int) -> int:
    """Those that were made for its events, whether or not they were handed over."""
    asked = select(Effect.result).where(
        Effect.kind == effects.READ_OBJECT,
        Effect.status == "done",
        or_(
            Effect.account_id == work.account.id,
            Effect.event_id.in_(_events(work.account.id)),
        ),
    )
    numbers = {(result or {}).get("sequence", 0) for result in work.session.scalars(asked)}
    rows = work.session.scalars(select(StoredReading).where(StoredReading.id.in_(numbers))).all()
    for row in rows:
        row.document, row.sealed, row.sealed_key, row.sealed_by = None, None, None, None
        row.data_key_id = key
    return len(rows)


def _blank_rows(work: Work) -> int:
    owner = work.account.id
    changes: list[Any] = [
        delete(Trial).where(Trial.event_id.in_(_events(owner))),
        delete(VatCheck).where(VatCheck.account_id == owner),
        update(Attempt)
        .where(
            Attempt.traceback.is_not(None),
            or_(
                Attempt.event_id.in_(_events(owner)),
                Attempt.effect_id.in_(select(Effect.id).where(Effect.account_id == owner)),
            ),
        )
        .values(traceback=None),
        update(Order)
        .where(Order.account_id == owner)
        .values(return_url=None, cancel_url=None, checkout_url=None),
    ]
    return sum(_changed(work.session, each) for each in changes) + _blank_means(work)


def _blank_means(work: Work) -> int:
    """The last digits of cards, wherever they were told."""
    session, owner, count = work.session, work.account.id, 0
    for entry in session.scalars(select(HistoryEntry).where(HistoryEntry.account_id == owner)):
        told: dict[str, Any] = {name: COVER for name in _MEANS if name in entry.details}
        if told:
            entry.details = {**entry.details, **told}
            count += 1
    for payment in session.scalars(select(Payment).where(Payment.account_id == owner)):
        if payment.method:
            payment.method = {"kind": payment.method.get("kind", "unknown")}
            count += 1
    return count


def _blank_account(work: Work) -> None:
    """The country stays: it says which VAT was due."""
    account = work.account
    account.email, account.erased_at = "", work.now
    country = account.billing.get("country")
    account.billing = {"country": country} if country is not None else {}


def _events(account_id: int) -> Select[int]:
    return select(Event.id).where(Event.account_id == account_id)


def _changed(session: Session, statement: Any) -> int:
    count: int = session.execute(_silent(statement)).rowcount  # type: ignore[attr-defined]
    return count


def _silent(statement: Any) -> Any:
    """For the database alone: what the session holds of these rows is not looked at again."""
    return statement.execution_options(synchronize_session=False)
