"""The invoice for money that a provider collected by itself for a period of its subscription.

There is no order and no quote: the price is the provider's, and tax is taken out of what was paid.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from domain import invoices, quotes
from domain.catalogue import Catalogue
from domain.errors import Permanent
from domain.facts import Period
from domain.invoices import Invoice
from domain.money import CURRENCIES, Money, round_half_even
from domain.payments import Payment
from domain.quotes import Line
from domain.subscriptions import Target
from domain.vat import Decision
from domain.work import Work


def issue(work: Work, payment: Payment, target: Target, period: Period) -> Invoice:
    """Make the invoice of a payment for a period, still without its number; its total is the money.

    Raises ``Permanent`` for a currency that is not sold in.
    """
    if payment.currency not in CURRENCIES:
        raise Permanent(
            f"payment {payment.reference} is in {payment.currency}, which is not sold in; refund "
            "it at the provider, or correct the price there"
        )
    tax = quotes.decide_vat(work.session, work.catalogue, work.account)
    net = net_of(payment.money, tax)
    series = invoices.series_name(work.catalogue.invoicing.invoice_prefix, work.now)
    invoice = Invoice(
        kind=invoices.INVOICE,
        series=series,
        cause=f"payment:{payment.id}",
        account_id=work.account.id,
        payment_id=payment.id,
        issued_at=work.now,
        currency=payment.currency,
        net=net.amount,
        vat=payment.amount - net.amount,
        total=payment.amount,
        content=_content(work, payment, target, period, net, tax),
        locale=work.account.locale,
    )
    invoices.tell_tax_at_home(work.session, invoice)
    work.session.add(invoice)
    return invoice


def net_of(gross: Money, tax: Decision) -> Money:
    """What is left of an amount without its tax: ``gross ÷ (1 + rate)``, half-even (BILLING 9)."""
    rate = Fraction(tax.percent) / 100
    return Money(round_half_even(Fraction(gross.amount) / (1 + rate)), gross.currency)


def lines(catalogue: Catalogue, target: Target, net: Money) -> list[dict[str, Any]]:
    """The lines that make up ``net``: those of the catalogue where they do, else one for all."""
    priced = quotes.price_lines(catalogue, target, net.currency)
    if sum(line.net.amount for line in priced) == net.amount:
        return [_item(line) for line in priced]
    shared = net.amount % target.agents == 0
    quantity = target.agents if shared else 1
    whole = Line(
        item="agents" if shared else "subscription",
        plan=target.plan,
        interval=target.interval,
        quantity=quantity,
        unit_price=Money(net.amount // quantity, net.currency),
        net=net,
    )
    return [_item(whole)]


def _item(line: Line) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(line)
    return {"name": document.pop("item"), **document}


def _content(
    work: Work, payment: Payment, target: Target, period: Period, net: Money, tax: Decision
) -> dict[str, Any]:
    account = work.account
    paid_at = payment.paid_at or work.now
    evidence = quotes.vat_evidence(work.session, work.catalogue, account, tax)
    return {
        **invoices.proof(evidence),
        "seller": msgspec.to_builtins(work.catalogue.seller),
        "buyer": invoices.buyer(account, evidence),
        "sale": {
            "lines": lines(work.catalogue, target, net),
            "vat_treatment": tax.treatment,
            "vat_country": tax.country,
            "vat_percent": str(tax.percent),
            "period_start": period.start.isoformat(),
            "period_end": period.end.isoformat(),
        },
        "kind": "period",
        "paid": {
            "at": paid_at.isoformat(),
            "provider": payment.provider,
            "reference": payment.reference,
            "amount": payment.amount,
            "method": payment.method,
        },
    }
