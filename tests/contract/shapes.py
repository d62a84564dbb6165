"""Objects from which the suite makes hostile ones: in each provider's words, with every field
that its translator may look for; and the ways to spoil them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

from hypothesis import strategies as st

Document = dict[str, Any]
Path = tuple[str | int, ...]

_CARD: Final = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030}
_LINE: Final = {
    "id": "il_1",
    "period": {"start": 1_767_225_600, "end": 1_769_904_000},
    "price": {"id": "price_1"},
    "parent": {"subscription_item_details": {"subscription": "sub_1"}},
    "pricing": {"price_details": {"price": "price_1"}},
}
STRIPE: Final[Document] = {
    "id": "obj_1",
    "object": "thing",
    "status": "succeeded",
    "mode": "payment",
    "payment_status": "paid",
    "amount": 4900,
    "amount_received": 4900,
    "amount_captured": 4900,
    "amount_refunded": 100,
    "amount_total": 4900,
    "amount_paid": 4900,
    "amount_due": 4900,
    "currency": "eur",
    "paid": True,
    "captured": True,
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "latest_charge": "ch_1",
    "customer": "cus_1",
    "subscription": "sub_1",
    "invoice": "in_1",
    "setup_intent": "seti_1",
    "payment_method": "pm_1",
    "client_reference_id": "ord_1",
    "metadata": {"order_id": "ord_1", "account": "acme"},
    "type": "card",
    "card": _CARD,
    "payment_method_details": {"type": "card", "card": _CARD},
    "last_payment_error": {"code": "card_declined", "decline_code": "lost_card", "message": "no"},
    "failure_code": "card_declined",
    "outcome": {"reason": "lost_card"},
    "reason": "fraudulent",
    "attempt_count": 1,
    "next_payment_attempt": None,
    "parent": {"subscription_details": {"subscription": "sub_1", "metadata": {}}},
    "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
    "lines": {"data": [_LINE]},
    "refunds": {"data": [{"id": "re_1", "amount": 100, "currency": "eur", "status": "succeeded"}]},
    "created": 1_767_225_600,
}
_VALUE: Final = {"currency_code": "EUR", "value": "49.00", "currency": "EUR", "total": "49.00"}
PAYPAL: Final[Document] = {
    "id": "8MC585209K746392H",
    "status": "COMPLETED",
    "state": "completed",
    "amount": _VALUE,
    "custom_id": "ord_1",
    "custom": "ord_1",
    "invoice_id": "ord_1",
    "sale_id": "4RR959492F879224U",
    "billing_agreement_id": "I-1",
    "plan_id": "P-1",
    "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
    "links": [
        {"rel": "up", "href": "https://api.paypal.com/v2/payments/captures/42311647XV020574X"},
        {"rel": "self", "href": "https://api.paypal.com/v2/payments/refunds/8MC585209K746392H"},
    ],
    "purchase_units": [{"custom_id": "ord_1", "amount": _VALUE}],
    "payer": {"payer_id": "PAYER1"},
    "customer": {"id": "cus_1"},
    "payment_source": {"paypal": {"account_id": "A1", "attributes": {"vault": {"id": "v1"}}}},
    "dispute_id": "PP-D-1",
    "disputed_transactions": [{"seller_transaction_id": "42311647XV020574X"}],
    "dispute_amount": _VALUE,
    "dispute_outcome": {"outcome_code": "RESOLVED_BUYER_FAVOUR"},
    "dispute_state": "RESOLVED",
    "reason": "UNAUTHORISED",
    "create_time": "2026-03-02T10:00:00Z",
    "billing_info": {"next_billing_time": "2026-04-02T10:00:00Z"},
    "start_time": "2026-03-02T10:00:00Z",
}
ACME: Final[Document] = {
    "payment": "acme_payment_1",
    "refund": "acme_refund_1",
    "dispute": "acme_dispute_1",
    "checkout": "acme_checkout_1",
    "mandate": "acme_mandate_1",
    "payer": "payer_1",
    "reference": "ord_1",
    "account": "acme",
    "state": "completed",
    "cents": 4900,
    "currency": "EUR",
    "reason": "no_funds",
    "upheld": True,
    "at": 1_767_225_600,
}

ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 2**63, 10**40, 1.5, "", "0", "-1", "49.00", "0.005", "1e9", "NaN"),
    *("x" * 300, "../x", "a b", "\x00", "é", "EUR", "jpy", "completed", "unknown", [], {}, [[]]),
    *([None], [{}], {"id": "x"}, {"id": None}, {"value": "1"}),
)
"""What takes the place of a value."""


def spoilt(
    base: Document, states: Sequence[str], words: Sequence[str]
) -> st.SearchStrategy[Document]:
    """The object in one of the states, with some of its values replaced by odd ones, by words of
    the provider or by each other, or taken away."""
    paths = st.sampled_from(list(_paths(base)))
    value = st.sampled_from(ODD) | st.sampled_from(words) | st.sampled_from(_values(base))
    change = st.tuples(paths, st.booleans() | st.just(True), value)
    changes = st.lists(change, max_size=5)
    return st.builds(
        lambda state, made: _changed({**base, "status": state, "state": state}, made),
        st.sampled_from(states),
        changes,
    )


def _paths(part: Any, here: Path = ()) -> list[Path]:
    inside = part.items() if isinstance(part, dict) else enumerate(part)
    found: list[Path] = []
    for key, value in inside:
        found.append((*here, key))
        if isinstance(value, dict | list):
            found += _paths(value, (*here, key))
    return found


def _values(base: Document) -> list[Any]:
    return [_at(base, path) for path in _paths(base)]


def _at(part: Any, path: Path) -> Any:
    for key in path:
        part = part[key]
    return part


def _changed(base: Document, changes: Sequence[tuple[Path, bool, Any]]) -> Document:
    spoiled = deepcopy(base)
    for path, replaces, value in changes:
        try:
            place = _at(spoiled, path[:-1])
            if replaces:
                place[path[-1]] = deepcopy(value)
            else:
                del place[path[-1]]
        except (KeyError, IndexError, TypeError):
            # An earlier change took the place away.
            continue
    return spoiled
