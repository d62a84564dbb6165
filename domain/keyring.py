"""Master keys: the list in ``BILLHOOK_DATA_KEYS``, of which the first seals and all open.

They wrap other keys and nothing else: AES-256-GCM, 12 random bytes of nonce before 48 of key.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from os import urandom
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from domain.errors import Misconfigured, Permanent

SETTING: Final = "BILLHOOK_DATA_KEYS"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
RING: Final = "ring"
"""Where a session carries the ring of its database."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_WAY_OUT: Final = "`billhook keys make` prints one"


class Wrapper:
    """A key that wraps others; what it wraps opens for what it is ``about``, and nothing else."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def wrap(self, key: bytes, about: bytes) -> bytes:
        """Wrap a key of 32 bytes into 60."""
        nonce = urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, about)

    def unwrap(self, wrapped: bytes, about: bytes) -> bytes:
        """The key again. Raises ``Permanent`` when it was changed or is another row's."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], about)
        except (InvalidTag, ValueError) as error:
            raise Permanent(
                "the key of this row does not open it: it was changed, or belongs to another row"
            ) from error


class KeyRing:
    """The master keys by their names; the first one wraps what is new."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self.names = tuple(keys)
        self.first = self.names[0]
        self._wrappers = {name: Wrapper(key) for name, key in keys.items()}
        self._proofs = {
            name: hmac.digest(key, b"billhook: proof of a master key", "sha256")
            for name, key in keys.items()
        }

    @property
    def newest(self) -> Wrapper:
        """What wraps now."""
        return self._wrappers[self.first]

    def named(self, name: str) -> Wrapper:
        """The key of that name. Raises ``Permanent`` when the setting has it no more."""
        if name not in self._wrappers:
            raise Permanent(f"this is sealed under the master key {name!r}: put it into {SETTING}")
        return self._wrappers[name]

    def proof(self, name: str) -> bytes:
        """What tells a key from another one of that name, and tells nothing else."""
        return self._proofs[name]


def parse(text: str) -> KeyRing:
    """Read ``name:base64,name:base64``. Raises ``Misconfigured``, which repeats no key."""
    keys: dict[str, bytes] = {}
    for number, part in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        name, _, encoded = part.partition(":")
        if not _NAME.fullmatch(name):
            raise Misconfigured(f"{SETTING}, key {number}: expected name:base64; {_WAY_OUT}")
        if name in keys:
            raise Misconfigured(f"{SETTING} has two keys of the name {name!r}; give each its own")
        keys[name] = _decoded(name, encoded)
    if not keys:
        raise Misconfigured(f"{SETTING} holds no key; {_WAY_OUT}")
    return KeyRing(keys)


def make(name: str) -> str:
    """A new key as the setting has it. Raises ``Misconfigured`` for a name that it may not have."""
    if not _NAME.fullmatch(name):
        raise Misconfigured(
            f"{name!r} cannot name a key: use up to 32 letters, digits, dots, dashes, underscores"
        )
    return f"{name}:{base64.b64encode(urandom(KEY_BYTES)).decode()}"


def of(session: Session) -> KeyRing | None:
    """The ring of the session's database; None where nothing is sealed."""
    ring: KeyRing | None = session.info.get(RING)
    return ring


def needed(session: Session) -> KeyRing:
    """The ring. Raises ``Permanent`` where there is none and something is sealed."""
    ring = of(session)
    if ring is None:
        raise Permanent(f"this is sealed, and {SETTING} is not set: set it as it was")
    return ring


def _decoded(name: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Misconfigured(
            f"{SETTING}, key {name!r}: expected {KEY_BYTES} bytes in base64; {_WAY_OUT}"
        )
    return key
