"""What is told of an error tells nobody's data, and still says what went wrong."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from contextlib import redirect_stderr

import pytest
import structlog

from domain import discretion, telemetry
from domain.errors import NotYet, Permanent, Transient
from workers import outcomes

CANARIES = (
    "Canary Canarella",
    "canary.person@customers.example",
    "Canary Street 77",
    "+420 600 777 888",
    "4111111111111111",
    "sk_live_canary",
)


def raise_with(canary: str) -> None:
    """Fail as code does that met a value which it did not expect."""
    values: dict[str, int] = {}
    try:
        values[canary]
    except KeyError as error:
        raise ValueError(f"invalid literal for int() with base 10: {canary!r}") from error


@pytest.mark.parametrize("canary", CANARIES)
def test_a_fault_is_described_without_the_value_that_it_met(canary: str) -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        raise_with(canary)
    failure = outcomes.judge(caught.value, "acme paid", 1)
    for text in (failure.error, failure.fingerprint, failure.traceback):
        assert canary not in text
        assert "ValueError: invalid literal for int() with base" in text
    assert "raise_with" in failure.traceback


@pytest.mark.parametrize(
    "error, text",
    [
        (KeyError("plan"), "KeyError: 'plan'"),
        (AttributeError("'NoneType' object has no attribute 'amount'"), "AttributeError: 'None"),
        (Permanent("payment.completed has no data"), "Permanent: payment.completed has no data"),
        (NotYet("payment 'PAY-1' names no order"), "NotYet: payment 'PAY-1' names no order"),
        (Transient("no answer for anna@shop.example"), "Transient: no answer for …@…"),
        (ValueError(""), "ValueError: "),
        (ValueError("first\nKey (email)=(anna@shop.example)"), "ValueError: first"),
    ],
)
def test_what_helps_to_mend_it_stays(error: Exception, text: str) -> None:
    assert discretion.told(error).startswith(text)
    assert "anna" not in discretion.told(error)


def test_ids_of_ours_and_of_the_providers_stay() -> None:
    kept = "order ord_1f0c9a6be0d24c7c8a5b3e21, pi_3PabcDEF12345678, WH-2W426467-9V01, 2026-000042"
    assert discretion.blanked(kept) == kept


def logged(write: Callable[[], object]) -> dict[str, str]:
    """The line that something writes to the log."""
    told = io.StringIO()
    with redirect_stderr(told):
        telemetry.configure_logging("json", "info", ["a-secret-of-the-settings"])
        write()
    line: dict[str, str] = json.loads(told.getvalue())
    return line


@pytest.mark.parametrize("canary", [*CANARIES, "a-secret-of-the-settings"])
@pytest.mark.parametrize("by", ["ours", "a library"])
def test_a_traceback_in_the_log_quotes_nothing(canary: str, by: str) -> None:
    def write() -> None:
        try:
            raise_with(canary)
        except ValueError:
            if by == "ours":
                structlog.get_logger().exception("duty_failed")
            else:
                logging.getLogger("some.library").exception("it failed")

    line = logged(write)
    assert canary not in json.dumps(line)
    assert "raise_with" in line["exception"]
    assert "because of" in line["exception"]
