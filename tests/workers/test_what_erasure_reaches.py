"""Erasure reaches every table that tells of a person, but for the papers that the law keeps."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from domain import accounts
from domain.database import Base, Database
from domain.effects import Effect
from domain.inbox import Attempt
from domain.orders import Order
from domain.vat_numbers import VatCheck
from tests import lives
from tests.workers.sealed_shop import CANARY, bought, erase, keep_card, perform, raw
from workers.runtime import Runtime

PAPERS = {"invoices", "invoice_revisions", "invoice_files"}
BILLING = {"name": CANARY, "street": CANARY, "city": CANARY, "country": "CZ"}
PLANTED = {"accounts", "attempts", "effects", "orders", "vat_checks"}
PAGE = f"https://app.example/{CANARY}"


@pytest.fixture
def runtime(database: Database) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime, email=f"{CANARY}@customers.example")
    with runtime.database.transaction() as session:
        accounts.find(session, "acme").billing = BILLING
    return runtime


def plant(runtime: Runtime) -> None:
    """The name wherever a long life leaves one."""
    event = bought(runtime)[0]
    keep_card(runtime, "pm_1")
    with runtime.database.transaction() as session:
        owner = accounts.find(session, "acme").id
        asked = {"cause": "number", "kind": "check_vat_number", "target": f"CZ{CANARY}"}
        check = Effect(account_id=owner, **asked, result={"name": CANARY})
        session.add_all([check, VatCheck(account_id=owner, number=CANARY)])
        session.flush()
        for failed in ({"event_id": event.id}, {"effect_id": check.id}):
            session.add(Attempt(outcome="failed", traceback=f"Error: {CANARY}", **failed))
        pages = dict.fromkeys(("return_url", "cancel_url", "checkout_url"), PAGE)
        session.execute(update(Order).values(**pages))
    perform(runtime)


def tables_that_tell(runtime: Runtime) -> set[str]:
    names = set(Base.metadata.tables)
    return {name for name in names if CANARY.encode() in raw(runtime.database, name)}


def test_no_table_but_those_of_the_papers_tells_of_the_person(runtime: Runtime) -> None:
    plant(runtime)
    assert tables_that_tell(runtime) >= PLANTED | {"invoices"}
    erase(runtime)
    assert tables_that_tell(runtime) <= PAPERS


def test_each_address_of_an_order_is_gone(runtime: Runtime) -> None:
    plant(runtime)
    erase(runtime)
    with runtime.database.transaction() as session:
        order = session.scalars(select(Order)).one()
        assert (order.return_url, order.cancel_url, order.checkout_url) == (None, None, None)
