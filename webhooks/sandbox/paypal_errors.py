"""PayPal's refusals, in its own words: name, message, issue and description.

https://developer.paypal.com/api/orders/v2/error-messages and its siblings list them.
"""

from __future__ import annotations

from typing import Any, Final

MESSAGES: Final = {
    "INVALID_REQUEST": (
        400,
        "Request is not well-formed, syntactically incorrect, or violates schema.",
    ),
    "AUTHENTICATION_FAILURE": (
        401,
        (
            "Authentication failed due to invalid authentication credentials or a missing "
            "Authorization header."
        ),
    ),
    "RESOURCE_NOT_FOUND": (404, "The specified resource does not exist."),
    "RESOURCE_CONFLICT": (409, "The server has detected a conflict while processing this request."),
    "UNPROCESSABLE_ENTITY": (
        422,
        (
            "The requested action could not be performed, semantically incorrect, or failed "
            "business validation."
        ),
    ),
    "RATE_LIMIT_REACHED": (429, "Too many requests. Blocked due to rate limiting."),
    "INTERNAL_SERVER_ERROR": (500, "An internal server error has occurred."),
    "SERVICE_UNAVAILABLE": (503, "Service Unavailable."),
}
"""Name → HTTP status and message."""

ISSUES: Final = {
    "ACTION_DOES_NOT_MATCH_INTENT": (
        "Order was created with an intent to 'CAPTURE' or 'AUTHORIZE', and this call does not "
        "match it."
    ),
    "AGREEMENT_ALREADY_CANCELLED": "The requested agreement is already canceled.",
    "AMOUNT_MISMATCH": "Should equal the sum of the purchase unit's items and charges.",
    "AUTHORIZATION_ALREADY_CAPTURED": "Authorization has already been captured.",
    "AUTHORIZATION_VOIDED": "A voided authorization cannot be captured or reauthorized.",
    "CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED": (
        "Refund for an amount less than the remaining transaction amount cannot be processed at "
        "this time because of an open dispute on the capture."
    ),
    "CAPTURE_FULLY_REFUNDED": "The capture has already been fully refunded.",
    "CURRENCY_MISMATCH": "The currency must be the same as that of the captured payment.",
    "DISPUTE_ALREADY_RESOLVED": "The dispute is over.",
    "DUPLICATE_INVOICE_ID": (
        "Duplicate Invoice ID detected. To avoid a potential duplicate transaction your account "
        "setting requires that Invoice Id be unique for each transaction."
    ),
    "DUPLICATE_REQUEST_ID": "The value of PayPal-Request-Id was used before for another request.",
    "INSTRUMENT_DECLINED": (
        "The instrument presented was either declined by the processor or bank, or it can't be "
        "used for this payment."
    ),
    "INVALID_CURRENCY_CODE": "Currency code is invalid or is not currently supported.",
    "INVALID_PARAMETER_SYNTAX": "The value of a field does not conform to the expected format.",
    "INVALID_PARAMETER_VALUE": "The value of a field is invalid.",
    "INVALID_PLAN_STATUS": "Plan must be active.",
    "INVALID_RESOURCE_ID": (
        "Specified resource ID does not exist. Please check the resource ID and try again."
    ),
    "INVALID_STRING_LENGTH": "The value of a field is either too short or too long.",
    "ITEM_TOTAL_MISMATCH": "Should equal sum of (unit_amount * quantity) across all items.",
    "ITEM_TOTAL_REQUIRED": "If item details are specified the item total is required.",
    "MALFORMED_REQUEST_JSON": "The request JSON is not well formed.",
    "MISSING_REQUIRED_PARAMETER": "A required field / parameter is missing.",
    "NOT_PATCHABLE": "The field cannot be patched.",
    "ORDER_ALREADY_AUTHORIZED": (
        "Order already authorized. If 'intent=AUTHORIZE' only one authorization per order is "
        "allowed."
    ),
    "ORDER_ALREADY_CAPTURED": (
        "Order already captured. If 'intent=CAPTURE' only one capture per order is allowed."
    ),
    "ORDER_ALREADY_COMPLETED": "The order cannot be patched after it is completed.",
    "ORDER_CANNOT_BE_APPROVED": "The order was approved, captured or voided before.",
    "ORDER_COMPLETED_OR_VOIDED": "Order is voided or completed and hence cannot be processed.",
    "ORDER_NOT_APPROVED": "Payer has not yet approved the Order for payment.",
    "PATCH_VALUE_REQUIRED": "Specify a `value` for the field being patched.",
    "PATCH_PATH_REQUIRED": "Specify a `path` for the field in which the operation is performed.",
    "PAYPAL_REQUEST_ID_REQUIRED": (
        "A PayPal-Request-Id is required if you are trying to process payment for an Order. Please "
        "specify a PayPal-Request-Id or Create the Order without a 'payment_source' specified."
    ),
    "PAYER_ACTION_REQUIRED": (
        "Payer needs to perform the following action before proceeding with payment."
    ),
    "PENDING_CAPTURE": "Cannot initiate a refund as the capture is pending.",
    "PREVIOUS_REQUEST_IN_PROGRESS": (
        "A previous request on this resource is currently in progress. Please wait for some time "
        "and try again."
    ),
    "REFUND_AMOUNT_EXCEEDED": (
        "The refund amount must be less than or equal to the capture amount that has not yet been "
        "refunded."
    ),
    "REFUND_EXCEEDED_TRANSACTION_AMOUNT": (
        "Refund refused - the requested refund amount would exceed the amount of transaction being "
        "refunded."
    ),
    "SETUP_TOKEN_ALREADY_TOKENIZED": (
        "The setup token has been used previously to generate a payment token."
    ),
    "SUBSCRIPTION_STATUS_INVALID": (
        "Invalid subscription status for this action; the subscription's status does not allow it."
    ),
    "TOKEN_ID_NOT_FOUND": "Specified token ID does not exist.",
    "TRANSACTION_ALREADY_REFUNDED": "This transaction has already been fully refunded.",
    "TRANSACTION_REFUSED": "The request was refused.",
}
"""Issue → its description."""


class PayPalError(Exception):
    """An answer other than 2xx; ``body`` is what PayPal writes."""

    def __init__(
        self, name: str, issue: str | None = None, *, field: str | None = None, links: Any = ()
    ) -> None:
        self.status, self.message = MESSAGES[name]
        self.name = name
        self.issue = issue
        self.field = field
        self.links = list(links)
        super().__init__(f"{self.status} {name} {issue or ''}")

    @property
    def reason(self) -> str:
        """In a sentence, for a person."""
        return ISSUES[self.issue] if self.issue is not None else self.message

    def body(self, debug_id: str) -> dict[str, Any]:
        """The error document; ``debug_id`` is also sent as a header."""
        document: dict[str, Any] = {
            "name": self.name,
            "message": self.message,
            "debug_id": debug_id,
            "details": [],
            "links": self.links,
        }
        if self.issue is not None:
            detail = {"issue": self.issue, "description": ISSUES[self.issue]}
            document["details"] = [{"field": self.field, **detail} if self.field else detail]
        return document


def missing(field: str) -> PayPalError:
    """A required field (JSON pointer) is not there."""
    return PayPalError("INVALID_REQUEST", "MISSING_REQUIRED_PARAMETER", field=field)


def malformed(field: str) -> PayPalError:
    """A field (JSON pointer) cannot be read."""
    return PayPalError("INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX", field=field)


def refused(issue: str, *, field: str | None = None, links: Any = ()) -> PayPalError:
    """A business refusal, 422."""
    return PayPalError("UNPROCESSABLE_ENTITY", issue, field=field, links=links)


def not_found() -> PayPalError:
    """No such resource, 404."""
    return PayPalError("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
