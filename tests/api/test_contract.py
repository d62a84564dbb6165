"""The published contract is valid, complete, and what the application really answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from tests.api.conftest import Worker, details, purchase, wanted
from webhooks.api import OPERATIONS, openapi, resource
from webhooks.app import create_app

CONTRACT = openapi.document(OPERATIONS)
IDS = [operation.name for operation in OPERATIONS]


def validator(name: str) -> Any:
    """A validator of one schema of the contract, formats included."""
    schema = {**CONTRACT, "$ref": f"#/components/schemas/{name}"}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_every_example_is_valid(operation: Any) -> None:
    shown = [(answer.type, answer.example) for answer in operation.answers.values()]
    for kind, example in [*shown, (operation.inputs.get("body"), operation.example)]:
        if example is not None:
            assert list(validator(kind.__name__).iter_errors(example)) == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_every_call_is_described_with_its_refusals(operation: Any) -> None:
    described = CONTRACT["paths"][operation.path][operation.method.lower()]
    assert len(described["summary"]) > 2
    assert described["security"] == [{"token": []}]
    assert {"401", "403", "500", "503"} <= set(described["responses"])
    assert all(each["description"] for each in described["parameters"])
    in_path = {each["name"] for each in described["parameters"] if each["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", operation.path))


def test_every_call_is_found_under_a_tag_that_is_explained() -> None:
    assert {operation.tag for operation in OPERATIONS} == set(openapi.TAGS)


def test_names_of_calls_are_unique() -> None:
    assert len(set(IDS)) == len(IDS)


def test_the_contract_is_served_to_everybody(anonymous: TestClient) -> None:
    answer = anonymous.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"
    assert set(answer.json()["paths"]) == {operation.path for operation in OPERATIONS}


def test_problems_are_what_the_contract_says(client: TestClient) -> None:
    problems = (
        client.get("/api/accounts/nobody"),
        client.put("/api/accounts/shop", json=details(currency="GBP")),
        client.get("/api/accounts/nobody", headers={"Authorization": ""}),
    )
    for answer in problems:
        assert list(validator("Problem").iter_errors(answer.json())) == []


def test_answers_are_what_the_contract_says(client: TestClient, shop: str, working: Worker) -> None:
    order = client.post(f"/api/accounts/{shop}/orders", json=purchase()).json()
    answers = {
        "OrderState": order,
        "QuoteState": client.post(f"/api/accounts/{shop}/quotes", json=wanted()).json(),
        "AccountState": client.get(f"/api/accounts/{shop}").json(),
        "History": client.get(f"/api/accounts/{shop}/history?limit=1").json(),
    }
    assert order["checkout"] == "ready"
    for name, answer in answers.items():
        assert list(validator(name).iter_errors(answer)) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", IDS)
def test_no_generated_request_gets_an_undocumented_answer(
    services: Any,
    token: Callable[[str], str],
    shop: str,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    mode: GenerationMode,
) -> None:
    monkeypatch.setattr(resource, "PATIENCE_S", 0.0)
    contract = schemathesis.openapi.from_asgi("/openapi.json", create_app(services))
    headers = {"Authorization": f"Bearer {token('app')}"}
    operation = contract.find_operation_by_id(name)
    statuses: set[int] = set()

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(operation, mode, shop))
    def check(case: Any) -> None:
        answer = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
        statuses.add(answer.status_code)

    check()
    assert max(statuses) < 500


def cases(operation: Any, mode: GenerationMode, shop: str) -> st.SearchStrategy[Any]:
    """Requests for any account, and for one that is there."""
    generated = operation.as_strategy(mode)
    if mode is GenerationMode.NEGATIVE or "{ref}" not in operation.path:
        return generated  # type: ignore[no-any-return]
    return st.one_of(generated, operation.as_strategy(mode, path_parameters={"ref": shop}))
