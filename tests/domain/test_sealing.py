"""Sealing: what is sealed opens again, in its own place alone; the list of master keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import keyring, sealing
from domain.errors import Misconfigured, Permanent
from domain.keyring import KeyRing
from domain.settings import read
from tests.keys import DATA_KEYS, RING

PLACES = st.binary(max_size=60)


@given(st.binary(max_size=5_000), PLACES)
def test_what_is_sealed_opens_again(content: bytes, place: bytes) -> None:
    sealed, wrapped = sealing.seal(content, RING.newest, place)
    assert sealing.opened(sealed, RING.newest.unwrap(wrapped, place), place) == content


@given(st.binary(min_size=30, max_size=400), PLACES)
def test_nothing_of_the_content_shows_and_no_two_are_sealed_alike(
    content: bytes, place: bytes
) -> None:
    first, second = (sealing.seal(content, RING.newest, place) for _ in range(2))
    assert content[:30] not in first[0]
    assert first[0] != second[0]
    assert first[1] != second[1]


@given(st.binary(max_size=200), PLACES, PLACES)
def test_it_opens_in_its_own_place_alone(content: bytes, here: bytes, there: bytes) -> None:
    sealed, wrapped = sealing.seal(content, RING.newest, here)
    key = RING.newest.unwrap(wrapped, here)
    if here != there:
        with pytest.raises(Permanent, match="another row"):
            sealing.opened(sealed, key, there)
        with pytest.raises(Permanent, match="another row"):
            RING.newest.unwrap(wrapped, there)


@given(st.binary(max_size=100), st.data())
def test_one_changed_bit_is_noticed(content: bytes, data: st.DataObject) -> None:
    sealed, wrapped = sealing.seal(content, RING.newest, b"here")
    key = RING.newest.unwrap(wrapped, b"here")
    where = data.draw(st.integers(1, len(sealed) - 1))
    changed = bytearray(sealed)
    changed[where] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Permanent):
        sealing.opened(bytes(changed), key, b"here")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 12, b"\x01" * 28])
def test_what_was_cut_off_is_refused_and_not_a_crash(sealed: bytes) -> None:
    with pytest.raises(Permanent):
        sealing.opened(sealed, b"k" * 32, b"here")
    with pytest.raises(Permanent):
        RING.newest.unwrap(sealed, b"here")


def test_the_first_key_seals_and_all_open() -> None:
    older, newer = keyring.make("older"), keyring.make("newer")
    before, after = keyring.parse(older), keyring.parse(f"{newer},{older}")
    wrapped = before.newest.wrap(b"k" * 32, b"x")
    assert (after.first, after.names) == ("newer", ("newer", "older"))
    assert after.named("older").unwrap(wrapped, b"x") == b"k" * 32
    with pytest.raises(Permanent, match="'older'"):
        keyring.parse(newer).named("older")


WRONG = {
    "no name": "dGhpcy1rZXktaXMtZm9yLXRlc3RzLWFsb25lLTAxMjM=",
    "a short key": "a:c2hvcnQ=",
    "no base64": "a:not-base-64!",
    "twice the same name": f"{DATA_KEYS},{DATA_KEYS}",
    "commas alone": ",,",
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_list_is_refused_and_no_key_is_repeated(what: str) -> None:
    with pytest.raises(Misconfigured, match="BILLHOOK_DATA_KEYS") as refused:
        read({"BILLHOOK_DATA_KEYS": WRONG[what]}, dotenv=None)
    for part in WRONG[what].replace(":", ",").split(","):
        assert len(part) < 8 or part not in str(refused.value)


def test_the_keys_are_secrets_of_the_settings(tmp_path: Path) -> None:
    settings = read({"BILLHOOK_DATA_KEYS": DATA_KEYS}, dotenv=None)
    assert isinstance(settings.ring, KeyRing)
    assert DATA_KEYS.partition(":")[2] in settings.secrets()
    assert read({"BILLHOOK_STATE_DIR": str(tmp_path)}, dotenv=None).ring is None
