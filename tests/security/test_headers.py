"""What every kind of answer tells a browser, and what no answer tells anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from tests.security.doors import DOORS
from tests.security.keys import ORIGIN, Locksmith, browser
from webhooks.api import resource
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.browsers import ONLY_HTTPS
from webhooks.console import assets

PLACES = {"ref": "shop", "id": "1", "number": "2026-000001", "name": "none.css", "provider": "acme"}
EVIL = "evil.example"


def client_of(services: Services, base_url: str = ORIGIN) -> TestClient:
    """A browser's client, from elsewhere."""
    app = create_app(services)
    at = {"client": ("192.0.2.1", 50000), "base_url": base_url, "follow_redirects": False}
    return TestClient(app, raise_server_exceptions=False, **at)  # type: ignore[arg-type]


@pytest.fixture
def answers(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Every kind of answer: of every route, to somebody and to nobody, right and wrong."""
    monkeypatch.setattr(resource, "PATIENCE_S", 0.0)
    smith = Locksmith(services)
    with client_of(services) as client:
        found: dict[str, Any] = {}
        for door in DOORS:
            address = door.address(PLACES)
            keys = {
                "nobody": {},
                "operator": browser("operator")(smith).headers,
                "app": {"Authorization": f"Bearer {smith.token('app')}"},
            }
            for name, headers in keys.items():
                answer = client.request(door.method, address, headers=headers)
                found[f"{door.method} {door.path} by {name}"] = answer
        found["asset"] = client.get(assets.address("console.css"))
        found["nowhere"] = client.get("/nowhere")
        found["no such method"] = client.delete("/livez")
        found["no such provider"] = client.post("/webhooks/nobody")
        found["no page"] = client.get("/console/nowhere")
        yield found


def test_every_answer_is_taken_for_what_it_is(answers: dict[str, Any]) -> None:
    bare = [name for name, a in answers.items() if a.headers["x-content-type-options"] != "nosniff"]
    assert bare == []
    assert len(answers) > 250


def test_every_answer_that_a_browser_may_show_is_bound_and_framed_by_nobody(
    answers: dict[str, Any],
) -> None:
    for name, answer in answers.items():
        if "/webhooks/" in name or name == "no such provider":
            continue
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, name
        assert "default-src 'none'" in policy or answer.headers["content-type"].endswith("/pdf")
        assert "unsafe" not in policy, name
        assert answer.headers["x-frame-options"] == "DENY", name
        assert answer.headers["referrer-policy"] in {"no-referrer", "same-origin"}, name


def test_nothing_private_is_kept_by_anybody(answers: dict[str, Any]) -> None:
    kept = [n for n, a in answers.items() if "no-store" not in a.headers.get("cache-control", "")]
    assert [name for name in kept if "/webhooks/" not in name] == ["asset"]


def test_no_answer_says_what_serves_it(answers: dict[str, Any]) -> None:
    telling = {"server", "x-powered-by", "via", "x-aspnet-version"}
    assert [name for name, answer in answers.items() if telling & set(answer.headers)] == []


def test_no_answer_lets_pages_of_other_sites_read_it(services: Services) -> None:
    with client_of(services) as client:
        for door in DOORS:
            headers = {"Origin": f"https://{EVIL}", "Access-Control-Request-Method": door.method}
            for method in (door.method, "OPTIONS"):
                answer = client.request(method, door.address(PLACES), headers=headers)
                told = [name for name in answer.headers if name.startswith("access-control-")]
                assert told == [], door


def test_only_over_https_browsers_are_told_to_come_by_https_alone(services: Services) -> None:
    with client_of(services) as plain, client_of(services, "https://testserver") as secure:
        for path in ("/livez", "/console/sign-in", "/docs", "/api/events", "/nowhere"):
            assert "strict-transport-security" not in plain.get(path).headers
            assert secure.get(path).headers["strict-transport-security"] == ONLY_HTTPS


def test_behind_a_proxy_the_public_address_says_that_it_is_https(services: Services) -> None:
    settings = msgspec.structs.replace(services.settings, public_url="https://billing.example")
    with client_of(replace(services, settings=settings)) as client:
        assert "strict-transport-security" in client.get("/console/sign-in").headers


@pytest.mark.parametrize("path", ["/", "/console", "/console/events?q=1", "/api/events/", "/docs/"])
@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "Forwarded", "X-Original-URL"])
def test_no_answer_leads_to_a_host_that_the_caller_named(
    services: Services, path: str, name: str
) -> None:
    with client_of(services) as client:
        answer = client.get(path, headers={name: EVIL})
        assert EVIL not in answer.text
        assert all(EVIL not in value for value in answer.headers.values())
        location = answer.headers.get("location", "/")
        assert location.startswith("/")
        assert not location.startswith("//")


def test_a_name_that_a_site_gave_to_this_machine_does_not_open_the_figures(
    services: Services,
) -> None:
    app = create_app(services)
    with TestClient(app, client=("127.0.0.1", 50000)) as here:
        for host, status in (
            ("127.0.0.1:8000", 200),
            ("localhost:8000", 200),
            ("[::1]:8000", 200),
            ("rebound.evil.example", 401),
        ):
            assert here.get("/metrics", headers={"Host": host}).status_code == status


def test_a_form_of_a_host_that_only_looks_like_ours_is_refused(
    services: Services, token: Callable[[str], str]
) -> None:
    shown = browser("operator", {"Origin": f"https://{EVIL}"})(Locksmith(services))
    with client_of(services) as client:
        for forwarded in ({"X-Forwarded-Host": EVIL}, {"Forwarded": f"host={EVIL}"}):
            answer = client.post(
                "/console/sign-out",
                data={"csrf": shown.csrf},
                headers={**shown.headers, **forwarded},
            )
            assert answer.status_code == 403
