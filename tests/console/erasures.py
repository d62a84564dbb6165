"""An account whose customer wants to be forgotten, and the form for it as a browser sends it."""

from __future__ import annotations

import html
import re

from domain import accounts, audit
from domain.accounts import Account
from domain.audit import AuditEntry
from domain.database import Database
from domain.methods import PaymentMethod
from tests.console.conftest import Visitor

NAME, EMAIL = "Anna Canarella", "canary@customers.example"
PAGE, FORM = "/console/accounts/shop", "/console/accounts/shop/erasure"
WHY = "ticket 4711"
CONFIRMED = {"confirmation": "shop", "reason": WHY}


def customer(database: Database) -> int:
    """An account with a name, an address and a saved card; its number."""
    with database.transaction() as session:
        billing = {"name": NAME, "street": "Canary Street 7", "country": "AT"}
        account = Account(ref="shop", email=EMAIL, currency="EUR", billing=billing)
        session.add(account)
        session.flush()
        method = {"token": "pm_1", "kind": "card", "brand": "visa", "last4": "9977"}
        session.add(PaymentMethod(account_id=account.id, provider="acme", **method))
        return account.id


def entered(visitor: Visitor, **changes: str) -> dict[str, str]:
    """What a browser sends of the form as it is shown now, filled in."""
    shown = visitor.get(FORM).text
    after = re.search(r'name="after" value="([^"]*)"', shown)
    assert after is not None
    return {**CONFIRMED, "after": html.unescape(after[1]), **changes}


def decisions(database: Database) -> list[AuditEntry]:
    """The lines about erasures."""
    with database.transaction() as session:
        return audit.page(session, 20, action="erase")


def email_of(database: Database) -> str:
    """What the account's e-mail address is."""
    with database.transaction() as session:
        return accounts.find(session, "shop").email
