"""Samples of every mail: ``python -m domain.mails.samples DIRECTORY`` writes each one in every
language as HTML and text, and an index, so that people can look at them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Final

from domain import catalogue
from domain.accounts import LOCALES
from domain.catalogue import Seller
from domain.mails import kinds, reasons
from domain.mails.kinds import Means, Parameters
from domain.mails.mail import Mail
from domain.mails.render import render
from domain.money import Money

AT: Final = datetime(2026, 5, 12, 14, 5, tzinfo=UTC)
CARD: Final = Means(kind="card", brand="visa", last4="4242")
URL: Final = "https://app.chatwell.example/billing"
YEARLY: Final = Money(2_352_240, "CZK")
MONTHLY: Final = Money(9_438, "EUR")


def _receipt(paid: Money, total: Money = YEARLY, *, auto_renew: bool = True) -> Parameters:
    return kinds.Receipt(
        number="2026-000123",
        total=total,
        paid=paid,
        plan="Pro",
        interval="year",
        agents=2,
        period_end=AT + timedelta(days=365),
        auto_renew=auto_renew,
        means=CARD,
        url=URL,
    )


def _failed(code: str, again: timedelta | None) -> Parameters:
    return kinds.RenewalFailed(
        reason_code=code,
        amount=MONTHLY,
        access_until=AT + timedelta(days=5),
        next_try_at=AT + again if again else None,
        update_url=URL,
    )


def _refused(reason: str) -> Parameters:
    return kinds.VatNumberRefused(number="PL5260001246", reason=reason, url=URL)


def _off(reason: str) -> Parameters:
    return kinds.AutoRenewOff(reason=reason, ends_at=AT + timedelta(days=20), url=URL)


def _ahead(amount: Money, method: Means | None = CARD) -> Parameters:
    return kinds.RenewalAhead(
        on=AT + timedelta(days=13), amount=amount, plan="Pro", method=method, url=URL
    )


SAMPLES: Final[dict[str, tuple[str, Parameters]]] = {
    "receipt": ("receipt", _receipt(YEARLY)),
    "receipt-part-credit": ("receipt", _receipt(YEARLY - Money(100_000, "CZK"))),
    "receipt-all-credit": ("receipt", _receipt(Money(0, "CZK"), auto_renew=False)),
    "renewal_ahead": ("renewal_ahead", _ahead(MONTHLY)),
    "renewal_ahead-credit": ("renewal_ahead", _ahead(Money(0, "EUR"))),
    "renewal_ahead-no_method": ("renewal_ahead", _ahead(YEARLY, None)),
    "renewal_failed": ("renewal_failed", _failed("insufficient_funds", timedelta(days=2))),
    **{
        f"renewal_failed-{reason}": ("renewal_failed", _failed(reason, None))
        for reason in reasons.ALL
    },
    **{
        f"auto_renew_off-{reason}": ("auto_renew_off", _off(reason))
        for reason in ("customer", "renewal_failed", "no_saved_method", "provider", "decision")
    },
    **{
        f"expiry_warning-{days}": (
            "expiry_warning",
            kinds.ExpiryWarning(days=days, ends_at=AT + timedelta(days=days), url=URL),
        )
        for days in (7, 3, 1)
    },
    **{
        f"blocked-{reason}": ("blocked", kinds.Blocked(reason=reason, url=URL))
        for reason in ("subscription_expired", "refunded", "dispute_lost", "decision")
    },
    "unblocked": ("unblocked", kinds.Unblocked(url=URL)),
    "refund_done": (
        "refund_done",
        kinds.RefundDone(amount=MONTHLY, ended=True, means=CARD, number="CN-2026-000007"),
    ),
    "refund_done-part": ("refund_done", kinds.RefundDone(amount=MONTHLY)),
    "credit_note_issued": (
        "credit_note_issued",
        kinds.CreditNoteIssued(amount=MONTHLY, invoice="2026-000123", number="CN-2026-000008"),
    ),
    "method_rejected": ("method_rejected", kinds.MethodRejected(brand="amex", url=URL)),
    "method_rejected-unknown": ("method_rejected", kinds.MethodRejected()),
    **{
        f"vat_number_refused-{reason}": ("vat_number_refused", _refused(reason))
        for reason in ("invalid", "format", "decision")
    },
}
"""Name of the sample → kind and parameters; every kind, and every case a kind tells apart."""


def mails(seller: Seller | None = None) -> Iterator[tuple[str, Mail]]:
    """Every sample in every language, as ``name.locale`` and the mail."""
    seller = seller or catalogue.load().seller
    for name, (kind, parameters) in SAMPLES.items():
        for locale in LOCALES:
            yield f"{name}.{locale}", render(kind, locale, kinds.write(parameters), seller)


def write(directory: Path) -> list[Path]:
    """Write HTML and text of every sample, and ``index.html``; returns the HTML files."""
    directory.mkdir(parents=True, exist_ok=True)
    written, rows = [], []
    for name, mail in mails():
        page = directory / f"{name}.html"
        page.write_text(mail.html, encoding="utf-8")
        page.with_suffix(".txt").write_text(f"{mail.subject}\n\n{mail.text}", encoding="utf-8")
        rows.append(f'<li><a href="{page.name}">{name}</a>: {escape(mail.subject)}</li>')
        written.append(page)
    index = "<!doctype html>\n<meta charset=utf-8>\n<title>Mails</title>\n<ul>\n"
    (directory / "index.html").write_text(index + "\n".join(rows) + "\n</ul>\n", encoding="utf-8")
    return written


def main(arguments: list[str] | None = None) -> None:
    """Write the samples into the directory that is named."""
    parser = argparse.ArgumentParser(prog="python -m domain.mails.samples", description=__doc__)
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args(arguments).directory
    count = len(write(directory))
    sys.stdout.write(f"{count} mails: {directory / 'index.html'}\n")


if __name__ == "__main__":
    main()
