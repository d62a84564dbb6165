"""What a credit note says: which invoice it corrects, and how much net and tax is given back."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from domain.errors import Permanent
from domain.money import Money, round_half_even, zero
from domain.papers.paper import Correction, Item
from domain.papers.rows import Sale, sale_of

if TYPE_CHECKING:
    from domain.invoices import Invoice

Reason = Literal["refund", "dispute"]


def split_gross(gross: Money, percent: Decimal) -> tuple[Money, Money]:
    """Net and tax of an amount that includes the tax, half-even; their sum is the amount."""
    exact = Fraction(gross.amount) * 100 / (100 + Fraction(percent))
    net = Money(round_half_even(exact), gross.currency)
    return net, gross - net


def credit_note_content(
    original: Invoice,
    gross: Money,
    *,
    before: Money | None = None,
    reason: Reason = "refund",
    paid: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of the credit note by which ``gross`` is given back on ``original``.

    ``before`` is what earlier credit notes of the invoice gave back (gross): the parts are rounded
    so that together they make the whole, with its net and tax. ``paid`` is written like that of an
    invoice and says where the money went; without it the paper says that it is still to be
    refunded. The row's own ``net``, ``vat`` and ``total`` are in ``amounts``, in minor units.

    Raises ``Permanent`` when more would be given back than was invoiced.
    """
    sale = sale_of(original.content)
    net, tax = _part(original, gross, before or zero(gross.currency), Decimal(sale.vat_percent))
    return {
        "kind": "credit_note",
        "seller": original.content["seller"],
        "buyer": original.content["buyer"],
        "sale": msgspec.to_builtins(_given_back(sale, net)),
        "corrects": msgspec.to_builtins(_correction(original, reason)),
        "amounts": {"net": net.amount, "vat": tax.amount, "total": gross.amount},
        "paid": paid,
    }


def _part(original: Invoice, gross: Money, before: Money, percent: Decimal) -> tuple[Money, Money]:
    whole, after = Money(original.total, original.currency), before + gross
    if gross.amount <= 0 or whole < after:
        raise Permanent(
            f"cannot credit {gross} on invoice {original.number} of {whole}, of which {before} "
            "was given back before: a credit note is above zero and within its invoice"
        )
    net = _net_of(original, after, percent) - _net_of(original, before, percent)
    return net, gross - net


def _net_of(original: Invoice, gross: Money, percent: Decimal) -> Money:
    if gross.amount == original.total:
        return Money(original.net, original.currency)
    return split_gross(gross, percent)[0]


def _given_back(sale: Sale, net: Money) -> Sale:
    line = Item(name="refund", quantity=1, unit_price=net, net=net)
    return msgspec.structs.replace(
        sale, lines=(line,), discount=zero(net.currency), credit_used=zero(net.currency)
    )


def _correction(original: Invoice, reason: Reason) -> Correction:
    return Correction(
        number=original.number or "", issued_on=original.issued_at.date(), reason=reason
    )
