"""Objects read from PayPal, and ids that are none."""

from __future__ import annotations

import pytest

from domain.errors import Permanent
from domain.ports import ReadingRequest
from tests.providers.paypal.played import TOTAL, Played, back
from webhooks.providers.paypal.gateway import READERS


@pytest.mark.parametrize("kind", sorted(READERS))
def test_an_object_that_paypal_does_not_know_reads_as_none(quiet: Played, kind: str) -> None:
    assert quiet.gateway.read(ReadingRequest(kind, "NOSUCHTHING")) is None


@pytest.mark.parametrize("key", ["", "../../x", "a/b", "a?b", "a#b", "a%2e", "ž", "x" * 65, "a b"])
def test_an_id_that_is_none_never_becomes_a_path(quiet: Played, key: str) -> None:
    with pytest.raises(Permanent, match="not an id"):
        quiet.gateway.read(ReadingRequest("capture", key))
    with pytest.raises(Permanent, match="not an id"):
        quiet.gateway.capture_checkout(key, "capture:1")
    with pytest.raises(Permanent, match="not an id"):
        quiet.gateway.refund(back(key, TOTAL))
    with pytest.raises(Permanent, match="not an id"):
        quiet.gateway.remove_method(key)


def test_a_kind_that_paypal_has_not_is_refused(quiet: Played) -> None:
    with pytest.raises(Permanent, match="no objects of the kind"):
        quiet.gateway.read(ReadingRequest("charge", "X"))
