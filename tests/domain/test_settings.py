"""A setting that is wrong is named, with the rule that it breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain import settings
from domain.errors import Misconfigured

APP = "BILLHOOK_APP_URL"


def test_where_customers_manage_their_subscription_is_read_and_may_be_unset() -> None:
    assert settings.read({APP: "https://app.example/billing/?a=b"}, None).app_url == (
        "https://app.example/billing/?a=b"
    )
    assert settings.read({}, None).app_url is None


@pytest.mark.parametrize(
    "url, rule",
    [
        ("app.example/billing", "http:// or https://"),
        ("javascript:alert(1)", "http:// or https://"),
        ("https://app.example/a b", "without spaces"),
        ('https://app.example/"', "without spaces"),
    ],
)
def test_an_address_that_no_mail_could_carry_is_refused(url: str, rule: str) -> None:
    with pytest.raises(Misconfigured, match=f"{APP} must be .*{rule}"):
        settings.read({APP: url}, None)


def test_a_name_that_is_nearly_right_is_told() -> None:
    with pytest.raises(Misconfigured, match=f"did you mean {APP}"):
        settings.read({"BILLHOOK_APP_ULR": "https://app.example"}, None)


@pytest.mark.parametrize("name", ["BILLHOOK_ALERT_WEBHOOK_URL", "BILLHOOK_ALERT_WEBHOOK_SECRET"])
def test_a_webhook_for_alerts_needs_its_address_and_its_secret(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"{name} is set and .* is not: alerts are told"):
        settings.read({name: "https://ops.example/alerts"}, None)


def test_a_place_for_figures_that_would_be_read_too_late_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PROMETHEUS_MULTIPROC_DIR=/run/billhook\n")
    with pytest.raises(Misconfigured, match="in the environment itself"):
        settings.read({}, file)
    assert settings.read({"PROMETHEUS_MULTIPROC_DIR": "/run/billhook"}, file).port == 8000
