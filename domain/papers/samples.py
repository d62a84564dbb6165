"""Sample papers: every kind of sale in every language, for eyes and for tests.

``python -m domain.papers.samples DIRECTORY`` writes them as PNG. The people are invented, the
prices are the bundled catalogue's.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from domain import catalogue, periods, vat
from domain.accounts import LOCALES
from domain.invoices import Invoice
from domain.money import Money, zero
from domain.papers.credit_notes import credit_note_content
from domain.papers.paper import Item, Paper
from domain.papers.pdf import pictures
from domain.papers.rows import paper_of, sale_of
from domain.quotes import Quote, as_document, price_lines
from domain.subscriptions import Target

AT: Final = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
REFUNDED_AT: Final = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
SHARPNESS: Final = 100
"""Pixels per inch: letters stay readable, and a picture small."""

NOT_PICTURED: Final = frozenset(
    {"credit-note-in-part", "many-lines", "only-an-e-mail", "paid-from-credit"}
)
"""Those that look like another but for a line or more."""

CZECH: Final = {
    "ref": "kun-48",
    "name": "Kavárna U Žluťoučkého koně s.r.o.",
    "street": "Křižíkova 1062/34",
    "city": "Brno-Královo Pole",
    "postal_code": "612 00",
    "country": "CZ",
    "vat_number": "CZ45274649",
    "email": "ucetni@zlutoucky-kun.example",
}
POLISH: Final = {
    "ref": "zazolc-7",
    "name": "Zażółć Gęślą Jaźń sp. z o.o.",
    "street": "ul. Świętego Łazarza 12/4",
    "city": "Kraków",
    "postal_code": "31-530",
    "country": "PL",
    "vat_number": "PL5261040828",
    "email": "ksiegowosc@gesla.example",
}
FRENCH: Final = {
    "ref": "oeuf-creme",
    "name": "Chloé Lefèvre-Garçon",
    "street": "27 bis, rue de l’Hôtel-de-Ville",
    "city": "Besançon",
    "postal_code": "25000",
    "country": "FR",
    "email": "chloe@lefevre.example",
}
AMERICAN: Final = {
    "ref": "acme-us",
    "name": "Northwind Support LLC",
    "street": "1209 Orange Street",
    "city": "Wilmington, DE",
    "postal_code": "19801",
    "country": "US",
    "email": "ap@northwind.example",
}
ONLY_EMAIL: Final = {"ref": "a-1", "email": "somebody@example.com"}

CARD: Final = {"kind": "card", "brand": "visa", "last4": "4242", "expires": "2028-09"}
WALLET: Final = {"kind": "wallet", "brand": None, "last4": None, "expires": None}


def _target(plan: str, interval: str, agents: int, conversations: int) -> Target:
    return Target(plan=plan, interval=interval, agents=agents, conversations=conversations)


def sample_invoice(
    locale: str,
    currency: str,
    buyer: dict[str, Any],
    *,
    target: Target | None = None,
    unused: int = 0,
    credit: int = 0,
    method: dict[str, Any] | None = None,
    position: int = 42,
) -> Invoice:
    """A row as a paid order leaves it; ``unused`` time and ``credit`` in minor units."""
    quote = _quote(currency, buyer, target or _target("pro", "month", 6, 1500), unused, credit)
    return Invoice(
        kind="invoice",
        number=f"2026-{position:06d}",
        issued_at=AT,
        currency=currency,
        net=quote.net.amount,
        vat=quote.vat.amount,
        total=quote.total.amount,
        content=_content(buyer, quote, method or CARD),
        locale=locale,
        note=None,
        revision=1,
    )


def sample_credit_note(original: Invoice, gross: Money | None = None) -> Invoice:
    """The row of a credit note for all of an invoice, or for a part."""
    given_back = gross or Money(original.total, original.currency)
    moved = {"at": REFUNDED_AT.isoformat(), "amount": given_back.amount, "reference": "re_3Qx7Wn"}
    content = credit_note_content(original, given_back, paid=original.content["paid"] | moved)
    return Invoice(
        kind="credit_note",
        number="CN-2026-000003",
        issued_at=REFUNDED_AT,
        currency=original.currency,
        **content["amounts"],
        content=content,
        locale=original.locale,
        note=None,
        revision=1,
    )


def sample_rows(locale: str) -> dict[str, Invoice]:
    """One row for each kind of sale, by name."""
    domestic = sample_invoice(locale, "CZK", CZECH)
    domestic.note = _NOTES[locale]
    confirmed = sample_invoice(locale, "PLN", POLISH, target=_target("standard", "year", 3, 100))
    confirmed.content["consultation"] = {"number": "WAPIAAAAZk3bQ1Vn", "at": AT.isoformat()}
    in_euro = sample_invoice(locale, "EUR", CZECH)
    in_euro.content["home_tax"] = _home_tax(in_euro)
    reduced = sample_invoice(locale, "CZK", CZECH, unused=123_450, credit=200_000)
    return {
        "domestic": domestic,
        "domestic-in-euro": in_euro,
        "reverse-charge": confirmed,
        "consumer": sample_invoice(locale, "EUR", FRENCH, method=WALLET),
        "outside-the-eu": sample_invoice(locale, "USD", AMERICAN),
        "discount-and-credit": reduced,
        "paid-from-credit": sample_invoice(locale, "PLN", POLISH | _NO_VAT, credit=10_000_000),
        "zero-total": sample_invoice(locale, "CZK", CZECH, unused=10_000_000),
        "many-lines": _with_lines(sample_invoice(locale, "EUR", CZECH), 40),
        "only-an-e-mail": sample_invoice(locale, "EUR", ONLY_EMAIL, target=_SMALLEST),
        "credit-note": sample_credit_note(domestic),
        "credit-note-in-part": sample_credit_note(in_euro, Money(10_000, "EUR")),
        "credit-note-reverse-charge": sample_credit_note(confirmed),
    }


def _with_lines(row: Invoice, count: int) -> Invoice:
    """The row as of a sale with a text of its own on every line."""
    sale = sale_of(row.content)
    price = Money(9_99, row.currency)
    lines = tuple(
        Item(name=f"Livechat {number}", unit_price=price, net=price) for number in range(count)
    )
    row.net = price.amount * count
    row.vat = vat.Decision(
        treatment=sale.vat_treatment, country=sale.vat_country, percent=Decimal(sale.vat_percent)
    ).on(row.net)
    row.total = row.net + row.vat
    row.content["paid"]["amount"] = row.total
    row.content["sale"] = msgspec.to_builtins(msgspec.structs.replace(sale, lines=lines))
    return row


def sample_papers(locale: str) -> dict[str, Paper]:
    """The papers of ``sample_rows``."""
    return {name: paper_of(row) for name, row in sample_rows(locale).items()}


_NO_VAT: Final = {"vat_number": ""}
_SMALLEST: Final = _target("standard", "month", 1, 100)
_NOTES: Final = {
    "en": "Order no. 2026/118, cost centre Customer care.",
    "cs": "Objednávka č. 2026/118, středisko Péče o zákazníky.",
    "fr": "Commande n° 2026/118, centre de coûts Relation clientèle.",
    "pl": "Zamówienie nr 2026/118, dział Obsługa klienta.",
}


def _quote(currency: str, buyer: dict[str, Any], target: Target, unused: int, held: int) -> Quote:
    sold = catalogue.load()
    lines = price_lines(sold, target, currency)
    price = sum((line.net for line in lines), zero(currency))
    discount = min(Money(unused, currency), price)
    net = price - discount
    is_confirmed = bool(buyer.get("vat_number"))
    tax = vat.decide(sold, buyer.get("country"), AT.date(), number_valid=is_confirmed)
    total = net + Money(tax.on(net.amount), currency)
    used = min(Money(held, currency), total)
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
        credit_earned=zero(currency),
        period_start=AT,
        period_end=periods.next_end(AT, target.interval, periods.anchor_of(AT)),
    )


def _content(buyer: dict[str, Any], quote: Quote, method: dict[str, Any]) -> dict[str, Any]:
    paid = {"at": AT.isoformat(), "amount": quote.due.amount}
    if quote.due:
        paid |= {"method": method, "reference": "pi_3Qx7WnL0bJ2d9T5c"}
    return {
        "seller": msgspec.to_builtins(catalogue.load().seller),
        "buyer": dict(buyer),
        "quote": as_document(quote),
        "paid": paid,
    }


def _home_tax(row: Invoice) -> dict[str, Any]:
    tax = Money(round(row.vat * 24_315 / 1_000), "CZK")
    return {"tax": msgspec.to_builtins(tax), "rate": "24.315", "rate_on": "2026-03-02"}


def main(directory: str) -> None:
    """Write the pages of every sample as PNG."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    for locale in LOCALES:
        for name, paper in sample_papers(locale).items():
            if name in NOT_PICTURED:
                continue
            for number, page in enumerate(pictures(paper, SHARPNESS), 1):
                suffix = f"-{number}" if number > 1 else ""
                (folder / f"{name}.{locale}{suffix}.png").write_bytes(page)


if __name__ == "__main__":
    main(sys.argv[1])
