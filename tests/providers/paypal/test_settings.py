"""The ``PAYPAL_…`` settings: off, complete, or a sentence that names the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import Misconfigured
from webhooks.providers import registry
from webhooks.providers.paypal.settings import PayPalSettings, configure
from webhooks.providers.paypal.sources import LIVE_NAME, SANDBOX_NAME
from webhooks.sandbox.authority import Authority

COMPLETE = {
    "PAYPAL_WEBHOOK_IDS": "5GP028458E2496506",
    "PAYPAL_CLIENT_ID": "client",
    "PAYPAL_CLIENT_SECRET": "very-secret",
}
SANDBOX = "http://127.0.0.1:8001"


def configured(sandbox: str | None = None, **more: str) -> PayPalSettings:
    settings = configure({**COMPLETE, **more}, sandbox)
    assert settings is not None
    return settings


def test_without_any_setting_paypal_is_off() -> None:
    assert configure({"PATH": "/bin", "STRIPE_API_KEY": "sk"}) is None
    assert configure({"PAYPAL_CLIENT_ID": "  "}) is None
    assert configure({}, SANDBOX) is None


def test_live_is_the_default() -> None:
    settings = configured()

    assert (settings.mode, settings.api_base) == ("live", "https://api-m.paypal.com")
    assert {source.name for source in settings.cert_sources} == {LIVE_NAME}
    assert (settings.trust_store, settings.trust_url) == (None, None)


def test_paypals_own_sandbox_has_its_own_hosts() -> None:
    settings = configured(PAYPAL_MODE="sandbox")

    assert settings.api_base == "https://api-m.sandbox.paypal.com"
    assert {source.name for source in settings.cert_sources} == {SANDBOX_NAME}


def test_the_local_sandbox_plays_api_certificates_and_trust() -> None:
    settings = configured(f"{SANDBOX}/")

    assert settings.mode == "sandbox"
    assert settings.api_base == f"{SANDBOX}/paypal"
    assert [source.prefix for source in settings.cert_sources] == [
        f"{SANDBOX}/paypal/v1/notifications/certs/"
    ]
    assert settings.trust_url == f"{SANDBOX}/paypal/trust.pem"


def test_several_webhook_ids_are_kept_in_order_and_once() -> None:
    assert configured(PAYPAL_WEBHOOK_IDS="B2, A1,,B2").webhook_ids == ("B2", "A1")


@pytest.mark.parametrize("missing", sorted(COMPLETE))
def test_a_missing_variable_is_named(missing: str) -> None:
    given = {name: value for name, value in COMPLETE.items() if name != missing}
    with pytest.raises(Misconfigured, match=f"{missing} is missing"):
        configure(given)


def test_a_misspelt_variable_is_named_with_the_right_one() -> None:
    with pytest.raises(Misconfigured, match=r"PAYPAL_WEBHOOK_ID .*did you mean PAYPAL_WEBHOOK_IDS"):
        configure({**COMPLETE, "PAYPAL_WEBHOOK_ID": "X"})
    with pytest.raises(Misconfigured, match="PAYPAL_ZZZ is not a setting"):
        configure({"PAYPAL_ZZZ": "1"})


def test_the_simulators_webhook_id_is_refused_where_money_is_real() -> None:
    with pytest.raises(Misconfigured, match="everyone could send signed events"):
        configured(PAYPAL_WEBHOOK_IDS="A1,WEBHOOK_ID")


def test_the_simulators_webhook_id_brings_the_live_certificates_into_the_sandbox() -> None:
    settings = configured(PAYPAL_MODE="sandbox", PAYPAL_WEBHOOK_IDS="A1,WEBHOOK_ID")

    assert {source.name for source in settings.cert_sources} == {LIVE_NAME, SANDBOX_NAME}


@pytest.mark.parametrize(
    "sandbox, name, value, reason",
    [
        (None, "PAYPAL_MODE", "test", "live or sandbox"),
        (SANDBOX, "PAYPAL_MODE", "live", "exclude each other"),
        (None, "PAYPAL_WEBHOOK_IDS", "a|b", "letters and digits"),
        (None, "PAYPAL_WEBHOOK_IDS", ",", "names no webhook id"),
        (None, "PAYPAL_API_BASE", "http://api-m.paypal.com", "must be like"),
        (None, "PAYPAL_API_BASE", "https://u@api-m.paypal.com", "must be like"),
        (None, "PAYPAL_API_BASE", "api-m.paypal.com", "must be like"),
        (SANDBOX, "PAYPAL_API_BASE", "https://api-m.paypal.com", "BILLHOOK_SANDBOX"),
        (SANDBOX, "PAYPAL_CERT_SOURCES", "https://api.paypal.com/certs/", "BILLHOOK_SANDBOX"),
        (None, "PAYPAL_CERT_SOURCES", "http://api.paypal.com/certs/", "must be https"),
        (None, "PAYPAL_TRUST_STORE", "/nowhere/trust.pem", "cannot be used"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(
    sandbox: str | None, name: str, value: str, reason: str
) -> None:
    with pytest.raises(Misconfigured, match=f"{name}.*{reason}"):
        configured(sandbox, **{name: value})


def test_a_trust_store_must_hold_a_root(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "trust.pem"
    path.write_bytes(authority.leaf_pem)
    with pytest.raises(Misconfigured, match=r"PAYPAL_TRUST_STORE.*no root"):
        configured(PAYPAL_TRUST_STORE=str(path))

    path.write_bytes(authority.trust_pem)
    assert configured(PAYPAL_TRUST_STORE=str(path)).trust_store == path


def test_own_certificate_sources_replace_paypals() -> None:
    settings = configured(PAYPAL_CERT_SOURCES="https://mirror.example/certs, https://b.example/")

    assert [source.prefix for source in settings.cert_sources] == [
        "https://mirror.example/certs/",
        "https://b.example/",
    ]
    assert {source.name for source in settings.cert_sources} == {LIVE_NAME}


def test_the_secret_is_told_to_the_log_and_hidden_in_texts() -> None:
    settings = configured()

    assert settings.secrets() == ("very-secret",)
    assert "very-secret" not in repr(settings)


def test_the_registry_switches_paypal_on_with_all_its_parts() -> None:
    known = registry(COMPLETE)

    assert [provider.name for provider in known] == ["paypal"]
    assert known["paypal"].verifier.identify(b'{"id":"1","event_type":"A"}').event_id == "1"
    assert known["paypal"].gateway is known["paypal"].gateway
    assert callable(known["paypal"].translator)
    paypal = known.for_method("paypal")
    assert paypal is not None
    assert paypal.spec.title == "PayPal"
