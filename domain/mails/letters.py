"""What each kind of mail says, in which order: parameters in, a letter in one language out.

A letter has no form yet; ``domain.mails.render`` gives it two, plain text and HTML.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from domain.mails import kinds, reasons
from domain.mails.kinds import Parameters
from domain.mails.speech import Speech

Tone = Literal["good", "notice", "problem"]


class Button(msgspec.Struct, frozen=True):
    """Where the reader can do what the letter asks for."""

    label: str
    url: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail's content in reading order; ``details`` are pairs of label and value."""

    tone: Tone
    subject: str
    preheader: str
    """What a list of mails shows after the subject."""
    heading: str
    paragraphs: tuple[str, ...]
    details: tuple[tuple[str, str], ...] = ()
    button: Button | None = None


def compose(kind: str, parameters: Parameters, speech: Speech) -> Letter:
    """Write the letter of a kind. Raises ValueError when a paper's mail lacks the number."""
    if kind in kinds.NEED_PAPER and getattr(parameters, "number", None) is None:
        raise ValueError(f"a mail {kind} needs the number of its paper")
    return COMPOSERS[kind](parameters, speech)


def _receipt(p: kinds.Receipt, s: Speech) -> Letter:
    agents = s.count("agents", p.agents)
    interval = s.say(f"interval.{p.interval}")
    credit = p.total - p.paid
    opening = "receipt.received" if p.paid else "receipt.from_credit"
    preheader = "receipt.preheader" if p.paid else "receipt.preheader_credit"
    return Letter(
        tone="good",
        subject=s.say("receipt.subject", number=p.number),
        preheader=s.say(preheader, paid=p.paid),
        heading=s.say("receipt.heading"),
        paragraphs=(
            s.say(opening, paid=p.paid, number=p.number),
            s.say("receipt.renews" if p.auto_renew else "receipt.ends"),
        ),
        details=_details(
            s,
            invoice=p.number,
            plan=s.say("format.plan", plan=p.plan, agents=agents, interval=interval),
            total=p.total,
            credit=credit or None,
            paid=p.paid if credit else None,
            means=p.means if p.paid else None,
            until=p.period_end,
        ),
        button=_button(s, "manage", p.url),
    )


def _renewal_ahead(p: kinds.RenewalAhead, s: Speech) -> Letter:
    day = s.day(p.on)
    way = ("charge" if p.method else "due") if p.amount else "credit"
    missing = (s.say("renewal_ahead.missing"),) if way == "due" else ()
    preheader = "renewal_ahead.preheader" if p.amount else "renewal_ahead.preheader_credit"
    return Letter(
        tone="notice",
        subject=s.say("renewal_ahead.subject", day=day),
        preheader=s.say(preheader, amount=p.amount, day=day),
        heading=s.say("renewal_ahead.heading"),
        paragraphs=(
            s.say(f"renewal_ahead.{way}", plan=p.plan, on=p.on, amount=p.amount),
            *missing,
            s.say("renewal_ahead.change"),
        ),
        details=_details(
            s,
            plan=p.plan,
            renews=p.on,
            amount=p.amount if way == "due" else None,
            charge=None if way == "due" else p.amount,
            means=p.method if p.amount else None,
        ),
        button=_button(s, "manage", p.url),
    )


def _renewal_failed(p: kinds.RenewalFailed, s: Speech) -> Letter:
    reason = reasons.plain(p.reason_code)
    because = s.say(f"reason.{reason}.because")
    opening = "missing" if reason == "no_saved_method" else "tried"
    return Letter(
        tone="problem",
        subject=s.say("renewal_failed.subject"),
        preheader=because,
        heading=s.say("renewal_failed.heading"),
        paragraphs=(
            s.say(f"renewal_failed.{opening}", amount=p.amount),
            f"{because} {s.say(f'reason.{reason}.remedy')}",
            *_next_try(p, reason, s),
            s.say("renewal_failed.access", until=p.access_until),
        ),
        details=_details(s, amount=p.amount, next_try=p.next_try_at, access=p.access_until),
        button=_button(s, "update_method", p.update_url),
    )


def _next_try(p: kinds.RenewalFailed, reason: str, s: Speech) -> tuple[str, ...]:
    if p.next_try_at is not None:
        return (s.say("renewal_failed.next", next=p.next_try_at),)
    # Without a method there is none that would not be tried again.
    return () if reason == "no_saved_method" else (s.say("renewal_failed.no_next"),)


def _auto_renew_off(p: kinds.AutoRenewOff, s: Speech) -> Letter:
    return Letter(
        tone="problem" if p.reason == "renewal_failed" else "notice",
        subject=s.say("auto_renew_off.subject"),
        preheader=s.say("auto_renew_off.preheader", day=s.day(p.ends_at)),
        heading=s.say("auto_renew_off.heading"),
        paragraphs=(
            s.choose("auto_renew_off.why", p.reason),
            s.say("auto_renew_off.access", ends=p.ends_at),
            s.say("auto_renew_off.no_charge"),
        ),
        details=_details(s, ends=p.ends_at),
        button=_button(s, "renew", p.url),
    )


def _expiry_warning(p: kinds.ExpiryWarning, s: Speech) -> Letter:
    return Letter(
        tone="notice",
        subject=s.count("expiry_warning.subject", p.days),
        preheader=s.say("expiry_warning.preheader"),
        heading=s.count("expiry_warning.heading", p.days),
        paragraphs=(
            s.say("expiry_warning.off", ends=p.ends_at),
            s.say("expiry_warning.renew"),
        ),
        details=_details(s, ends=p.ends_at),
        button=_button(s, "renew", p.url),
    )


def _blocked(p: kinds.Blocked, s: Speech) -> Letter:
    why = s.choose("blocked.why", p.reason)
    return Letter(
        tone="problem",
        subject=s.say("blocked.subject"),
        preheader=why,
        heading=s.say("blocked.heading"),
        paragraphs=(why, s.say("blocked.meaning"), s.choose("blocked.way_out", p.reason)),
        button=_button(s, "renew" if p.reason == "subscription_expired" else "open", p.url),
    )


def _unblocked(p: kinds.Unblocked, s: Speech) -> Letter:
    return Letter(
        tone="good",
        subject=s.say("unblocked.subject"),
        preheader=s.say("unblocked.preheader"),
        heading=s.say("unblocked.heading"),
        paragraphs=(s.say("unblocked.lifted"),),
        button=_button(s, "open", p.url),
    )


def _refund_done(p: kinds.RefundDone, s: Speech) -> Letter:
    paper = (s.say("refund_done.paper", number=p.number),) if p.number else ()
    ended = (s.say("refund_done.ended"),) if p.ended else ()
    return Letter(
        tone="good",
        subject=s.say("refund_done.subject", amount=p.amount),
        preheader=s.say("refund_done.preheader"),
        heading=s.say("refund_done.heading"),
        paragraphs=(s.say("refund_done.sent", amount=p.amount), *paper, *ended),
        details=_details(s, amount=p.amount, means=p.means, credit_note=p.number),
    )


def _credit_note_issued(p: kinds.CreditNoteIssued, s: Speech) -> Letter:
    return Letter(
        tone="notice",
        subject=s.say("credit_note_issued.subject", number=p.number),
        preheader=s.say("credit_note_issued.preheader", amount=p.amount),
        heading=s.say("credit_note_issued.heading"),
        paragraphs=(
            s.say("credit_note_issued.issued", number=p.number, amount=p.amount),
            s.say("credit_note_issued.keep"),
        ),
        details=_details(s, credit_note=p.number, corrected=p.invoice, amount=p.amount),
    )


def _method_rejected(p: kinds.MethodRejected, s: Speech) -> Letter:
    brand = s.brand(p.brand)
    return Letter(
        tone="problem",
        subject=s.say("method_rejected.subject"),
        preheader=s.say("method_rejected.preheader"),
        heading=s.say("method_rejected.heading"),
        paragraphs=(
            s.say("method_rejected.named" if brand else "method_rejected.unnamed", brand=brand),
            s.say("method_rejected.instead"),
        ),
        button=_button(s, "update_method", p.url),
    )


def _vat_number_refused(p: kinds.VatNumberRefused, s: Speech) -> Letter:
    return Letter(
        tone="problem",
        subject=s.say("vat_number_refused.subject"),
        preheader=s.say("vat_number_refused.preheader"),
        heading=s.say("vat_number_refused.heading"),
        paragraphs=(
            s.choose("vat_number_refused.why", p.reason, number=p.number),
            s.choose("vat_number_refused.way_out", p.reason),
            s.say("vat_number_refused.so"),
        ),
        details=_details(s, vat_number=p.number),
        button=_button(s, "billing", p.url),
    )


def _details(s: Speech, **values: Any) -> tuple[tuple[str, str], ...]:
    """The table of a letter, without what is not known."""
    return tuple(
        (s.say(f"label.{label}"), s.write(value))
        for label, value in values.items()
        if value is not None
    )


def _button(s: Speech, label: str, url: str | None) -> Button | None:
    return Button(s.say(f"button.{label}"), url) if url is not None else None


COMPOSERS: Final[dict[str, Callable[[Any, Speech], Letter]]] = {
    "receipt": _receipt,
    "renewal_ahead": _renewal_ahead,
    "renewal_failed": _renewal_failed,
    "auto_renew_off": _auto_renew_off,
    "expiry_warning": _expiry_warning,
    "blocked": _blocked,
    "unblocked": _unblocked,
    "refund_done": _refund_done,
    "credit_note_issued": _credit_note_issued,
    "method_rejected": _method_rejected,
    "vat_number_refused": _vat_number_refused,
}
"""Which function writes which kind."""
