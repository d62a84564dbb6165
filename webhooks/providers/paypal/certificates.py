"""The keys that sign deliveries: certificates by URL, fetched when needed, trusted in time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from webhooks.providers.paypal.chain import TrustStore, Untrusted, Window
from webhooks.providers.paypal.downloads import LIMIT, SECONDS, Downloads
from webhooks.providers.paypal.settings import PayPalSettings
from webhooks.providers.paypal.sources import CertificateSource

_MARK: Final = b"-----BEGIN CERTIFICATE-----"


class _Signer(msgspec.Struct):
    """A leaf and, once it was found to be trusted, when that holds."""

    leaf: x509.Certificate
    window: Window | None = None


class Certificates:
    """Gives the key of a certificate's URL. Safe to share between threads.

    Only trusted certificates are kept for long, so that nobody can fill the memory with others
    and a mistake of PayPal's is forgotten with its correction.
    """

    def __init__(
        self, settings: PayPalSettings, *, limit: int = LIMIT, seconds: float = SECONDS
    ) -> None:
        self._signers = Downloads(_read_signer, limit=limit, seconds=seconds)
        self._stores = Downloads(TrustStore.from_pem, limit=limit, seconds=seconds, size=1)
        self.trusted_until: datetime | None = None
        """When the certificate that was used last ceases to hold, or one above it."""
        self._trust_url = settings.trust_url
        self._trust = None if self._trust_url else TrustStore.load(settings.trust_store)

    def settled(self, url: str) -> bool:
        """Whether ``key`` would answer without the network."""
        return self._signers.failed(url) or (self._signers.here(url) and self._trust_settled())

    def _trust_settled(self) -> bool:
        url = self._trust_url
        return url is None or self._stores.here(url) or self._stores.failed(url)

    def learn(self, url: str, pem: bytes) -> None:
        """Take a certificate that was had in another way; it is judged like any other. Raises
        ValueError when it is none."""
        self._signers.keep(url, _read_signer(pem))

    def key(self, url: str, source: CertificateSource, at: datetime) -> RSAPublicKey:
        """The key with which deliveries that arrived at the instant ``at`` may be signed.

        Raises ``Unavailable`` when that cannot be told now, ``Untrusted`` when the certificate
        does not hold at that instant.
        """
        signer = self._signers.get(url)
        if signer.window is None or at not in signer.window:
            signer.window = self._store().window(signer.leaf, source.name, at)
            self._signers.keep(url, signer)
        self.trusted_until = signer.window.end
        key = signer.leaf.public_key()
        if not isinstance(key, RSAPublicKey):
            raise Untrusted("the certificate's key is not RSA")
        return key

    def _store(self) -> TrustStore:
        if self._trust is not None:
            return self._trust
        url = str(self._trust_url)
        store = self._stores.get(url)
        self._stores.keep(url, store)
        return store


def _read_signer(pem: bytes) -> _Signer:
    if _MARK not in pem:
        raise ValueError("the answer is not a certificate")
    return _Signer(x509.load_pem_x509_certificate(pem))
