"""Alerts through the API: who may read them, which ones, and who looks after one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from domain import alerts
from domain.database import Database

Token = Callable[[str], str]


@pytest.fixture
def viewer(anonymous: TestClient, token: Token) -> TestClient:
    anonymous.headers["Authorization"] = f"Bearer {token('viewer')}"
    return anonymous


@pytest.fixture
def three(database: Database) -> None:
    """One resolved, two open alerts."""
    with database.transaction() as session:
        alerts.raise_alert(session, "forged_delivery", "acme", reason="no signature")
        alerts.raise_alert(session, "renewal_exhausted", "shop-1", account="shop-1")
        alerts.raise_alert(session, "renewal_exhausted", "shop-2", account="shop-2")
        alerts.resolve(session, "forged_delivery", "acme")


def listed(client: TestClient, query: str = "") -> list[tuple[int, str]]:
    answer = client.get(f"/api/alerts{query}")
    assert answer.status_code == 200, answer.text
    return [(item["id"], item["state"]) for item in answer.json()["items"]]


def acknowledge(client: TestClient, secret: str, number: int, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {secret}"}
    return client.post(f"/api/alerts/{number}/ack", json=body, headers=headers)


def test_alerts_are_listed_newest_first_and_narrowed(viewer: TestClient, three: None) -> None:
    assert listed(viewer) == [(3, "open"), (2, "open"), (1, "resolved")]
    assert listed(viewer, "?state=resolved") == [(1, "resolved")]
    assert listed(viewer, "?state=unresolved&rule=renewal_exhausted") == [(3, "open"), (2, "open")]
    assert listed(viewer, "?rule=dispute_lost") == []


def test_pages_show_every_alert_once(viewer: TestClient, three: None) -> None:
    first = viewer.get("/api/alerts?limit=2").json()
    second = viewer.get(f"/api/alerts?limit=2&cursor={first['next']}").json()
    assert [item["id"] for item in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next"] is None


def test_an_alert_says_what_whom_since_when_and_what_to_do(viewer: TestClient, three: None) -> None:
    alert = viewer.get("/api/alerts/3").json()
    assert alert["what"] == "All tries to renew account shop-2 failed; auto-renew is off."
    assert alert["hurts"].startswith("Account shop-2: it is blocked")
    assert alert["runbook"] == "docs/runbook.md#renewal_exhausted"
    assert (alert["severity"], alert["count"], alert["resolved_at"]) == ("notice", 1, None)
    assert viewer.get("/api/alerts/99").json()["code"] == "alert_unknown"


def test_a_viewer_reads_and_only_an_operator_acknowledges(
    viewer: TestClient, token: Token, three: None
) -> None:
    assert viewer.post("/api/alerts/3/ack", json={}).status_code == 403
    answer = acknowledge(viewer, token("operator"), 3, reason="I look into it")
    assert answer.status_code == 200
    alert = answer.json()
    assert (alert["state"], alert["acknowledged_by"]) == (
        "acknowledged",
        "operator:tests as operator",
    )
    assert alert["acknowledged_reason"] == "I look into it"
    assert listed(viewer, "?state=acknowledged") == [(3, "acknowledged")]


def test_no_reason_is_needed_and_a_resolved_alert_is_refused(
    viewer: TestClient, token: Token, three: None
) -> None:
    operator = token("operator")
    assert acknowledge(viewer, operator, 2).json()["acknowledged_reason"] is None
    refused = acknowledge(viewer, operator, 1)
    assert (refused.status_code, refused.json()["code"]) == (409, "alert_resolved")


def test_the_app_has_no_business_with_alerts(client: TestClient, three: None) -> None:
    assert client.get("/api/alerts").status_code == 403
