"""Acme: a provider that exists only in the tests. It takes bank transfers and keeps its books in
an in-process ledger.

It proves that a third provider is one folder and one setting (``BILLHOOK_PROVIDERS``): nothing in
Billhook knows of it.
"""

from __future__ import annotations

from webhooks.providers.provider import ProviderSpec

PROVIDER = ProviderSpec(
    name="acme",
    title="Acme Transfers",
    prefix="ACME_",
    methods=("transfer",),
    configure="tests.contract.acme.settings:configure",
    verifier="tests.contract.acme.verify:verifier",
    translator="tests.contract.acme.translate:translator",
    gateway="tests.contract.acme.gateway:gateway",
    event_types=(
        "checkout.closed",
        "dispute.closed",
        "dispute.opened",
        "mandate.ended",
        "payment.changed",
        "payment.completed",
        "payment.failed",
        "payment.pending",
        "refund.completed",
    ),
)
