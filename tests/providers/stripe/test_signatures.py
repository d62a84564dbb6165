"""Signatures: the cases that Stripe's own libraries pin down, one by one, and properties."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.stripe.workshop import (
    ARRIVAL,
    BODY,
    SECOND,
    SECRET,
    STAMP,
    configuration,
    delivery,
    signature,
)
from webhooks.providers.provider import Delivery, Verdict
from webhooks.providers.stripe.verify import verifier

GOOD = signature()
SPREAD = b'{\n  "id": "evt_1",\n  "items": [\n\n  ],\n  "more": {\n  }\n}'
COMPACT = b'{\n  "id": "evt_1",\n  "items": [],\n  "more": {}\n}'


def judge(header: str | None, body: bytes = BODY, *secrets: str) -> Verdict:
    """The verdict on a delivery with this header."""
    return verifier(configuration(*secrets)).verify(delivery(header, body))


def test_a_signed_body_is_authentic() -> None:
    verdict = judge(f"t={STAMP},v1={GOOD}")
    assert verdict == Verdict(status="authentic", signer="secret 1 of 1")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bad_header",
        "i'm not even a real signature header",
        "v1,t=1",
        "t=",
        "t",
        ",,,",
        "=",
        f"v1={GOOD}",
        f"t=,v1={GOOD}",
        f"t=now,v1={GOOD}",
        f"t=-{STAMP},v1={GOOD}",
        f"t=٣,v1={GOOD}",
        f"t={'9' * 40},v1={GOOD}",
        f"t={STAMP}",
        f"t={STAMP},v0={GOOD}",
        f"t={STAMP},v2={GOOD}",
        f"t={STAMP},V1={GOOD}",
        f"t={STAMP},v1=",
        f"t={STAMP},v1={GOOD[:-1]}",
        f"t={STAMP},v1={GOOD}0",
        f"t={STAMP},v1={GOOD.upper()}",
        f"t={STAMP},v1={'é' * 64}",
        f"t={STAMP},v1={'0' * 64}",
        f"t={STAMP + 1},v1={GOOD}",
    ],
)
def test_a_header_without_a_fitting_signature_is_refused(header: str | None) -> None:
    verdict = judge(header)
    assert verdict.status == "forged"
    assert verdict.reason
    assert verdict.signer == ""


@pytest.mark.parametrize(
    "header",
    [
        f"t={STAMP},v1={GOOD},v1=bad_signature",
        f"t={STAMP},v1=bad_signature,v1={GOOD}",
        f"v1={GOOD},t={STAMP}",
        f"t={STAMP},v0={'1' * 64},v1={GOOD}",
        f"t={STAMP},v1={signature(secret='whsec_other')},v1={GOOD}",
        f"t={STAMP},v1={GOOD},v1={signature(secret='whsec_other')}",
        f"t={STAMP},,nonsense,x=y=z,v1={GOOD}",
        f"t={STAMP}, v1={GOOD}",
    ],
)
def test_any_fitting_signature_is_enough_whatever_stands_beside_it(header: str) -> None:
    assert judge(header).status == "authentic"


def test_of_two_secrets_the_one_that_fits_is_told_by_its_position() -> None:
    first = judge(f"t={STAMP},v1={GOOD}", BODY, SECRET, SECOND)
    second = judge(f"t={STAMP},v1={signature(secret=SECOND)}", BODY, SECRET, SECOND)
    assert (first.signer, second.signer) == ("secret 1 of 2", "secret 2 of 2")


def test_the_whole_secret_is_the_key_with_its_prefix() -> None:
    bare = signature(secret=SECRET.removeprefix("whsec_"))
    assert judge(f"t={STAMP},v1={bare}").status == "forged"


@pytest.mark.parametrize("body", [SPREAD, COMPACT, b"not JSON", b"", b"\xff\x00"])
def test_the_raw_bytes_are_what_is_signed(body: bytes) -> None:
    assert judge(f"t={STAMP},v1={signature(body)}", body).status == "authentic"
    assert judge(f"t={STAMP},v1={signature(body)}", body + b"\n").status == "forged"


@pytest.mark.parametrize(
    "seconds, status",
    [(0, "authentic"), (300, "authentic"), (301, "forged"), (-300, "authentic"), (-301, "forged")],
)
def test_a_timestamp_may_be_five_minutes_off_in_either_direction(seconds: int, status: str) -> None:
    stamp = STAMP - seconds
    verdict = judge(f"t={stamp},v1={signature(stamp=stamp)}")
    assert verdict.status == status
    assert ("301 s" in verdict.reason) == (status == "forged")


def test_part_of_a_second_over_the_limit_is_over_the_limit() -> None:
    late = datetime.fromtimestamp(STAMP + 300.5, UTC)
    headers = {"stripe-signature": f"t={STAMP},v1={GOOD}"}
    verdict = verifier(configuration()).verify(
        Delivery(headers=headers, body=BODY, received_at=late)
    )
    assert verdict.status == "forged"


def test_no_verdict_tells_a_secret_or_a_signature() -> None:
    for header in (f"t={STAMP},v1={'0' * 64}", f"t=1,v1={signature(stamp=1)}", None):
        reason = judge(header).reason
        assert SECRET not in reason
        assert GOOD not in reason


def test_verification_never_needs_the_network() -> None:
    assert verifier(configuration()).needs_network(delivery(None)) is False


@given(header=st.text(max_size=300), body=st.binary(max_size=100))
def test_whatever_a_stranger_sends_is_refused_without_an_error(header: str, body: bytes) -> None:
    sent = Delivery(headers={"stripe-signature": header}, body=body, received_at=ARRIVAL)
    assert verifier(configuration()).verify(sent).status == "forged"


@given(body=st.binary(min_size=1, max_size=200), data=st.data())
def test_a_body_changed_in_one_byte_is_refused(body: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(body) - 1))
    flipped = body[position] ^ data.draw(st.integers(1, 255))
    other = body[:position] + bytes([flipped]) + body[position + 1 :]
    header = f"t={STAMP},v1={signature(body)}"
    assert judge(header, body).status == "authentic"
    assert judge(header, other).status == "forged"
