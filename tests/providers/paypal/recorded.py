"""A recorded delivery from the folder of provider samples, with the certificate that signed it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509

from webhooks.providers.paypal.certificates import Certificates
from webhooks.providers.paypal.chain import TrustStore, Untrusted
from webhooks.providers.paypal.settings import PayPalSettings
from webhooks.providers.paypal.sources import CertificateSource
from webhooks.providers.paypal.verify import PayPalVerifier
from webhooks.providers.provider import Delivery


def recordings() -> list[str]:
    """Names of the recorded deliveries."""
    return [
        "java_sample_2015-05-12_sandbox_PAYMENT.SALE.COMPLETED",
        "java_test_2017-03-30_sandbox_BILLING.PLAN.CREATED",
        "sdk_2015-05-18_sandbox_PAYMENT.SALE.COMPLETED",
        "traktormaster_HOOK_PAYMENT_CAPTURE_COMPLETED_V2",
        "traktormaster_HOOK_PAYMENT_CAPTURE_PENDING_V2",
        "traktormaster_HOOK_PAYMENT_CAPTURE_REFUNDED_V2",
        "traktormaster_HOOK_PAYMENT_SALE_COMPLETED",
        "traktormaster_HOOK_PLAN_CREATED_V1",
        "traktormaster_HOOK_SUBSCRIPTION_ACTIVATED_v2",
        "traktormaster_HOOK_SUBSCRIPTION_CANCELLED_V1",
        "traktormaster_HOOK_SUBSCRIPTION_EXPIRED_V2",
    ]


class Recorded:
    """One recorded delivery; its verifier has the certificate already, as after a download."""

    def __init__(self, folder: Path, name: str) -> None:
        vector: dict[str, Any] = msgspec.json.decode((folder / f"{name}.vector.json").read_bytes())
        self.name = name
        self.headers: dict[str, str] = vector["headers"]
        self.webhook_id: str = vector["webhook_id"]
        self.body = (folder / vector["body_file"]).read_bytes()
        self.certificate = (folder / vector["cert_file"]).read_bytes()
        self.sent = datetime.fromisoformat(self.headers["paypal-transmission-time"])

    def verifier(self, webhook_ids: tuple[str, ...] = ()) -> PayPalVerifier:
        """A verifier for the webhook id of the recording, among others."""
        url = self.headers["paypal-cert-url"]
        leaf = x509.load_pem_x509_certificate(self.certificate)
        name = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        settings = PayPalSettings(
            webhook_ids=webhook_ids or ("0AB123", self.webhook_id),
            client_id="client",
            client_secret="secret",
            mode="live",
            api_base="https://api-m.paypal.com",
            cert_sources=(CertificateSource(url.rpartition("/")[0] + "/", str(name)),),
        )
        certificates = Certificates(settings)
        certificates.learn(url, self.certificate)
        return PayPalVerifier(settings, certificates)

    def delivery(
        self,
        headers: dict[str, str] | None = None,
        *,
        body: bytes | None = None,
        arrival: datetime | None = None,
    ) -> Delivery:
        """The delivery, arriving two seconds after it was sent, with something changed."""
        return Delivery(
            headers={**self.headers, **(headers or {})},
            body=self.body if body is None else body,
            received_at=arrival or self.sent + timedelta(seconds=2),
        )

    def status(self, headers: dict[str, str] | None = None, *, body: bytes | None = None) -> str:
        """The verdict on the delivery with something changed."""
        return self.verifier().verify(self.delivery(headers, body=body)).status

    def window(self, at: datetime, name: str) -> bool:
        """Whether the bundled trust store takes the certificate for that name at that instant."""
        leaf = x509.load_pem_x509_certificate(self.certificate)
        try:
            return at in TrustStore.load(None).window(leaf, name, at)
        except Untrusted:
            return False
