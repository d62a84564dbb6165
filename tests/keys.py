"""Master keys for tests: what they store is sealed, as in production."""

from __future__ import annotations

from typing import Final

from domain import keyring

DATA_KEYS: Final = "tests:dGhpcy1rZXktaXMtZm9yLXRlc3RzLWFsb25lLTAxMjM="
RING: Final = keyring.parse(DATA_KEYS)
