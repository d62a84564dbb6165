"""What an operator may do to an account: block, unblock, another plan, refund, mail again.

Every action is decided under the account's lock, with its reason in the audit log.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from domain import accounts, audit, decisions, refunds, revisions, subscriptions
from domain.accounts import Account
from domain.errors import Refused
from domain.money import Money
from domain.payments import Payment
from domain.subscriptions import Target
from domain.work import Work
from webhooks.api.accounts import AccountPath
from webhooks.api.invoices import InvoicePath
from webhooks.console.page import ROOT, Action, Ask, Done, Field, Visit

INTERVALS: Final = ("month", "year")
_Reason = Annotated[str, Meta(max_length=audit.LONGEST_REASON)]


class ReasonForm(msgspec.Struct, frozen=True, kw_only=True):
    """Why, and nothing else."""

    reason: _Reason = ""


class ChangeForm(msgspec.Struct, frozen=True, kw_only=True):
    """What the account is to have."""

    plan: Annotated[str, Meta(max_length=40)]
    interval: Annotated[str, Meta(max_length=10)]
    agents: Annotated[int, Meta(ge=1, le=100_000)]
    conversations: Annotated[int, Meta(ge=0, le=10_000_000)]
    reason: _Reason = ""


class RefundForm(msgspec.Struct, frozen=True, kw_only=True):
    """How much; left out: all that is left."""

    amount: Annotated[str, Meta(max_length=20)] | None = None
    reason: _Reason = ""


class PaymentPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which payment of which account."""

    ref: str
    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]


def block(visit: Visit, path: AccountPath, form: ReasonForm) -> Done:
    """Block it."""
    by = visit.decider(form.reason)
    audit.needs_reason(by)
    with visit.database.transaction() as session:
        work = _work(visit, session, path.ref)
        decisions.block(work, by.reason.strip())
        audit.record(session, by, "block", "account", path.ref, account_id=work.account.id)
    return _done(visit, path.ref, visit.say("The account is blocked."))


def unblock(visit: Visit, path: AccountPath, form: ReasonForm) -> Done:
    """Lift its block."""
    by = visit.decider(form.reason)
    audit.needs_reason(by)
    with visit.database.transaction() as session:
        work = _work(visit, session, path.ref)
        lifted = work.account.blocked_reason
        decisions.unblock(work, by.reason.strip())
        audit.record(
            session, by, "unblock", "account", path.ref, account_id=work.account.id, lifted=lifted
        )
    return _done(visit, path.ref, visit.say("The block is lifted."))


def change(visit: Visit, path: AccountPath, form: ChangeForm) -> Done:
    """Order something else for it, also what a customer may not (year → month)."""
    by = visit.decider(form.reason)
    audit.needs_reason(by)
    target = Target(
        plan=form.plan,
        interval=form.interval,
        agents=form.agents,
        conversations=form.conversations,
    )
    with visit.database.transaction() as session:
        work = _work(visit, session, path.ref)
        order = decisions.change(work, target, by.reason.strip())
        told = msgspec.to_builtins(target)
        audit.record(session, by, "order", "order", order.id, account_id=work.account.id, **told)
        state = visit.speech.term(order.state)
    return _done(visit, path.ref, visit.say("The order is placed; it is {state}.", state=state))


def refund(visit: Visit, path: PaymentPath, form: RefundForm) -> Done:
    """Give a payment back, whole or in part."""
    by = visit.decider(form.reason)
    audit.needs_reason(by)
    with visit.database.transaction() as session:
        work = _work(visit, session, path.ref)
        payment = _payment(session, work.account, path.id)
        amount = _amount(visit, form.amount, payment.currency)
        wanted = refunds.request(work, payment, amount, by.reason.strip())
        told = {"refund": wanted.id, "amount": str(wanted.money)}
        audit.record(
            session, by, "refund", "payment", payment.id, account_id=work.account.id, **told
        )
    return _done(visit, path.ref, visit.say("The refund is on its way."))


def resend(visit: Visit, path: InvoicePath, form: ReasonForm) -> Done:
    """Mail an invoice or credit note again."""
    by = visit.decider(form.reason)
    audit.needs_reason(by)
    with visit.database.transaction() as session:
        owner = revisions.find(session, path.number).account_id
        work = _work(visit, session, session.get_one(Account, owner).ref)
        entry = audit.record(
            session, by, "resend", "invoice", path.number, account_id=work.account.id
        )
        session.flush()
        decisions.resend_invoice(work, revisions.find(session, path.number), str(entry.id))
    visit.services.bell.ring("perform_effects")
    return Done(f"{ROOT}/invoices/{path.number}", visit.say("The invoice is mailed again."))


def asks(visit: Visit, account: Account, has: Target | None) -> list[Ask]:
    """What may be done to the account as it is; nothing for a viewer."""
    if not visit.may_act:
        return []
    path = AccountPath(ref=account.ref)
    first = ask_to_unblock if account.status == "blocked" else ask_to_block
    return [ask_for_change(visit, account.ref, has), first(visit, path)]


def ask_to_block(visit: Visit, path: AccountPath) -> Ask:
    """Really block?"""
    text = visit.say(
        "It loses its access at once, until an operator lifts the block; no payment does."
    )
    title, button = visit.say("Block account {ref}?", ref=path.ref), visit.say("Block")
    return Ask(f"{ROOT}/accounts/{path.ref}/block", title, button, text, danger=True)


def ask_to_unblock(visit: Visit, path: AccountPath) -> Ask:
    """Really unblock?"""
    text = visit.say("It gets its access back at once, whatever the block was made for.")
    title, button = visit.say("Unblock account {ref}?", ref=path.ref), visit.say("Unblock")
    return Ask(f"{ROOT}/accounts/{path.ref}/unblock", title, button, text)


def ask_to_change(visit: Visit, path: AccountPath) -> Ask:
    """What is it to have?"""
    with visit.database.transaction() as session:
        account = accounts.find(session, path.ref)
        has = subscriptions.of(session, account.id)
    return ask_for_change(visit, path.ref, has.target if has else None)


def ask_for_change(visit: Visit, ref: str, has: Target | None) -> Ask:
    """The same, of an account at hand."""
    text = visit.say(
        "Unused time is credited. What is due is charged to the saved payment method; a year may "
        "become a month."
    )
    title, button = visit.say("What is account {ref} to have?", ref=ref), visit.say("Change plan")
    fields = _target_fields(visit, has)
    return Ask(f"{ROOT}/accounts/{ref}/order", title, button, text, fields=fields)


def ask_to_refund(visit: Visit, path: PaymentPath) -> Ask:
    """How much, and why?"""
    with visit.database.transaction() as session:
        account = accounts.find(session, path.ref)
        payment = _payment(session, account, path.id)
        left = refunds.left_of(session, payment)
    return ask_for_refund(visit, path.ref, payment, left)


def ask_for_refund(visit: Visit, ref: str, payment: Payment, left: Money) -> Ask:
    """The same, of a payment at hand."""
    title = visit.say("Give back payment {payment}?", payment=payment.reference)
    text = visit.say(
        "Up to {amount} is left of it. A credit note is issued; a full refund does not end the "
        "subscription by itself.",
        amount=visit.speech.money(left),
    )
    hint = visit.say("In {currency}; empty: all that is left.", currency=payment.currency)
    amount = Field("amount", visit.say("Amount"), hint=hint, attributes={"inputmode": "decimal"})
    address = f"{ROOT}/accounts/{ref}/payments/{payment.id}/refund"
    return Ask(address, title, visit.say("Refund"), text, danger=True, fields=[amount])


def ask_to_resend(visit: Visit, path: InvoicePath) -> Ask:
    """Really send it again?"""
    title = visit.say("Mail {number} again?", number=path.number)
    text = visit.say("It goes to the address for invoices that the account has now.")
    return Ask(f"{ROOT}/invoices/{path.number}/resend", title, visit.say("Mail again"), text)


def _target_fields(visit: Visit, has: Target | None) -> list[Field]:
    say, term = visit.say, visit.speech.term
    plans = [(name, term(name)) for name in visit.services.catalogue.plans]
    intervals = [(name, term(name)) for name in INTERVALS]
    return [
        Field("plan", say("Plan"), "choice", has and has.plan, plans, required=True),
        Field(
            "interval", say("Interval"), "choice", has and has.interval, intervals, required=True
        ),
        Field("agents", say("Agents"), "number", has.agents if has else 1, required=True),
        Field(
            "conversations",
            say("Conversations"),
            "number",
            has.conversations if has else 100,
            required=True,
        ),
    ]


def _work(visit: Visit, session: Session, ref: str) -> Work:
    account = accounts.lock(session, ref)
    return Work(session, visit.services.catalogue, account, actor=visit.decider().actor)


def _payment(session: Session, account: Account, number: int) -> Payment:
    payment = session.get(Payment, number)
    if payment is None or payment.account_id != account.id:
        said = f"Account {account.ref} has no payment {number}."
        raise Refused("payment_unknown", said, status=404, ref=account.ref, number=number)
    return payment


def _amount(visit: Visit, text: str | None, currency: str) -> Money | None:
    """What was typed, in minor units. Raises ``Refused`` for what is no amount."""
    if text is None:
        return None
    try:
        minor = Decimal(text.replace(",", ".").replace(" ", "").replace("\u00a0", "")) * 100
    except InvalidOperation:
        minor = Decimal("0.5")
    if minor != minor.to_integral_value() or not 0 < minor < 10**15:
        said = visit.say("The amount is written like 49.90, and is more than nothing.")
        raise Refused("amount_invalid", said, status=422)
    return Money(int(minor), currency)


def _done(visit: Visit, ref: str, said: str) -> Done:
    visit.services.bell.ring("perform_effects")
    return Done(f"{ROOT}/accounts/{ref}", said)


ACTIONS: Final = (
    Action("/accounts/{ref}/block", block, ask_to_block),
    Action("/accounts/{ref}/unblock", unblock, ask_to_unblock),
    Action("/accounts/{ref}/order", change, ask_to_change),
    Action("/accounts/{ref}/payments/{id}/refund", refund, ask_to_refund),
    Action("/invoices/{number}/resend", resend, ask_to_resend),
)
