"""Seals one piece of content with a key that is made for it and used for nothing else.

Sealed content is one byte of form, 12 of nonce, and AES-256-GCM over an LZ4 block: sealed bytes
cannot be compressed any more, neither by the database nor on the way there.
"""

from __future__ import annotations

from os import urandom
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lz4.block import LZ4BlockError, compress, decompress

from domain.errors import Permanent
from domain.keyring import KEY_BYTES, NONCE_BYTES, Wrapper

FORM: Final = b"\x01"
_BEGIN: Final = len(FORM) + NONCE_BYTES


def seal(content: bytes, wrapper: Wrapper, about: bytes) -> tuple[bytes, bytes]:
    """The content sealed with a new key, and that key wrapped.

    ``about`` says where it belongs; both open there alone.
    """
    fresh = urandom(KEY_BYTES + NONCE_BYTES)
    key, nonce = fresh[:KEY_BYTES], fresh[KEY_BYTES:]
    sealed = FORM + nonce + AESGCM(key).encrypt(nonce, compress(content), about)
    return sealed, wrapper.wrap(key, about)


def opened(sealed: bytes, key: bytes, about: bytes) -> bytes:
    """The content. Raises ``Permanent`` when it was changed, or belongs to another row."""
    try:
        packed = AESGCM(key).decrypt(sealed[len(FORM) : _BEGIN], sealed[_BEGIN:], about)
        content: bytes = decompress(packed)
    except (InvalidTag, ValueError, LZ4BlockError) as error:
        raise Permanent(
            "the sealed content does not open with the key of its row: it was changed, or belongs "
            "to another row"
        ) from error
    return content
