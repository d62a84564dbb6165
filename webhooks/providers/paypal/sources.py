"""From where a signing certificate may be fetched: an allow-list of URL prefixes.

The URL arrives in a header that anybody can write, so it is matched whole and literally against
prefixes of our own; a URL that would have to be interpreted to be understood is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import msgspec

LIVE_NAME: Final = "messageverificationcerts.paypal.com"
SANDBOX_NAME: Final = "messageverificationcerts.sandbox.paypal.com"
"""The name in the certificate: subject CN and only SAN, never the host it is downloaded from."""

LIVE_HOSTS: Final = ("api.paypal.com", "api-m.paypal.com")
SANDBOX_HOSTS: Final = ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com")
CERTIFICATES_PATH: Final = "/v1/notifications/certs/"

_LAST_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_PATH: Final = re.compile(r"(/[A-Za-z0-9_-]+)*/", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*", re.ASCII)


class CertificateSource(msgspec.Struct, frozen=True):
    """A place that serves certificates for ``name``. ``prefix`` ends with a slash."""

    prefix: str
    name: str


def live_sources() -> tuple[CertificateSource, ...]:
    """Where PayPal serves the certificates of live deliveries and of its webhook simulator."""
    return tuple(_paypal(host, LIVE_NAME) for host in LIVE_HOSTS)


def sandbox_sources() -> tuple[CertificateSource, ...]:
    """Where PayPal serves the certificates of deliveries from its sandbox."""
    return tuple(_paypal(host, SANDBOX_NAME) for host in SANDBOX_HOSTS)


def read_source(prefix: str, name: str, *, plain_under: str | None = None) -> CertificateSource:
    """Check a configured prefix; ``name`` is for hosts that are not PayPal's own live ones.

    Plain http and a port are accepted only under ``plain_under``, the base URL of the local
    sandbox. Raises ValueError with the reason.
    """
    prefix = prefix if prefix.endswith("/") else f"{prefix}/"
    parts = urlsplit(prefix)
    host = parts.hostname or ""
    if prefix != f"{parts.scheme}://{parts.netloc}{parts.path}" or not _PATH.fullmatch(parts.path):
        raise ValueError(f"{prefix!r} is not a plain URL prefix")
    if plain_under is not None and prefix.startswith(f"{plain_under}/"):
        return CertificateSource(prefix, name)
    if parts.scheme != "https" or parts.netloc != host or not _HOST.fullmatch(host):
        raise ValueError(f"{prefix!r} must be https://host/path/ without a port or user")
    return CertificateSource(prefix, LIVE_NAME if host in LIVE_HOSTS else name)


def source_of(url: str, sources: Iterable[CertificateSource]) -> CertificateSource | None:
    """The source that a certificate's URL belongs to; None when it must not be fetched.

    The URL has to be one of the prefixes, character for character, and then a single segment of
    letters, digits, ``-`` and ``_``. That leaves no room for another host, a port, a user, dots,
    escapes, a query or a fragment, whichever way a client would read them.
    """
    for source in sources:
        if url.startswith(source.prefix) and _LAST_SEGMENT.fullmatch(url, len(source.prefix)):
            return source
    return None


def _paypal(host: str, name: str) -> CertificateSource:
    return CertificateSource(f"https://{host}{CERTIFICATES_PATH}", name)
