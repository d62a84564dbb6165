"""The store goes away while subscriptions are moved: that is nobody's mistake."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from domain import clock, passage
from domain.database import Database
from domain.errors import StoreUnavailable
from domain.subscriptions import Subscription
from domain.work import Work
from tests import lives
from tests.domain.paid_accounts import paid
from workers.passage import pass_time

pytestmark = pytest.mark.usefixtures("frozen_clock")


def lose_the_connection(work: Work) -> None:
    work.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_a_store_that_goes_away_meanwhile_is_no_mistake_of_an_account(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(postgres_url)
    runtime = lives.runtime_on(database)
    paid(runtime)
    with database.transaction() as session:
        session.execute(update(Subscription).values(next_due_at=clock.now()))
    monkeypatch.setattr(passage, "act", lose_the_connection)
    with capture_logs() as logs, pytest.raises(StoreUnavailable):
        pass_time(runtime)
    with database.transaction() as session:
        due = session.scalars(select(Subscription.next_due_at)).one()
    database.dispose()
    assert logs == []
    assert due == clock.now()
