"""The bundled trust store: what is in it, and that the whole chain counts, not the leaf alone."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from webhooks.providers.paypal.chain import TrustStore, Untrusted
from webhooks.sandbox.authority import LEAF_NAME, Authority

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def bundled() -> dict[str, x509.Certificate]:
    pem = (files("webhooks.providers.paypal") / "trust.pem").read_bytes()
    names = x509.NameOID.COMMON_NAME
    return {
        str(one.subject.get_attributes_for_oid(names)[0].value): one
        for one in x509.load_pem_x509_certificates(pem)
    }


def test_the_bundle_holds_the_old_chain_and_the_announced_one() -> None:
    names = set(bundled())

    assert {
        "DigiCert High Assurance EV Root CA",
        "DigiCert SHA2 Extended Validation Server CA",
        "DigiCert Global Root G2",
        "DigiCert EV RSA CA G2",
    } <= names


def test_every_intermediate_of_the_bundle_is_issued_by_a_root_of_it() -> None:
    known = bundled()
    names = x509.NameOID.COMMON_NAME
    intermediates = [one for one in known.values() if one.issuer != one.subject]
    for certificate in intermediates:
        issuer = known[str(certificate.issuer.get_attributes_for_oid(names)[0].value)]
        certificate.verify_directly_issued_by(issuer)
    assert len(intermediates) == 2


def test_the_bundle_holds_authorities_that_are_valid_today_only() -> None:
    assert [name for name, one in bundled().items() if not _is_authority(one)] == []
    assert [name for name, one in bundled().items() if one.not_valid_after_utc < AT] == []


def _is_authority(certificate: x509.Certificate) -> bool:
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    return constraints.critical and constraints.value.ca


def test_a_chain_does_not_count_when_its_root_is_not_valid(authority: Authority) -> None:
    leaf = x509.load_pem_x509_certificate(authority.leaf_pem)
    store = TrustStore([_until(authority, 2020), authority.intermediate])

    with pytest.raises(Untrusted):
        store.window(leaf, LEAF_NAME, AT)
    assert datetime(2019, 1, 1, tzinfo=UTC) in store.window(
        leaf, LEAF_NAME, datetime(2019, 1, 1, tzinfo=UTC)
    )


def test_a_leaf_cannot_issue_a_leaf(authority: Authority) -> None:
    """A certificate signed with the key of another certificate that is no authority."""
    forged = (
        x509.CertificateBuilder()
        .subject_name(authority.leaf.subject)
        .issuer_name(authority.leaf.subject)
        .public_key(authority.leaf_key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
    )
    for extension in authority.leaf.extensions:
        forged = forged.add_extension(extension.value, extension.critical)
    leaf = forged.sign(authority.leaf_key, SHA256())
    store = TrustStore([authority.root, authority.intermediate, authority.leaf])

    with pytest.raises(Untrusted):
        store.window(leaf, LEAF_NAME, AT)


def test_an_intermediate_alone_is_no_trust_store(authority: Authority) -> None:
    with pytest.raises(ValueError, match="no root"):
        TrustStore([authority.intermediate])


def _until(authority: Authority, year: int) -> x509.Certificate:
    """The authority's root with an earlier end: the same name and key, signed by the intermediate's
    key, since a root is trusted by being there and not for who signed it."""
    root = authority.root
    builder = (
        x509.CertificateBuilder()
        .subject_name(root.subject)
        .issuer_name(root.subject)
        .public_key(root.public_key())
        .serial_number(8)
        .not_valid_before(root.not_valid_before_utc)
        .not_valid_after(datetime(year, 1, 1, tzinfo=UTC))
    )
    for extension in root.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(authority.intermediate_key, SHA256())
