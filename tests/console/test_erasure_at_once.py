"""Two people, or two clicks, that erase the same account at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain import accounts, audit
from domain.accounts import Account
from domain.database import Database
from tests.console.conftest import Visitor


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Each store has its own way to let one wait for the other."""
    database = Database(database_url)
    yield database
    database.dispose()


def test_of_forms_that_are_sent_at_once_one_erases(operator: Visitor, database: Database) -> None:
    with database.transaction() as session:
        session.add(Account(ref="shop", email="a@customers.example", currency="EUR"))
    sent = {"csrf": operator.token(), "confirmation": "shop", "reason": "ticket 4711"}

    def send(_: int) -> int:
        return int(
            operator.client.post(
                "/console/accounts/shop/erasure",
                data=sent,
                headers={"Origin": "http://testserver"},
                follow_redirects=False,
            ).status_code
        )

    with ThreadPoolExecutor(4) as people:
        assert list(people.map(send, range(4))) == [303] * 4
    with database.transaction() as session:
        assert len(audit.page(session, 5, action="erase")) == 1
        assert accounts.find(session, "shop").erased_at is not None
