"""Which declines leave hope for the same card."""

from __future__ import annotations

import pytest

from domain.facts import Decline
from webhooks.providers.stripe.declines import DECLINES, decline, decline_of, decline_of_charge

NO_RETRY = (
    "authentication_required",
    "highest_risk_level",
    "incorrect_number",
    "lost_card",
    "pickup_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "stolen_card",
    "transaction_not_allowed",
)


@pytest.mark.parametrize("code", NO_RETRY)
def test_codes_after_which_stripe_itself_gives_up_are_hard(code: str) -> None:
    assert decline(code).kind == "hard"


@pytest.mark.parametrize(
    "code", ["insufficient_funds", "generic_decline", "processing_error", "a_code_of_next_year"]
)
def test_every_other_refusal_may_pass_and_is_soft(code: str) -> None:
    assert decline(code).kind == "soft"


def test_the_table_knows_only_the_two_kinds() -> None:
    assert set(DECLINES.values()) == {"hard", "soft"}


def test_the_code_of_the_bank_says_more_than_stripes() -> None:
    error = {"code": "card_declined", "decline_code": "lost_card", "message": "Declined."}
    assert decline_of(error) == Decline(code="lost_card", kind="hard", message="Declined.")


@pytest.mark.parametrize("error", [{}, {"code": None}, {"code": 5, "message": []}])
def test_an_error_that_says_nothing_is_unknown_and_soft(error: dict[str, object]) -> None:
    assert decline_of(error) == Decline(code="unknown", kind="soft")


def test_a_failed_charge_has_the_code_of_the_bank_as_its_outcome() -> None:
    charge = {
        "failure_code": "card_declined",
        "failure_message": "Declined.",
        "outcome": {"reason": "stolen_card"},
    }
    assert decline_of_charge(charge) == Decline(
        code="stolen_card", kind="hard", message="Declined."
    )
    assert decline_of_charge({"failure_code": "expired_card"}).code == "expired_card"
