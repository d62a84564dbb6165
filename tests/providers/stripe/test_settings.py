"""Stripe's settings: complete or absent, and errors that name the variable but not its value."""

from __future__ import annotations

import pytest

from domain.errors import Misconfigured
from webhooks.providers.stripe.settings import StripeConfiguration, configure

GOOD = {"STRIPE_API_KEY": "sk_test_abc", "STRIPE_WEBHOOK_SECRETS": "whsec_one,whsec_two"}


def configured(sandbox: str | None = None, **changes: str) -> StripeConfiguration:
    """The configuration of a good environment with changes."""
    made = configure({**GOOD, **changes}, sandbox)
    assert made is not None
    return made


def test_stripe_is_off_when_none_of_its_settings_is_there() -> None:
    assert configure({"PATH": "/bin", "PAYPAL_MODE": "live", "STRIPE_API_KEY": ""}, None) is None


def test_a_good_environment_gives_every_secret_and_the_mode() -> None:
    made = configured()
    assert made.webhook_secrets == ("whsec_one", "whsec_two")
    assert made.secrets() == ("whsec_one", "whsec_two", "sk_test_abc")
    assert (made.livemode, made.api_base) == (False, "https://api.stripe.com")


@pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc"])
def test_a_live_key_means_live_mode(key: str) -> None:
    assert configured(STRIPE_API_KEY=key).livemode is True


def test_the_text_form_shows_no_secret() -> None:
    shown = f"{configured()!r} {configured()}"
    assert "whsec_one" not in shown
    assert "sk_test_abc" not in shown


def test_the_sandbox_takes_the_place_of_stripe() -> None:
    assert configured("http://127.0.0.1:8001/").api_base == "http://127.0.0.1:8001/stripe"


def test_an_explicit_api_base_wins_over_the_sandbox() -> None:
    made = configured("http://127.0.0.1:8001", STRIPE_API_BASE="http://127.0.0.1:9/x/")
    assert made.api_base == "http://127.0.0.1:9/x"


@pytest.mark.parametrize(
    "changes, sandbox, words",
    [
        ({"STRIPE_API_KEY": ""}, None, ["STRIPE_API_KEY", "missing"]),
        ({"STRIPE_API_KEY": "pk_live_abc"}, None, ["STRIPE_API_KEY", "publishable"]),
        ({"STRIPE_API_KEY": "whsec_abc"}, None, ["STRIPE_API_KEY", "sk_ or rk_"]),
        ({"STRIPE_API_KEY": "sk_test_abc\n"}, None, ["STRIPE_API_KEY", "white space"]),
        ({"STRIPE_API_KEY": "sk_live_abc"}, "http://s", ["STRIPE_API_KEY", "BILLHOOK_SANDBOX"]),
        ({"STRIPE_WEBHOOK_SECRETS": ""}, None, ["STRIPE_WEBHOOK_SECRETS", "missing"]),
        ({"STRIPE_WEBHOOK_SECRETS": "sk_abc"}, None, ["secret 1 of 1", "whsec_"]),
        ({"STRIPE_WEBHOOK_SECRETS": "whsec_"}, None, ["secret 1 of 1", "whsec_"]),
        ({"STRIPE_WEBHOOK_SECRETS": "whsec_abc, whsec_d"}, None, ["secret 2 of 2", "white space"]),
        ({"STRIPE_WEBHOOK_SECRETS": "whsec_abc\n"}, None, ["secret 1 of 1", "white space"]),
        ({"STRIPE_WEBHOOK_SECRETS": "whsec_a bc"}, None, ["secret 1 of 1", "white space"]),
        ({"STRIPE_WEBHOOK_SECRETS": "whsec_abc,"}, None, ["secret 2 of 2", "empty"]),
        ({"STRIPE_WEBHOOK_SECRETS": "whsec_žabc"}, None, ["secret 1 of 1", "copy it again"]),
        ({"STRIPE_API_BASE": "api.stripe.com"}, None, ["STRIPE_API_BASE", "URL"]),
        (
            {"STRIPE_API_BASE": "http://x", "STRIPE_API_KEY": "sk_live_abc"},
            None,
            ["STRIPE_API_BASE", "https"],
        ),
        ({"STRIPE_WEBHOOK_SECRET": "abc"}, None, ["did you mean STRIPE_WEBHOOK_SECRETS?"]),
        ({"STRIPE_SECRET_KEY": "abc"}, None, ["STRIPE_SECRET_KEY", "STRIPE_API_KEY"]),
    ],
)
def test_a_mistake_is_named_with_its_variable_and_without_its_value(
    changes: dict[str, str], sandbox: str | None, words: list[str]
) -> None:
    with pytest.raises(Misconfigured) as refusal:
        configured(sandbox, **changes)
    message = str(refusal.value)
    assert [word for word in words if word not in message] == []
    assert "abc" not in message
