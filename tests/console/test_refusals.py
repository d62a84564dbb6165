"""What is refused is told in the visitor's language, with what it is about."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from domain import clock
from domain.accounts import Account
from domain.database import Database
from domain.errors import Refused
from domain.operators import Operator
from domain.payments import Payment
from tests.architecture.tree import dotted, modules
from tests.console.conftest import Visitor
from webhooks.console.refusals import REFUSALS
from webhooks.console.speech import words

NOT_HERE = {
    # Only a customer, the app or the command line asks for these.
    *("country_unknown", "currency_fixed", "idempotency_key_reused", "nothing_to_refund"),
    *("operator_exists", "operator_name", "order_is_renewal", "order_paid", "order_unknown"),
    *("refund_not_first_payment", "refund_window_over", "revision_unknown", "role_unknown"),
    *("token_unknown", "trial_unknown", "year_to_month"),
    "restart_first",
    # Their sentence is in the visitor's language where they are raised (me.py, account_actions.py).
    *("amount_invalid", "password_differs", "password_wrong"),
}


def raised() -> dict[str, list[set[str]]]:
    """Every code that the domain and the console raise, with the values given at each place."""
    found: dict[str, list[set[str]]] = defaultdict(list)
    for module in modules("domain", "webhooks/console"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and dotted(node.func) == "Refused":
                code = node.args[0]
                assert isinstance(code, ast.Constant), str(module)
                found[str(code.value)].append({each.arg or "" for each in node.keywords})
    return found


def places(text: str) -> set[str]:
    """The names in braces."""
    return set(re.findall(r"{(\w+)}", text))


def test_every_refusal_has_a_sentence_or_is_none_of_the_console() -> None:
    codes = set(raised())
    assert codes - set(REFUSALS) - NOT_HERE == set()
    assert (set(REFUSALS) | NOT_HERE) - codes == set()


@pytest.mark.parametrize("language", ["fr", "cs"])
def test_every_refusal_has_words_in_each_language(language: str) -> None:
    assert {code for code, text in REFUSALS.items() if text not in words(language)} == set()


def test_whoever_refuses_gives_what_the_sentence_speaks_of() -> None:
    lacking = {
        code: places(REFUSALS[code]) - given
        for code, calls in raised().items()
        if code in REFUSALS and code != "password_length"
        for given in calls
        if places(REFUSALS[code]) - given
    }
    assert lacking == {}


def test_a_refusal_keeps_its_values_apart_from_its_message() -> None:
    error = Refused("not_blocked", "Account {x} is not blocked.", ref="{x}")
    assert (str(error), error.values) == ("Account {x} is not blocked.", {"ref": "{x}"})


def speaks(database: Database, language: str) -> None:
    """Anna wants that language."""
    with database.transaction() as session:
        session.execute(update(Operator).values(language=language))


def payment_of(database: Database, ref: str, **values: Any) -> int:
    """An account that paid 49 euros; the payment's number."""
    now = clock.now()
    with database.transaction() as session:
        account = Account(ref=ref, email="a@customers.example", currency="EUR", created_at=now)
        session.add(account)
        session.flush()
        payment = Payment(
            account_id=account.id,
            provider="acme",
            reference=f"acme_{ref}",
            state="succeeded",
            amount=4900,
            currency="EUR",
            created_at=now,
            paid_at=now - timedelta(days=1),
            **values,
        )
        session.add(payment)
        session.flush()
        return payment.id


def test_too_large_a_refund_is_refused_in_french_with_the_amounts(
    operator: Visitor, database: Database
) -> None:
    speaks(database, "fr")
    number = payment_of(database, "shop")
    path = f"/console/accounts/shop/payments/{number}/refund"
    refused = operator.post(path, {"amount": "50,00", "reason": "geste"})
    assert refused.status_code == 422
    text = refused.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Du paiement acme_shop, il reste 49,00 € à rembourser, et non 50,00 €." in text
    assert "geste" in text


def test_what_is_not_there_is_said_in_czech(operator: Visitor, database: Database) -> None:
    speaks(database, "cs")
    missing = operator.get("/console/events/77")
    assert missing.status_code == 404
    assert "Událost 77 neexistuje." in missing.text
    assert "Účet nobody neexistuje." in operator.get("/console/accounts/nobody").text


def test_a_field_that_is_wrong_is_named_as_it_stands_beside_it(
    operator: Visitor, database: Database
) -> None:
    speaks(database, "cs")
    payment_of(database, "shop")
    target = {"plan": "pro", "interval": "month", "conversations": "500", "reason": "víc lidí"}
    asked = "/console/accounts/shop/order"
    assert "Operátoři chatu: nejméně 1." in operator.post(asked, {**target, "agents": "0"}).text
    assert "Operátoři chatu: to je třeba vyplnit." in operator.post(asked, target).text
    much = operator.post(asked, {**target, "agents": "1000000"}).text
    assert "Operátoři chatu: nejvýše 100" in much
    no_number = operator.post(asked, {**target, "agents": "many"}).text
    assert "Operátoři chatu: to nejde." in no_number
    long = operator.post(asked, {**target, "agents": "2", "reason": "x" * 600}).text
    assert "Důvod: vejde se nejvýše 500 znaků." in long


def test_a_number_that_is_none_and_a_place_in_a_list_that_is_gone_are_not_errors_of_ours(
    operator: Visitor,
) -> None:
    assert operator.get("/console/events/none").status_code == 404
    gone = operator.get("/console/events?cursor=zzz")
    assert gone.status_code == 400
    assert "Begin at its first page." in gone.text
