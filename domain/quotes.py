"""Quotes: what a target costs, before anything is paid (BILLING 3). An answer, never a document."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from domain import clock, credit, periods, subscriptions, vat, vat_numbers
from domain.accounts import Account
from domain.catalogue import Catalogue, Plan
from domain.errors import Refused
from domain.money import Money, round_half_even, zero
from domain.subscriptions import OURS, Subscription, Target
from domain.vat_numbers import Evidence


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One priced line; ``item`` is ``agents`` or ``conversations``, prices are net."""

    item: str
    plan: str
    interval: str
    quantity: int
    unit_price: Money
    net: Money


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What is bought, for how much, for when.

    ``net`` is the lines less the ``discount`` (unused time of the running period, at most the
    price); ``total`` is ``net`` plus ``vat``; ``due`` is ``total`` less ``credit_used``.
    ``credit_earned`` is what is left of the unused time when it exceeds the price; like all
    credit it is money including the tax that was paid with it.
    """

    target: Target
    currency: str
    lines: tuple[Line, ...]
    price: Money
    discount: Money
    net: Money
    vat_treatment: str
    vat_country: str
    vat_percent: str
    vat: Money
    total: Money
    credit_used: Money
    due: Money
    credit_earned: Money
    period_start: datetime
    period_end: datetime
    vat_evidence: Evidence | None = None
    """Of a reverse charge."""


def make(
    session: Session, catalogue: Catalogue, account: Account, target: Target, *, by_us: bool = False
) -> Quote:
    """Price ``target`` for ``account`` as of now.

    ``by_us`` lifts the refusal of year → month for an operator. Raises ``Refused``.
    """
    check(catalogue, target)
    now = clock.now()
    running = _running(session, account)
    if running is not None and not by_us:
        _refuse_shortening(running, target)
    lines = price_lines(catalogue, target, account.currency)
    unused = _unused(running, now) if running else zero(account.currency)
    end = periods.next_end(now, target.interval, periods.anchor_of(now))
    return compose(session, catalogue, account, target, lines, unused, (now, end))


def of_renewal(
    session: Session, catalogue: Catalogue, account: Account, subscription: Subscription
) -> Quote:
    """Price the period after the running one at today's catalogue prices (BILLING 5)."""
    target, start = subscription.target, subscription.period_end
    lines = price_lines(catalogue, target, account.currency)
    end = periods.next_end(start, target.interval, subscription.anchor_day)
    return compose(session, catalogue, account, target, lines, zero(account.currency), (start, end))


def check(catalogue: Catalogue, target: Target) -> None:
    """Raise ``Refused`` when the target is not something that is sold (BILLING 2)."""
    plan = catalogue.plans.get(target.plan)
    if plan is None:
        sold = ", ".join(catalogue.plans)
        said = f"plan {target.plan!r} is not sold: {sold}"
        raise Refused("plan_unknown", said, status=422, plan=target.plan, plans=sold)
    if target.interval not in periods.MONTHS:
        raise Refused("interval_unknown", "interval must be month or year", status=422)
    if not 1 <= target.agents <= 100_000:
        raise Refused("agents_out_of_range", "agents must be from 1 to 100000", status=422)
    _check_conversations(catalogue, plan, target)


def price_lines(catalogue: Catalogue, target: Target, currency: str) -> tuple[Line, ...]:
    """The lines of a target at today's catalogue prices."""
    packs = _packs(catalogue, target)
    agents = catalogue.agent_price(target.plan, target.interval, currency)
    lines = [_line("agents", target, target.agents, agents)]
    if packs:
        pack = catalogue.pack_price(target.interval, currency)
        lines.append(_line("conversations", target, packs, pack))
    return tuple(lines)


def compose(
    session: Session,
    catalogue: Catalogue,
    account: Account,
    target: Target,
    lines: tuple[Line, ...],
    unused: Money,
    period: tuple[datetime, datetime],
) -> Quote:
    """Put lines, unused time, tax and credit together."""
    currency = account.currency
    price = sum((line.net for line in lines), zero(currency))
    discount = min(unused, price)
    net = price - discount
    tax = decide_vat(session, catalogue, account)
    total = net + Money(tax.on(net.amount), currency)
    left = unused - discount
    held = credit.balance(session, account.id, currency)
    used = min(held, total)
    return Quote(
        target=target,
        currency=currency,
        lines=lines,
        price=price,
        discount=discount,
        net=net,
        vat_treatment=tax.treatment,
        vat_country=tax.country,
        vat_percent=str(tax.percent),
        vat=total - net,
        total=total,
        credit_used=used,
        due=total - used,
        credit_earned=left + Money(tax.on(left.amount), currency),
        period_start=period[0],
        period_end=period[1],
        vat_evidence=vat_evidence(session, catalogue, account, tax),
    )


def decide_vat(session: Session, catalogue: Catalogue, account: Account) -> vat.Decision:
    """The tax decision for the account as it stands."""
    now = clock.now()
    valid = vat_numbers.number_is_valid(session, catalogue, account, now)
    return vat.decide(catalogue, account.billing.get("country"), now.date(), number_valid=valid)


def vat_evidence(
    session: Session, catalogue: Catalogue, account: Account, tax: vat.Decision
) -> Evidence | None:
    """What a reverse charge rests on, to be kept with the sale (BILLING 9)."""
    if tax.treatment != "reverse_charge":
        return None
    return vat_numbers.evidence(session, catalogue, account, clock.now())


def unused_value(net: int, start: datetime, end: datetime, now: datetime) -> int:
    """``net × time left ÷ period length``, exact, then rounded half-even (BILLING 3)."""
    left = max(end - now, end - end)
    share = Fraction(left // _TICK, (end - start) // _TICK)
    return round_half_even(Fraction(net) * min(share, Fraction(1)))


_TICK = datetime.resolution


def _running(session: Session, account: Account) -> Subscription | None:
    subscription = subscriptions.of(session, account.id)
    if subscription is None or not subscription.is_running:
        return None
    if subscription.managed_by != OURS and subscription.auto_renew:
        raise Refused(
            "managed_elsewhere",
            f"The subscription of {account.ref!r} is run by {subscription.managed_by}; "
            "change or cancel it there first.",
            provider=subscription.managed_by,
        )
    return subscription


def _unused(running: Subscription, now: datetime) -> Money:
    value = unused_value(running.period_net, running.period_start, running.period_end, now)
    return Money(value, running.currency)


def _refuse_shortening(running: Subscription, target: Target) -> None:
    if running.interval == "year" and target.interval == "month":
        raise Refused(
            "year_to_month",
            "A yearly subscription cannot be changed to a monthly one before it ends; "
            "contact support, who can do it.",
        )


def _check_conversations(catalogue: Catalogue, plan: Plan, target: Target) -> None:
    extra = target.conversations - plan.included_conversations
    within = extra >= 0 and target.conversations <= plan.max_conversations
    if within and extra % catalogue.packs.size == 0:
        return
    raise Refused(
        "conversations_out_of_range",
        f"conversations of plan {target.plan} must be from {plan.included_conversations} to "
        f"{plan.max_conversations} in packs of {catalogue.packs.size}, not {target.conversations}",
        status=422,
        plan=target.plan,
        least=plan.included_conversations,
        most=plan.max_conversations,
        size=catalogue.packs.size,
    )


def _packs(catalogue: Catalogue, target: Target) -> int:
    included = catalogue.plan(target.plan).included_conversations
    return (target.conversations - included) // catalogue.packs.size


def _line(item: str, target: Target, quantity: int, unit: Money) -> Line:
    return Line(
        item=item,
        plan=target.plan,
        interval=target.interval,
        quantity=quantity,
        unit_price=unit,
        net=Money(unit.amount * quantity, unit.currency),
    )


def as_document(quote: Quote) -> dict[str, Any]:
    """The quote as plain JSON, as it is kept with an order."""
    document: dict[str, Any] = msgspec.to_builtins(quote)
    return document


def from_document(document: dict[str, Any]) -> Quote:
    """The quote that an order was made at."""
    return msgspec.convert(document, Quote)
