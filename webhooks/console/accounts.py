"""Accounts: found by what is known of a customer; one account with its state, why, and its past."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import account_search, accounts, subscriptions, timeline
from domain.account_search import AccountFilter
from domain.accounts import Account
from domain.payments import Payment
from domain.refunds import left_of
from webhooks.api.account_state import AccountState, VatState, state_of
from webhooks.api.accounts import AccountPath
from webhooks.api.paging import Cursor, RowId
from webhooks.console import account_actions, account_erasure, account_reasons, happenings
from webhooks.console.page import Field, Page, Section, View, Visit
from webhooks.console.speech import mark

LIMIT: Final = 50
MOMENTS: Final = 40
_Row = Annotated[int, Meta(ge=0, le=2**63 - 1)]
PAYMENTS: Final = 12
_LIST: Final[Cursor[int]] = Cursor("console accounts", RowId)
_PAST: Final[Cursor[timeline.Place]] = Cursor("console timeline", tuple[_Row, _Row, _Row, _Row])
_Short = Annotated[str, Meta(max_length=200)]
STATUSES: Final = ("active", "blocked")
STATES: Final = ("active", "past_due", "expired", "ended")


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What the list is narrowed to."""

    q: _Short | None = None
    status: _Short | None = None
    reason: _Short | None = None
    state: _Short | None = None
    plan: _Short | None = None
    managed_by: _Short | None = None
    cursor: str | None = None


class PastQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the timeline."""

    cursor: str | None = None


def show_list(visit: Visit, query: ListQuery) -> View:
    """One page of the accounts, newest first."""
    before = _LIST.decode(query.cursor)
    names = (field.name for field in msgspec.structs.fields(AccountFilter))
    wanted = AccountFilter(**{name: getattr(query, name) for name in names})
    with visit.database.transaction() as session:
        found = account_search.page(session, wanted, LIMIT + 1, before)
    rows, following = _LIST.cut(found, LIMIT, lambda row: row[0].id)
    values = {
        "rows": rows,
        "fields": _fields(visit, query),
        "is_first": before is None,
        "next": following and visit.here(cursor=following),
    }
    return View("accounts/list.html", visit.say("Accounts"), values)


def show(visit: Visit, path: AccountPath, query: PastQuery) -> View:
    """One account."""
    before = _PAST.decode(query.cursor)
    with visit.database.transaction() as session:
        account = accounts.find(session, path.ref)
        state = state_of(session, visit.services.catalogue, account)
        has = subscriptions.of(session, account.id)
        moments = timeline.page(session, account.id, MOMENTS + 1, before)
        part, following = _PAST.cut(
            moments, MOMENTS, lambda _: timeline.place(moments[:MOMENTS], before)
        )
        values = {
            "account": state,
            "why": account_reasons.explain(visit, session, account, state),
            "asks": account_actions.asks(visit, account, has.target if has else None),
            "erased_at": account.erased_at,
            "erasure": account_erasure.link(visit, account),
            "payments": _payments(visit, session, account),
            "past": [happenings.line(visit, moment) for moment in part],
        }
    values |= {
        "pairs": _pairs(visit, state),
        "is_first": before is None,
        "next": following and visit.here(cursor=following),
    }
    title = visit.say("Account {ref}", ref=path.ref)
    return View("accounts/account.html", title, values, styles=("accounts.css",))


def _payments(visit: Visit, session: Session, account: Account) -> list[dict[str, Any]]:
    """The last payments, each with the question for its refund where something is left of it."""
    statement = (
        select(Payment)
        .where(Payment.account_id == account.id)
        .order_by(Payment.id.desc())
        .limit(PAYMENTS)
    )
    found = []
    for payment in session.scalars(statement):
        left = left_of(session, payment)
        asks = visit.may_act and payment.state == "succeeded" and left
        ask = account_actions.ask_for_refund(visit, account.ref, payment, left) if asks else None
        found.append({"payment": payment, "left": left, "ask": ask})
    return found


def _fields(visit: Visit, query: ListQuery) -> list[Field]:
    say, term = visit.say, visit.speech.term
    every = ("", say("all"))
    hint = say("Reference, e-mail or customer id")
    plans = [(name, term(name)) for name in visit.services.catalogue.plans]
    return [
        Field("q", say("Search"), "search", query.q, attributes={"placeholder": hint}),
        Field("status", say("Status"), "choice", query.status, [every, *_terms(visit, STATUSES)]),
        Field("state", say("Subscription"), "choice", query.state, [every, *_terms(visit, STATES)]),
        Field("plan", say("Plan"), "choice", query.plan, [every, *plans]),
    ]


def _terms(visit: Visit, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, visit.speech.term(name)) for name in names]


def _pairs(visit: Visit, state: AccountState) -> list[tuple[str, Any]]:
    """The customer and their money, as pairs of label and value; personal data is not for all."""
    say, speech, billing = visit.say, visit.speech, state.billing
    held = [money for money in (state.credit, *state.credit_other) if money]
    method, vat = state.payment_method, state.vat
    address = ", ".join(filter(None, (billing.street, billing.postal_code, billing.city)))
    return [
        (say("Name"), visit.personal(billing.name)),
        (say("E-mail"), visit.personal(state.email)),
        (say("E-mail for invoices"), visit.personal(billing.email)),
        (say("Address"), visit.personal(address)),
        (say("Country"), billing.country),
        (say("Language"), state.locale),
        (say("Currency"), state.currency),
        (say("Credit"), ", ".join(speech.money(money) for money in held) or None),
        (say("Payment method"), method and visit.personal(method.label)),
        (say("VAT number"), vat.number and _vat(visit, vat)),
    ]


def _vat(visit: Visit, vat: VatState) -> str:
    return f"{visit.personal(vat.number)} ({visit.speech.term(vat.status or 'unchecked')})"


SECTION: Final = Section("/accounts", mark("Accounts"))
PAGES: Final = (Page("/accounts", show_list), Page("/accounts/{ref}", show))
ACTIONS: Final = (*account_actions.ACTIONS, *account_erasure.ACTIONS)
