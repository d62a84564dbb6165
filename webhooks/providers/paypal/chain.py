"""Whether a certificate may sign deliveries: chain, name, usage and validity at an instant.

PayPal serves the leaf alone and announced a change of its issuer, so the store holds several
roots and intermediates and does not pin who issued.
"""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

_MIN_KEY_BITS: Final = 2048


class Untrusted(Exception):
    """The certificate must not sign deliveries; the message says why."""


class Window(msgspec.Struct, frozen=True):
    """When every certificate of a chain is valid at once, both ends included."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at <= self.end


class TrustStore:
    """Roots (certificates that name themselves as issuer) and the intermediates below them."""

    def __init__(self, certificates: list[x509.Certificate]) -> None:
        roots = [one for one in certificates if one.issuer == one.subject]
        if not roots:
            raise ValueError("it holds no root certificate")
        self._roots = Store(roots)
        self._intermediates = [one for one in certificates if one.issuer != one.subject]

    @classmethod
    def from_pem(cls, pem: bytes) -> TrustStore:
        """Read a PEM file. Raises ValueError when it holds no certificate or no root."""
        return cls(x509.load_pem_x509_certificates(pem))

    @classmethod
    def load(cls, path: Path | None) -> TrustStore:
        """Read a PEM file, or the bundled one. Raises OSError or ValueError."""
        if path is not None:
            return cls.from_pem(path.read_bytes())
        return cls.from_pem((files(__package__) / "trust.pem").read_bytes())

    def window(self, leaf: x509.Certificate, name: str, at: datetime) -> Window:
        """The time in which ``leaf`` may sign as ``name``, around the instant ``at``.

        Raises ``Untrusted`` when at that instant no chain of valid certificates leads to a root,
        or when the leaf is for another name, another use, or has a weak key.
        """
        _require_name(leaf, name)
        _require_key(leaf)
        verifier = (
            PolicyBuilder().store(self._roots).time(at).build_server_verifier(x509.DNSName(name))
        )
        try:
            chain = verifier.verify(leaf, self._intermediates)
        except (VerificationError, UnsupportedAlgorithm, ValueError) as error:
            issuer = leaf.issuer.rfc4514_string()
            raise Untrusted(
                f"the certificate, issued by {issuer}, does not lead to a trusted root at "
                f"{at:%Y-%m-%d %H:%M} UTC ({error}); PAYPAL_TRUST_STORE says what is trusted"
            ) from error
        return _common_window(chain, at)


def _common_window(chain: list[x509.Certificate], at: datetime) -> Window:
    window = Window(
        max(one.not_valid_before_utc for one in chain),
        min(one.not_valid_after_utc for one in chain),
    )
    if at not in window:
        # The root is trusted by being in the store; its own dates count here all the same.
        raise Untrusted(f"a certificate above it is not valid at {at:%Y-%m-%d %H:%M} UTC")
    return window


def _require_name(leaf: x509.Certificate, name: str) -> None:
    common = [one.value for one in leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if common != [name] or _alternative_names(leaf) != [x509.DNSName(name)]:
        raise Untrusted(f"the certificate is not for {name} alone")


def _alternative_names(leaf: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []


def _require_key(leaf: x509.Certificate) -> None:
    try:
        key = leaf.public_key()
    except (UnsupportedAlgorithm, ValueError) as error:
        raise Untrusted("the certificate's key cannot be read") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_KEY_BITS:
        raise Untrusted("the certificate's key is not RSA with at least 2048 bits")
