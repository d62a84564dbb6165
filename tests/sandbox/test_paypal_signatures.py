"""Keys, certificates and signatures of the played PayPal, checked independently of its code."""

from __future__ import annotations

import base64
import json
import stat
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.test_paypal_client import Played, authority, playing
from webhooks.sandbox.authority import LEAF_NAME, Authority
from webhooks.sandbox.paypal import sign
from webhooks.sandbox.paypal_signature import raw_member, signed_message
from webhooks.sandbox.server import SandboxServer

AT = datetime(2026, 3, 2, 10, 0, 5, tzinfo=UTC)
VERIFY = "/v1/notifications/verify-webhook-signature"


@pytest.fixture
def paypal() -> Iterator[Played]:
    with playing() as played:
        yield played


def check_chain(leaf_pem: bytes, trust_pem: bytes, at: datetime) -> None:
    """Raises VerificationError unless the leaf is PayPal's and leads to the root."""
    root, intermediate = x509.load_pem_x509_certificates(trust_pem)
    policy = PolicyBuilder().store(Store([root])).time(at)
    verifier = policy.build_server_verifier(x509.DNSName(LEAF_NAME))
    verifier.verify(x509.load_pem_x509_certificate(leaf_pem), [intermediate])


def check_signature(leaf_pem: bytes, headers: dict[str, str], webhook: str, body: bytes) -> None:
    """Raises InvalidSignature unless the key of the leaf signed this transmission."""
    named = {name.lower(): value for name, value in headers.items()}
    message = "|".join(
        [
            named["paypal-transmission-id"],
            named["paypal-transmission-time"],
            webhook,
            str(zlib.crc32(body) & 0xFFFFFFFF),
        ]
    )
    key = x509.load_pem_x509_certificate(leaf_pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(named["paypal-transmission-sig"], validate=True)
    key.verify(signature, message.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_the_leaf_is_named_as_paypals_and_leads_to_the_root() -> None:
    leaf = x509.load_pem_x509_certificate(authority().leaf_pem)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [LEAF_NAME]
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == LEAF_NAME
    assert authority().leaf_key.key_size == 2048
    for year in (2001, 2026, 2099):
        check_chain(authority().leaf_pem, authority().trust_pem, AT.replace(year=year))


def test_bad_certificates_can_be_made_for_a_verifier_to_refuse() -> None:
    made = authority()
    bad = {
        "expired": made.certify_leaf(valid_to=datetime(2020, 1, 1, tzinfo=UTC)),
        "too early": made.certify_leaf(valid_from=datetime(2030, 1, 1, tzinfo=UTC)),
        "another name": made.certify_leaf(name="api.paypal.com"),
        "nobody's": made.self_signed_leaf(),
        "foreign": Authority.make("Somebody else").leaf_pem,
    }
    for leaf in bad.values():
        with pytest.raises(VerificationError):
            check_chain(leaf, made.trust_pem, AT)
    body = b"{}"
    headers = sign(made, "W", body, AT, "http://x")
    check_signature(bad["expired"], headers, "W", body)
    with pytest.raises(InvalidSignature):
        check_signature(bad["foreign"], headers, "W", body)


def test_an_authority_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    made = Authority.load_or_make(folder)
    again = Authority.load_or_make(folder)
    assert (again.leaf_pem, again.trust_pem) == (made.leaf_pem, made.trust_pem)
    assert again.certificate_id == made.certificate_id
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert modes.pop("paypal-authority.pem") == 0o600
    assert list(modes) == ["paypal-trust.pem"]
    assert (folder / "paypal-trust.pem").read_bytes() == made.trust_pem
    assert b"PRIVATE" not in made.trust_pem + made.leaf_pem


def test_a_damaged_authority_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "paypal-authority.pem").write_bytes(authority().trust_pem)
    with pytest.raises(ValueError, match="damaged: remove it"):
        Authority.load_or_make(tmp_path)


@given(body=st.binary(max_size=200), webhook=st.text("ABC123", min_size=1))
def test_a_signature_holds_for_its_body_and_webhook_and_no_other(body: bytes, webhook: str) -> None:
    headers = sign(authority(), webhook, body, AT, "http://certs/CERT-1")
    check_signature(authority().leaf_pem, headers, webhook, body)
    for other_webhook, other_body in ((webhook, body + b" "), (webhook + "X", body)):
        with pytest.raises(InvalidSignature):
            check_signature(authority().leaf_pem, headers, other_webhook, other_body)


def test_every_transmission_has_its_own_id_and_the_time_it_was_sent() -> None:
    first, second = (sign(authority(), "W", b"{}", AT, "http://x") for _ in range(2))
    assert first["PAYPAL-TRANSMISSION-ID"] != second["PAYPAL-TRANSMISSION-ID"]
    assert first["PAYPAL-TRANSMISSION-TIME"] == "2026-03-02T10:00:05Z"
    assert first["PAYPAL-AUTH-ALGO"] == "SHA256withRSA"


def test_what_is_signed_is_what_paypal_signs(provider_samples: Path) -> None:
    folder = provider_samples / "paypal" / "signatures"
    vectors = [json.loads(file.read_text()) for file in sorted(folder.glob("*.vector.json"))]
    assert vectors
    for vector in vectors:
        headers = {name.lower(): value for name, value in vector["headers"].items()}
        body = (folder / vector["body_file"]).read_bytes()
        ours = signed_message(
            headers["paypal-transmission-id"],
            headers["paypal-transmission-time"],
            vector["webhook_id"],
            body,
        )
        assert ours.decode() == vector["signed_message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(before=st.dictionaries(st.text(), JSON, max_size=3), value=JSON, escaped=st.booleans())
def test_a_member_is_cut_out_of_a_document_byte_for_byte(
    before: dict[str, Any], value: Any, escaped: bool
) -> None:
    raw = json.dumps(value, ensure_ascii=escaped, indent=1).encode(errors="surrogatepass")
    head = json.dumps({**before, "webhook_event": "earlier"})[:-1].encode()
    try:
        document = head + b' ,\n "webhook_event" :\t' + raw + b' , "z": "}" }'
        document.decode()
    except UnicodeDecodeError:
        return
    assert raw_member(document, "webhook_event") == raw
    assert raw_member(document, "missing-" * 9) is None


def test_a_number_is_not_written_anew() -> None:
    assert raw_member(b'{"a": {"b":1.0, "c":1.10}}', "a") == b'{"b":1.0, "c":1.10}'
    for nonsense in (b"[]", b"", b'{"a" 1}', b'"a"'):
        with pytest.raises(ValueError, match=r"expected|not a JSON"):
            raw_member(nonsense, "a")


def test_a_delivery_is_signed_and_its_certificate_is_served_without_a_token(
    paypal: Played,
) -> None:
    paypal.approved_order()
    event = paypal.events()[0]["id"]
    headers, body = paypal.world.courier.transmission(event)
    url = headers["PAYPAL-CERT-URL"]
    assert url.startswith(f"{paypal.api}/v1/notifications/certs/CERT-")
    served = requests.get(url, timeout=10)
    assert served.headers["Cache-Control"] == "max-age=86400"
    trust = requests.get(f"{paypal.api}/trust.pem", timeout=10)
    check_chain(served.content, trust.content, AT)
    check_signature(served.content, headers, paypal.world.credentials.paypal_webhook_id, body)
    assert served.content.count(b"BEGIN") == 1
    assert requests.get(f"{url}x", timeout=10).status_code == 404


def test_what_arrives_over_http_verifies_as_a_client_would_do_it(paypal: Played) -> None:
    arrived: list[tuple[dict[str, str], bytes]] = []

    async def receive(request: Request) -> Response:
        arrived.append((dict(request.headers), await request.body()))
        return Response(status_code=503 if len(arrived) == 1 else 200)

    app = Starlette(routes=[Route("/webhooks/paypal", receive, methods=["POST"])])
    courier, webhook = paypal.world.courier, paypal.world.credentials.paypal_webhook_id
    courier.schedule = (0.01,)
    with SandboxServer(app) as receiver:
        paypal.world.deliver_to(receiver.base_url)
        courier.resume()
        paypal.approved_order()
        assert courier.settle()
    assert len(arrived) == 2
    (first, body), (second, again) = arrived
    assert body == again
    assert first["paypal-transmission-id"] != second["paypal-transmission-id"]
    for headers in (first, second):
        leaf = requests.get(headers["paypal-cert-url"], timeout=10).content
        check_signature(leaf, headers, webhook, body)


def test_during_an_outage_the_certificate_is_a_page_under_200(paypal: Played) -> None:
    paypal.approved_order()
    url = paypal.world.courier.transmission(paypal.events()[0]["id"])[0]["PAYPAL-CERT-URL"]
    paypal.desk("/certificate", {"outage": True})
    assert "<h1>" in requests.get(url, timeout=10).text
    paypal.desk("/certificate", {"outage": False})
    assert "BEGIN CERTIFICATE" in requests.get(url, timeout=10).text


def question(paypal: Played, event: bytes, headers: dict[str, str], **changed: str) -> bytes:
    """A request to the verify endpoint around an event, byte for byte."""
    fields = {
        "auth_algo": headers["PAYPAL-AUTH-ALGO"],
        "cert_url": headers["PAYPAL-CERT-URL"],
        "transmission_id": headers["PAYPAL-TRANSMISSION-ID"],
        "transmission_sig": headers["PAYPAL-TRANSMISSION-SIG"],
        "transmission_time": headers["PAYPAL-TRANSMISSION-TIME"],
        "webhook_id": paypal.world.credentials.paypal_webhook_id,
        **changed,
    }
    return json.dumps(fields)[:-1].encode() + b', "webhook_event": ' + event + b"}"


def test_the_verify_api_judges_the_bytes_of_the_event(paypal: Played) -> None:
    made, webhook = authority(), paypal.world.credentials.paypal_webhook_id
    url = f"{paypal.api}/v1/notifications/certs/{made.certificate_id}"
    event = '{"amount": 1.0, "name": "Novák", "escaped": "\\u00e1"}'.encode()
    headers = sign(made, webhook, event, AT, url)

    def verdict(body: bytes, **changed: str) -> str:
        asked = question(paypal, body, headers, **changed)
        return str(paypal.send("POST", VERIFY, asked).verification_status)

    assert verdict(event) == "SUCCESS"
    assert verdict(json.dumps(json.loads(event)).encode()) == "FAILURE"
    assert verdict(event.replace(b"1.0", b"1.00")) == "FAILURE"
    assert verdict(event, webhook_id="WEBHOOK_ID") == "FAILURE"
    assert verdict(event, auth_algo="SHA1withRSA") == "FAILURE"
    assert verdict(event, transmission_id="0-0") == "FAILURE"
    assert verdict(event, transmission_sig="no base64!") == "FAILURE"
    assert verdict(event, cert_url="https://notpaypal.com/CERT-1") == "FAILURE"
    assert paypal.refusal("POST", VERIFY, b"{}") == (400, "MISSING_REQUIRED_PARAMETER")
