"""Every recorded payload of the samples' folder is understood, asks for a reading, or is ignored
for a reason."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from domain.errors import Permanent
from domain.ports import Reading
from tests.providers.paypal.samples import envelope
from webhooks.providers.paypal.translate import translate
from webhooks.providers.paypal.verify import identify

NEEDS = {
    "BILLING.SUBSCRIPTION.CANCELLED__dj-paypal.json": "subscription:I-PE7JWXKGVN0R",
    "BILLING.SUBSCRIPTION.CREATED__dj-paypal.json": "subscription:I-PE7JWXKGVN0R",
    "BILLING.SUBSCRIPTION.RE-ACTIVATED__dj-paypal.json": "subscription:I-PE7JWXKGVN0R",
    "BILLING.SUBSCRIPTION.SUSPENDED__dj-paypal.json": "subscription:I-PE7JWXKGVN0R",
    "BILLING.SUBSCRIPTION.UPDATED__dj-paypal.json": "subscription:I-PE7JWXKGVN0R",
    "CUSTOMER.DISPUTE.CREATED__dj-paypal.json": "dispute:PP-000-001-341-393",
    "CUSTOMER.DISPUTE.CREATED__dj-paypal__2019-11.json": "dispute:PP-000-001-341-393",
    "CUSTOMER.DISPUTE.CREATED__dj-paypal__ppra214.json": "dispute:PP-000-001-341-393",
    "CUSTOMER.DISPUTE.RESOLVED__dj-paypal.json": "dispute:PP-000-001-341-261",
    "PAYMENT.CAPTURE.COMPLETED__dj-paypal.json": "capture:42311647XV020574X",
    "PAYMENT.CAPTURE.DENIED__dj-paypal.json": "capture:1YH34677BD7819356",
    "PAYMENT.CAPTURE.PENDING__dj-paypal.json": "capture:0C90432034385860N",
    "PAYMENT.CAPTURE.REFUNDED__dj-paypal.json": "refund:8VC964970N548345V",
    "PAYMENT.CAPTURE.REVERSED__dj-paypal.json": "refund:1RJ65796SJ857301V",
    "PAYMENT.SALE.COMPLETED__dj-paypal.json": "sale:80021663DE681814L",
    "PAYMENT.SALE.COMPLETED__dj-paypal__from-subscription.json": (
        "sale:7D51924877811803R, subscription:I-W0Y05RHBK9VG"
    ),
    "PAYMENT.SALE.DENIED__dj-paypal.json": "sale:0UV619993K905211J",
    "PAYMENT.SALE.PENDING__dj-paypal.json": "sale:11139561TK568332L",
    "PAYMENT.SALE.REFUNDED__dj-paypal.json": "refund:6YX43824R4443062K",
    "PAYMENT.SALE.REVERSED__dj-paypal.json": "refund:77689802DL785834G",
    "RISK.DISPUTE.CREATED__dj-paypal.json": "dispute:PP-000-001-202-018",
    "VAULT.PAYMENT-TOKEN.CREATED__paypal-docs__rv3.0.json": "payment_token:3nqvjt3n",
    "VAULT.PAYMENT-TOKEN.CREATED__paypal-docs__rv3.0__2.json": "payment_token:ckfmsf",
    "VAULT.PAYMENT-TOKEN.DELETED__CONSTRUCTED__rv3.0.json": "payment_token:3nqvjt3n",
}
IGNORED = {
    "BILLING.PLAN.CREATED__dj-paypal.json",
    "BILLING.PLAN.UPDATED__dj-paypal.json",
    "PAYMENT.AUTHORIZATION.CREATED__dj-paypal.json",
    "PAYMENT.AUTHORIZATION.VOIDED__dj-paypal.json",
    "PAYMENT.ORDER.CANCELLED__dj-paypal.json",
    "PAYMENT.ORDER.CREATED__dj-paypal.json",
    "VAULT.CREDIT-CARD.CREATED__dj-paypal.json",
    "VAULT.CREDIT-CARD.DELETED__dj-paypal.json",
    "VAULT.CREDIT-CARD.UPDATED__dj-paypal.json",
}
SELF_READ = sorted(name for name in NEEDS if name.startswith(("PAYMENT.", "BILLING.")))


def test_the_recorded_payloads_are_all_accounted_for(provider_samples: Path) -> None:
    found = {path.name for path in (provider_samples / "paypal").glob("*.json")}

    assert found == set(NEEDS) | IGNORED


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_a_recorded_payload_asks_for_what_it_speaks_of(provider_samples: Path, name: str) -> None:
    body = (provider_samples / "paypal" / name).read_bytes()
    translation = translate(envelope(body), {})

    assert not identify(body).malformed
    assert ", ".join(map(str, translation.needs)) == NEEDS[name]


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_a_recorded_payload_of_no_use_is_ignored(provider_samples: Path, name: str) -> None:
    body = (provider_samples / "paypal" / name).read_bytes()
    translation = translate(envelope(body), {})

    assert translation.ignored
    assert not translation.ignored.startswith("unknown")


@pytest.mark.parametrize("name", SELF_READ)
def test_a_recorded_payload_is_understood_when_paypal_says_the_same(
    provider_samples: Path, name: str
) -> None:
    stored = envelope((provider_samples / "paypal" / name).read_bytes())
    document = resource_of(stored.body)
    silent = Reading(sequence=1, document=None)
    said = dict.fromkeys(translate(stored, {}).needs, silent)
    first = next(iter(said))
    said[first] = Reading(sequence=1, document=document)

    if ".REVERSED" in name:
        with pytest.raises(Permanent, match="which payment"):
            translate(stored, said)
    else:
        assert translate(stored, said).facts


def resource_of(body: bytes) -> dict[str, object]:
    """The resource of a recorded event."""
    document: dict[str, dict[str, object]] = msgspec.json.decode(body)
    return document["resource"]
