"""The sentences of a paper in its language, with their figures: the same in print and in XML."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from domain.papers.figures import figures
from domain.papers.paper import Item, Paper, Tax
from domain.papers.words import words

_ITEMS: Final = frozenset({"agents", "conversations", "subscription", "refund"})


def title(paper: Paper) -> str:
    """``Invoice`` or ``Credit note``."""
    return words(paper.locale)[paper.kind]


def item_name(paper: Paper, item: Item) -> str:
    """What a line sells: ``Standard – agents``; a text of its own stays as it is."""
    said = words(paper.locale)[item.name] if item.name in _ITEMS else item.name
    if item.name == "refund" and paper.corrects is not None:
        said = said.format(number=paper.corrects.number)
    return f"{item.plan.capitalize()} – {said}" if item.plan else said


def item_details(paper: Paper, item: Item) -> str:
    """How it is charged and for when: ``monthly, 2 March 2026 – 1 April 2026``."""
    parts = (interval(paper, item), *period_parts(paper))
    return ", ".join(part for part in parts if part)


def interval(paper: Paper, item: Item) -> str:
    """``monthly``, ``yearly``, or empty for what is sold once."""
    return words(paper.locale)[item.interval] if item.interval in {"month", "year"} else ""


def period_parts(paper: Paper) -> list[str]:
    """The period that was bought, first to last day; nothing where there is none."""
    if paper.period is None or paper.last_day is None:
        return []
    write = figures(paper.locale).day
    return [f"{write(paper.period[0].date())} – {write(paper.last_day)}"]


def tax_sentence(paper: Paper, tax: Tax) -> str:
    """Why the tax is not the seller's domestic one; empty when it is."""
    if tax.treatment == "domestic":
        return ""
    country = figures(paper.locale).country(tax.country)
    return words(paper.locale)[tax.treatment].format(country=country)


def discount(paper: Paper) -> str:
    """Why something was taken off the price."""
    return words(paper.locale)["discount"]


def evidence(paper: Paper) -> list[str]:
    """The confirmation by VIES, and the tax in the seller's own currency, where they are known."""
    return [*_consultation(paper), *_home_tax(paper)]


def _consultation(paper: Paper) -> list[str]:
    known = paper.consultation
    if known is None:
        return []
    day = figures(paper.locale).day(known.at.date())
    return [words(paper.locale)["consultation"].format(date=day, number=known.number)]


def _home_tax(paper: Paper) -> list[str]:
    home = paper.home_tax
    if home is None:
        return []
    write = figures(paper.locale)
    sentence = words(paper.locale)["home_tax"].format(
        currency=home.tax.currency,
        amount=write.money(home.tax),
        foreign=paper.currency,
        rate=write.number(Decimal(home.rate)),
        date=write.day(home.rate_on),
    )
    return [sentence]


def correction(paper: Paper) -> str:
    """``2026-000001 of 2 March 2026``; empty on an invoice."""
    if paper.corrects is None:
        return ""
    day = figures(paper.locale).day(paper.corrects.issued_on)
    pattern = words(paper.locale)["corrected"]
    return pattern.format(number=paper.corrects.number, date=day)


def correction_reason(paper: Paper) -> str:
    """Why an invoice is corrected; empty on an invoice."""
    if paper.corrects is None:
        return ""
    return words(paper.locale)[f"because_{paper.corrects.reason}"]


def means(paper: Paper) -> str:
    """How it was paid or given back: ``Visa •••• 4242``; empty when no money was moved."""
    said, payment = words(paper.locale), paper.payment
    if payment is not None:
        return payment.label or said.get(payment.kind, "") or said["wallet"]
    return said["credit"] if paper.credit_used else ""
