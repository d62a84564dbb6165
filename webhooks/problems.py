"""Errors as RFC 9457 problem documents: a stable code, the rule, and the way out."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from domain.errors import Refused

MEDIA_TYPE: Final = "application/problem+json"
FAULT: Final = "Something went wrong here; it was logged."
TITLES: Final = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Refused",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not acceptable",
    429: "Too many requests",
    500: "Our fault",
    503: "Store unavailable",
}


def document(status: int, code: str, detail: str, **more: Any) -> bytes:
    """A problem document as JSON bytes; ``code`` is stable, ``detail`` is for people."""
    return msgspec.json.encode(
        {
            "type": f"urn:billhook:problem:{code}",
            "title": TITLES.get(status, "Error"),
            "status": status,
            "code": code,
            "detail": detail,
            **more,
        }
    )


def response(
    status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """A problem as a Starlette response."""
    body = document(status, code, detail, **more)
    return Response(body, status, headers, media_type=MEDIA_TYPE)


def of_refusal(refusal: Refused) -> Response:
    """A business refusal as a response."""
    return response(refusal.status, refusal.code, str(refusal))
