"""PayPal's reasons for refusing money."""

from __future__ import annotations

import pytest

from webhooks.providers.paypal.declines import ISSUES, PROCESSOR_CODES, decline


@pytest.mark.parametrize("code", ["5400", "TOKEN_ID_NOT_FOUND", "PAYER_ACTION_REQUIRED", "9520"])
def test_what_only_a_new_method_can_cure_is_hard(code: str) -> None:
    assert decline(code).kind == "hard"


@pytest.mark.parametrize("code", ["5120", "INSTRUMENT_DECLINED", "9100", "NEVER_SEEN", None])
def test_what_may_pass_and_what_is_unknown_is_soft(code: str | None) -> None:
    assert decline(code).kind == "soft"


def test_the_code_is_kept_and_never_empty() -> None:
    assert decline("5120", "no money").code == "5120"
    assert decline(None).code == "unknown"


def test_no_code_stands_in_both_tables() -> None:
    assert not set(ISSUES) & set(PROCESSOR_CODES)
