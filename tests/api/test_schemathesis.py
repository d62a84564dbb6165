"""Requests made up from the published contract, against the whole application on PostgreSQL.

Each call is made by whoever may make it, half of the time about things that are there, so that the
handlers run and not only the doors before them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from domain import alerts, failures, replays, trials
from domain.audit import Decider
from domain.event_search import Filter
from domain.replays import Plan
from tests.api.conftest import SECRET, Worker, purchase
from tests.contract.acme.ledger import Ledger, delivery
from webhooks.api import OPERATIONS, resource
from webhooks.api.parts import Services
from webhooks.app import create_app

EXAMPLES = 4
BY = Decider(actor="operator:tests", reason="to have one")
pytestmark = [
    pytest.mark.parametrize("database_url", ["postgres"], indirect=True),
    # Some ten seconds on an idle machine; many times that on one that has other work.
    pytest.mark.timeout(600),
]


@pytest.fixture
def lived(
    client: TestClient, services: Services, shop: str, working: Worker, ledger: Ledger
) -> None:
    """There is one of everything that a path can name, each with the number 1."""
    client.post(f"/api/accounts/{shop}/orders", json=purchase())
    for event in (ledger.pay("acme_checkout_1"), {"id": "evt_2", "type": "payment.completed"}):
        headers, body = delivery(event, SECRET)
        client.post("/webhooks/acme", content=body, headers=headers)
    working.wait()
    with services.database.transaction() as session:
        alerts.raise_alert(session, "renewal_exhausted", shop, account=shop)
        failures.refresh(session)
        replays.create(session, Plan(filter=Filter(provider="acme")), BY)
        trials.want(session, 1, BY)


def cases(operation: Any, mode: GenerationMode, number: str) -> st.SearchStrategy[Any]:
    """Requests for anything, and for what is there."""
    generated = operation.as_strategy(mode)
    names = {"ref": "shop", "id": "1", "number": number}
    known = {name: value for name, value in names.items() if f"{{{name}}}" in operation.path}
    if mode is GenerationMode.NEGATIVE or not known:
        return generated  # type: ignore[no-any-return]
    return st.one_of(generated, operation.as_strategy(mode, path_parameters=known))


def test_every_call_answers_every_request_as_the_contract_says(
    services: Services,
    client: TestClient,
    lived: None,
    working: Worker,
    token: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "PATIENCE_S", 0.0)
    # A worker that draws lots between two examples would be taken for a strategy that does.
    working.stop()
    contract = schemathesis.openapi.from_asgi("/openapi.json", create_app(services))
    tokens = {role: token(role) for role in ("app", "operator")}
    [invoice] = client.get("/api/accounts/shop/invoices").json()["items"]
    statuses: dict[str, set[int]] = {}
    for operation in OPERATIONS:
        role = "app" if "app" in operation.roles else "operator"
        headers = {"Authorization": f"Bearer {tokens[role]}"}
        described = contract.find_operation_by_id(operation.name)
        for mode in GenerationMode:
            met = statuses.setdefault(operation.name, set())
            try_out(cases(described, mode, invoice["number"]), headers, met)
    assert {name: met for name, met in statuses.items() if max(met) >= 500} == {}
    unheard = {name for name, met in statuses.items() if met <= {401, 403, 404, 405}}
    # Their only inputs are the name of a thing, and every one that is made up is unknown.
    assert unheard <= {"getOrder", "deleteOrder"}


def try_out(requests: st.SearchStrategy[Any], headers: dict[str, str], met: set[int]) -> None:
    """Send some requests; every answer passes every check."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests)
    def check(case: Any) -> None:
        # A request that fits the contract may still be refused: the order may be paid already.
        answer = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
        met.add(answer.status_code)

    check()
