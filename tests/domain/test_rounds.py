"""The round comes by every account and every number of a paper, in pieces."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update

from domain import clock, rounds
from domain.accounts import Account
from domain.database import Database
from domain.invoices import Invoice, NumberSeries
from tests import lives
from workers.runtime import Runtime


@pytest.fixture
def runtime(database: Database, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setattr(rounds, "FEWEST", 3)
    monkeypatch.setattr(rounds, "NUMBERS", 4)
    return lives.runtime_on(database)


def papers(
    runtime: Runtime, *positions: int, series: str = "2026", last: int | None = None
) -> None:
    """Papers with these numbers, and the counter behind the last of them."""
    owner = lives.account(runtime, f"owner-of-{series}")
    with runtime.database.transaction() as session:
        for position in positions:
            session.add(paper(series, position, owner))
        session.add(NumberSeries(series=series, last=max(positions) if last is None else last))


def paper(series: str, position: int, account_id: int) -> Invoice:
    amounts = {"net": 100, "vat": 21, "total": 121}
    return Invoice(
        kind="invoice",
        series=series,
        position=position,
        number=f"{series}-{position:06}",
        cause=f"order:{series}-{position}",
        account_id=account_id,
        issued_at=clock.now(),
        currency="CZK",
        content={},
        locale="en",
        **amounts,
    )


def looks(runtime: Runtime, times: int) -> list[bool]:
    """What each of so many looks at the series says."""
    told = []
    for _ in range(times):
        with runtime.database.transaction() as session:
            told.append(rounds.series_look_whole(session))
    return told


def test_every_account_is_in_one_piece_of_a_round(runtime: Runtime) -> None:
    made = [lives.account(runtime, f"account-{number}") for number in range(8)]
    pieces = []
    for _ in range(6):
        with runtime.database.transaction() as session:
            pieces.append(rounds.next_accounts(session))
    assert pieces[:3] == [made[:3], made[3:6], made[6:]]
    assert pieces[3:] == pieces[:3]


def test_a_round_takes_no_longer_than_a_day(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PIECES", 2)
    made = [lives.account(runtime, f"account-{number}") for number in range(9)]
    with runtime.database.transaction() as session:
        assert rounds.next_accounts(session) == made[:5]


def test_a_store_without_accounts_has_an_empty_round(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        assert rounds.next_accounts(session) == []
        assert rounds.series_look_whole(session)


def test_gapless_series_look_whole_all_the_time(runtime: Runtime) -> None:
    papers(runtime, *range(1, 11))
    papers(runtime, *range(1, 5), series="CN-2026")
    with runtime.database.transaction() as session:
        session.add(NumberSeries(series="2027", last=0))
    assert looks(runtime, 8) == [True] * 8


def test_what_is_numbered_later_is_looked_at_the_next_time(runtime: Runtime) -> None:
    papers(runtime, 1, 2, 3)
    assert looks(runtime, 1) == [True]
    with runtime.database.transaction() as session:
        owner = session.scalars(select(Account.id)).one()
        session.add(paper("2026", 5, owner))
        session.execute(update(NumberSeries).values(last=5))
    assert looks(runtime, 1) == [False]


@pytest.mark.parametrize("gone", range(1, 11))
def test_a_paper_that_went_missing_is_noticed_within_a_round(runtime: Runtime, gone: int) -> None:
    papers(runtime, *range(1, 11))
    assert looks(runtime, 1) == [True]
    with runtime.database.transaction() as session:
        session.execute(delete(Invoice).where(Invoice.position == gone))
    assert False in looks(runtime, 3)


@pytest.mark.parametrize("counter", [0, 2, 4])
def test_a_counter_that_is_not_at_the_last_number_is_noticed_at_once(
    runtime: Runtime, counter: int
) -> None:
    papers(runtime, 1, 2, 3)
    assert looks(runtime, 1) == [True]
    with runtime.database.transaction() as session:
        session.execute(update(NumberSeries).values(last=counter))
    assert looks(runtime, 1) == [False]


def test_a_series_without_a_counter_is_noticed_at_once(runtime: Runtime) -> None:
    papers(runtime, 1, 2, 3)
    with runtime.database.transaction() as session:
        session.execute(delete(NumberSeries))
    assert looks(runtime, 1) == [False]


def test_a_number_below_the_first_is_noticed(runtime: Runtime) -> None:
    papers(runtime, 0, 1, 2, 3)
    assert looks(runtime, 1) == [False]
