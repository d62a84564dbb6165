"""What the contract says about invoices: descriptions and examples."""

from __future__ import annotations

from typing import Any, Final

FILE: Final = (
    "The PDF of the newest revision, in the customer's language. It is PDF/A-3 and carries the "
    "e-invoice (EN 16931 as Factur-X) inside. What was printed once stays the same file for ever, "
    "and is the one that was mailed; one that nobody has asked for yet is printed now, which the "
    "call waits for. `?format=cii` and `?format=ubl` answer the e-invoice alone, and `?revision=1` "
    "what stood there before it was changed."
)
NOTE: Final = (
    "The customer's note, such as their order number, is printed on the invoice as a new "
    "revision. Repeating the call changes nothing."
)
REVISIONS: Final = (
    "A note, new billing details on the latest invoice, and a tax whose exchange rate came later "
    "make a new revision; amounts and number never change. What each one says, who made it and "
    "when is listed here, and its PDF stays readable for ever."
)
_BUYER: Final = {
    "name": "Anna s.r.o.",
    "street": "Dlouhá 1",
    "city": "Brno",
    "postal_code": "602 00",
    "country": "CZ",
    "vat_number": "CZ45274649",
    "email": "accounts@anna.example",
}
EVERY_REVISION: Final[dict[str, Any]] = {
    "number": "2026-000042",
    "items": [
        {
            "revision": 2,
            "made_at": "2026-03-03T09:30:00Z",
            "changed": "note",
            "by": "app:the app",
            "note": "Order no. 2026/118",
            "buyer": _BUYER,
            "pdf": "/api/invoices/2026-000042.pdf?revision=2",
        },
        {
            "revision": 1,
            "made_at": "2026-03-02T10:00:00Z",
            "changed": "issued",
            "by": None,
            "note": None,
            "buyer": _BUYER,
            "pdf": "/api/invoices/2026-000042.pdf?revision=1",
        },
    ],
}
STATE: Final[dict[str, Any]] = {
    "number": "2026-000042",
    "kind": "invoice",
    "account": "shop-4711",
    "order": "ord_1f0c9a6be0d24c7c8a5b3e21",
    "corrects": None,
    "issued_at": "2026-03-02T10:00:00Z",
    "net": {"amount": 172000, "currency": "CZK"},
    "vat": {"amount": 36120, "currency": "CZK"},
    "total": {"amount": 208120, "currency": "CZK"},
    "locale": "cs",
    "note": "Order no. 2026/118",
    "revision": 2,
    "pdf": "/api/invoices/2026-000042.pdf",
}
PAGE: Final[dict[str, Any]] = {"items": [STATE], "next": None}
PRINTING: Final[dict[str, Any]] = {
    "number": "2026-000042",
    "revision": 2,
    "state": "rendering",
}
