"""The sandbox's own certification authority, which plays DigiCert for the sandbox's PayPal.

A root, an intermediate and a leaf, made once and kept in a directory or in memory. As with PayPal,
the leaf is served alone and the verifier brings what lies above it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LEAF_NAME: Final = "messageverificationcerts.sandbox.paypal.com"
"""Subject CN and only SAN of the certificate that signs sandbox deliveries; the live one lacks
``sandbox.``. It is never the host that the certificate is downloaded from."""

VALID_FROM: Final = datetime(2000, 1, 1, tzinfo=UTC)
VALID_TO: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""So wide because demos and tests move the clock by years."""

_BUNDLE: Final = "paypal-authority.pem"
_TRUST: Final = "paypal-trust.pem"


@dataclass(frozen=True)
class Authority:
    """Signs as PayPal does. Make one with ``load_or_make`` or ``make``."""

    root: x509.Certificate
    intermediate: x509.Certificate
    leaf: x509.Certificate
    intermediate_key: rsa.RSAPrivateKey
    leaf_key: rsa.RSAPrivateKey

    @classmethod
    def load_or_make(cls, directory: Path | None) -> Authority:
        """Read the authority kept in ``directory``, or make and keep one; None: in memory only.

        The keys' file is readable by its owner alone. Processes that start at the same moment
        agree on one authority: the first to link its file wins.
        """
        if directory is None:
            return cls.make()
        bundle = directory / _BUNDLE
        if not bundle.exists():
            directory.mkdir(parents=True, exist_ok=True)
            _write_once(bundle, cls.make().to_pem())
        authority = cls.from_pem(bundle.read_bytes())
        (directory / _TRUST).write_bytes(authority.trust_pem)
        return authority

    @classmethod
    def make(cls, name: str = "Billhook Sandbox") -> Authority:
        """Make new keys and certificates; two authorities do not trust each other."""
        root_key, intermediate_key, leaf_key = _new_key(), _new_key(), _new_key()
        root = _certify(f"{name} Root", root_key, None, root_key)
        above = _certify(f"{name} Intermediate", intermediate_key, root, root_key)
        leaf = _certify(LEAF_NAME, leaf_key, above, intermediate_key, host=LEAF_NAME)
        return cls(root, above, leaf, intermediate_key, leaf_key)

    @classmethod
    def from_pem(cls, bundle: bytes) -> Authority:
        """Read what ``to_pem`` wrote. Raises ValueError for anything else."""
        certificates = x509.load_pem_x509_certificates(bundle)
        keys = [_load_key(block) for block in _key_blocks(bundle)]
        if len(certificates) != 3 or len(keys) != 2:
            raise ValueError(f"{_BUNDLE} is damaged: remove it, and a new authority will be made")
        root, intermediate, leaf = certificates
        return cls(root, intermediate, leaf, *keys)

    def to_pem(self) -> bytes:
        """Everything, keys included, unencrypted: for a file that only its owner reads."""
        keys = b"".join(_key_pem(key) for key in (self.intermediate_key, self.leaf_key))
        return self.trust_pem + self.leaf_pem + keys

    @property
    def trust_pem(self) -> bytes:
        """Root and intermediate: the trust store of a client of the sandbox."""
        return _pem(self.root) + _pem(self.intermediate)

    @property
    def leaf_pem(self) -> bytes:
        """The leaf alone, as PayPal serves it."""
        return _pem(self.leaf)

    @property
    def certificate_id(self) -> str:
        """The last part of the certificate's URL: ``CERT-xxxxxxxx-xxxxxxxx-xxxxxxxx``."""
        digest = self.leaf.fingerprint(hashes.SHA256()).hex()
        return f"CERT-{digest[:8]}-{digest[8:16]}-{digest[16:24]}"

    def sign(self, message: bytes) -> bytes:
        """RSA PKCS#1 v1.5 over SHA-256, which PayPal calls ``SHA256withRSA``."""
        return self.leaf_key.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises ``cryptography.exceptions.InvalidSignature`` when this authority did not sign."""
        key = self.leaf_key.public_key()
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())

    def certify_leaf(
        self,
        *,
        name: str = LEAF_NAME,
        valid_from: datetime = VALID_FROM,
        valid_to: datetime = VALID_TO,
    ) -> bytes:
        """Another certificate (PEM) for the key that signs: for tests of a verifier, expired, not
        yet valid, or of another name. The signature itself stays right."""
        certificate = _certify(
            name,
            self.leaf_key,
            self.intermediate,
            self.intermediate_key,
            host=name,
            valid=(valid_from, valid_to),
        )
        return _pem(certificate)

    def self_signed_leaf(self) -> bytes:
        """A certificate (PEM) of the right name for the right key, which no authority issued."""
        return _pem(_certify(LEAF_NAME, self.leaf_key, None, self.leaf_key, host=LEAF_NAME))


def _certify(
    name: str,
    key: rsa.RSAPrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: rsa.RSAPrivateKey,
    *,
    host: str | None = None,
    valid: tuple[datetime, datetime] = (VALID_FROM, VALID_TO),
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_issuer_identifier(issuer_key), critical=False)
        .add_extension(_basic_constraints(issuer, host), critical=True)
        .add_extension(_key_usage(host is None), critical=True)
    )
    if host is not None:
        builder = _for_host(builder, host)
    return builder.sign(issuer_key, hashes.SHA256())


def _for_host(builder: x509.CertificateBuilder, host: str) -> x509.CertificateBuilder:
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    return builder.add_extension(names, critical=False).add_extension(
        x509.ExtendedKeyUsage(usage), critical=False
    )


def _issuer_identifier(key: rsa.RSAPrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _basic_constraints(issuer: x509.Certificate | None, host: str | None) -> x509.BasicConstraints:
    if host is not None:
        return x509.BasicConstraints(ca=False, path_length=None)
    return x509.BasicConstraints(ca=True, path_length=0 if issuer else None)


def _key_usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _load_key(block: bytes) -> rsa.RSAPrivateKey:
    return cast("rsa.RSAPrivateKey", serialization.load_pem_private_key(block, password=None))


def _key_blocks(bundle: bytes) -> list[bytes]:
    start = b"-----BEGIN PRIVATE KEY-----"
    return [start + block for block in bundle.split(start)[1:]]


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_once(path: Path, content: bytes) -> None:
    """Put a complete file at ``path``, mode 0600, unless another process was faster."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        Path(temporary).unlink()
