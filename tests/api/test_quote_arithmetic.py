"""What holds for every quote, whatever is running, held and wanted (BILLING 3, 9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from domain import catalogue as catalogues
from domain import clock, credit, quotes, subscriptions
from domain.accounts import Account
from domain.database import Database
from domain.migrations.tables import metadata
from domain.money import CURRENCIES, Money
from domain.quotes import Quote, unused_value
from domain.subscriptions import Target

CATALOGUE = catalogues.load()
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

instants = st.timedeltas(timedelta(0), timedelta(days=20 * 365)).map(lambda since: NOW + since)
lengths = st.timedeltas(timedelta(days=28), timedelta(days=366))
nets = st.integers(0, 10**10)


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """Anything that is sold, with room for one agent more."""
    name = draw(st.sampled_from(sorted(CATALOGUE.plans)))
    plan, pack = CATALOGUE.plans[name], CATALOGUE.packs.size
    packs = (plan.max_conversations - plan.included_conversations) // pack
    return Target(
        plan=name,
        interval=draw(st.sampled_from(["month", "year"])),
        agents=draw(st.integers(1, 99_999)),
        conversations=plan.included_conversations + pack * draw(st.integers(0, packs)),
    )


@given(net=nets, start=instants, length=lengths, shares=st.tuples(*[st.fractions(0, 1)] * 2))
def test_unused_time_is_worth_less_the_later_it_is(
    net: int, start: datetime, length: timedelta, shares: tuple[Fraction, Fraction]
) -> None:
    moments = (start + length * float(share) for share in sorted(shares))
    sooner, later = (unused_value(net, start, start + length, moment) for moment in moments)
    assert net >= sooner >= later >= 0


@given(net=nets, start=instants, length=lengths)
def test_unused_time_is_all_at_the_start_and_nothing_at_the_end(
    net: int, start: datetime, length: timedelta
) -> None:
    end = start + length
    assert unused_value(net, start, end, start) == net
    assert unused_value(net, start, end, end) == 0
    assert unused_value(net, start, end, end + length) == 0
    assert unused_value(net, start, end, start - length) == net


@given(net=nets, start=instants, length=lengths, share=st.fractions(0, 1))
@example(net=1, start=NOW, length=timedelta(days=30), share=Fraction(1, 2))
@example(net=3, start=NOW, length=timedelta(days=30), share=Fraction(1, 2))
def test_unused_time_is_rounded_once_and_to_even(
    net: int, start: datetime, length: timedelta, share: Fraction
) -> None:
    now = start + length * float(share)
    exact = Fraction(net) * Fraction(
        (start + length - now) // timedelta.resolution, length // timedelta.resolution
    )
    value = unused_value(net, start, start + length, now)
    assert abs(value - exact) <= Fraction(1, 2)
    if abs(value - exact) == Fraction(1, 2):
        assert value % 2 == 0


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One transaction for all examples of this module; nothing is kept."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quotes') / 'quotes.db'}")
    metadata.create_all(database.engine)
    with Session(database.engine, expire_on_commit=False) as session:
        yield session
    database.dispose()


@pytest.fixture(autouse=True, scope="module")
def _frozen() -> Iterator[None]:
    clock.travel(NOW)
    yield
    clock.reset()


_numbers = iter(range(1, 10**9))


def quote(
    session: Session,
    target: Target,
    currency: str,
    *,
    country: str = "CZ",
    held: int = 0,
    net: int | None = None,
    age: timedelta = timedelta(days=10),
) -> Quote:
    """The quote of a new account that holds ``held`` and runs a yearly period of ``net``."""
    number = next(_numbers)
    account = Account(
        ref=f"a{number}", email="a@b.cz", currency=currency, billing={"country": country}
    )
    session.add(account)
    session.flush()
    if held:
        credit.book(session, account.id, "operator", Money(held, currency), cause=f"c{number}")
    if net is not None:
        running = Target(plan="standard", interval="month", agents=1, conversations=100)
        subscriptions.start_period(
            session,
            account.id,
            running,
            start=NOW - age,
            net=net,
            currency=currency,
            order_id=None,
        )
        session.flush()
    return quotes.make(session, CATALOGUE, account, target)


wishes = {
    "target": targets(),
    "currency": st.sampled_from(CURRENCIES),
    "country": st.sampled_from(["CZ", "DE", "HU", "FI", "US"]),
    "held": st.integers(0, 10**9),
    "net": st.none() | nets,
    "age": st.timedeltas(timedelta(0), timedelta(days=40)),
}


@settings(max_examples=60, deadline=None)
@given(**wishes)
def test_every_amount_of_a_quote_follows_from_the_others(
    session: Session,
    target: Target,
    currency: str,
    country: str,
    held: int,
    net: int | None,
    age: timedelta,
) -> None:
    made = quote(session, target, currency, country=country, held=held, net=net, age=age)
    amounts = [getattr(made, name) for name in _AMOUNTS]
    assert {money.currency for money in amounts} == {currency}
    assert all(money.amount >= 0 for money in amounts)
    assert made.price.amount == sum(line.unit_price.amount * line.quantity for line in made.lines)
    assert made.discount <= made.price
    assert made.net == made.price - made.discount
    assert made.total == made.net + made.vat
    assert abs(made.vat.amount - made.net.amount * Fraction(made.vat_percent) / 100) <= Fraction(
        1, 2
    )
    assert made.credit_used == min(made.total, Money(held, currency))
    assert made.due == made.total - made.credit_used
    assert made.period_start == NOW < made.period_end


@settings(max_examples=40, deadline=None)
@given(**wishes)
def test_credit_is_earned_only_when_unused_time_exceeds_the_price(
    session: Session,
    target: Target,
    currency: str,
    country: str,
    held: int,
    net: int | None,
    age: timedelta,
) -> None:
    made = quote(session, target, currency, country=country, held=held, net=net, age=age)
    if made.credit_earned:
        assert made.discount == made.price
        assert made.net.amount == made.vat.amount == made.due.amount == 0


@settings(max_examples=40, deadline=None)
@given(target=targets(), currency=st.sampled_from(CURRENCIES))
def test_more_agents_never_cost_less(session: Session, target: Target, currency: str) -> None:
    fewer = quote(session, target, currency)
    more = Target(
        plan=target.plan,
        interval=target.interval,
        agents=target.agents + 1,
        conversations=target.conversations,
    )
    assert fewer.due < quote(session, more, currency).due


@settings(max_examples=40, deadline=None)
@given(target=targets(), currency=st.sampled_from(CURRENCIES), net=nets)
def test_a_quote_survives_being_kept_with_its_order(
    session: Session, target: Target, currency: str, net: int
) -> None:
    made = quote(session, target, currency, net=net)
    assert quotes.from_document(quotes.as_document(made)) == made


@settings(max_examples=30, deadline=None)
@given(target=targets(), currency=st.sampled_from(CURRENCIES))
def test_buying_the_same_again_at_once_costs_nothing(
    session: Session, target: Target, currency: str
) -> None:
    net = quote(session, target, currency).price.amount
    again = quote(session, target, currency, net=net, age=timedelta(0))
    assert again.discount == again.price
    assert again.due.amount == again.credit_earned.amount == 0


_AMOUNTS = (
    "price",
    "discount",
    "net",
    "vat",
    "total",
    "credit_used",
    "due",
    "credit_earned",
)
