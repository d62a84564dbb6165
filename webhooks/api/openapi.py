"""The published contract: OpenAPI 3.1, made from the operations themselves, at ``/openapi.json``.

Specification: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from webhooks import problems
from webhooks.api.explain import FieldError
from webhooks.api.operation import Answer, Operation, Refusal

REF_TEMPLATE: Final = "#/components/schemas/{name}"
IN: Final = {"path": "path", "query": "query", "headers": "header"}
TAGS: Final = {
    "accounts": "The customers of the app, known by the app's own `ref`.",
    "purchases": "From a price to a paid order.",
    "invoices": "Invoices and credit notes, to list, print and read by machine.",
    "refunds": "Money given back, by the customer's right or an operator's decision.",
    "decisions": "What an operator decides about an account; each needs a reason.",
    "events": "What providers sent, and what became of it.",
    "failures": "What fails, grouped by what the failures have in common.",
    "replays": "Many events worked on again, carefully.",
    "alerts": "What a person should know about.",
    "audit": "Who did what, when and why.",
}
ABOUT: Final = (
    "Billhook receives what payment providers report, keeps accounts, subscriptions, invoices and "
    "credit, and answers here.\n\n"
    'Money is `{"amount": 4900, "currency": "EUR"}` in minor units (cents); times are RFC 3339 '
    "in UTC. Errors are problem documents (RFC 9457) with a stable `code`. Lists come in pages: "
    '`?limit=` and `?cursor=`, answered as `{"items": […], "next": …}`. Every answer carries an '
    "`X-Request-Id`; send one of your own (8 to 64 letters, digits, . _ -) to find a call in the "
    "logs."
)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error (RFC 9457). `code` is stable, `detail` tells a person the rule and the way out."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: Annotated[
        list[FieldError] | msgspec.UnsetType, Meta(description="The fields that are wrong.")
    ] = msgspec.UNSET
    request: Annotated[
        str | msgspec.UnsetType, Meta(description="The request's id, when the fault is ours.")
    ] = msgspec.UNSET


def document(operations: Sequence[Operation], public_url: str | None = None) -> dict[str, Any]:
    """The whole contract as plain data."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Billhook", "version": _version(), "description": ABOUT},
        "servers": [{"url": public_url or "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(_types(operations)),
            "headers": {"RequestId": _REQUEST_ID},
            "securitySchemes": {"token": _TOKEN},
        },
    }


def route(contract: dict[str, Any]) -> Route:
    """``GET /openapi.json``, for everybody."""
    body = msgspec.json.encode(contract)

    async def answer(_request: Request) -> Response:
        return Response(body, media_type="application/json")

    return Route("/openapi.json", answer, name="openapi")


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nFor tokens of the role "
        f"{' or '.join(f'`{role}`' for role in sorted(operation.roles))}.",
        "security": [{"token": []}],
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation),
    }
    if body := operation.inputs.get("body"):
        content = {"schema": _ref(body), "example": operation.example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for source, place in IN.items():
        wanted = operation.inputs.get(source)
        if wanted is None:
            continue
        schema = msgspec.json.schema(wanted)["$defs"][wanted.__name__]
        for name, described in schema["properties"].items():
            value = _without_null(described)
            yield {
                "name": name,
                "in": place,
                "required": name in schema.get("required", ()),
                "description": value.pop("description", ""),
                "schema": value,
            }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out or there: JSON's null cannot be written in a query or a header."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return dict(schema)
    return {**{k: v for k, v in schema.items() if k not in {"anyOf", "default"}}, **kinds[0]}


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, answer in sorted(operation.answers.items()):
        responses[str(status)] = {
            "description": answer.description,
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
            "content": {media_type: _content(answer) for media_type in answer.media_types},
        }
    refusals: dict[int, list[Refusal]] = defaultdict(list)
    for refusal in (*operation.refusals, *_common(operation)):
        refusals[refusal.status].append(refusal)
    for status in sorted(refusals):
        responses[str(status)] = _problem(status, refusals[status])
    return responses


def _content(answer: Answer) -> dict[str, Any]:
    if answer.type is bytes:
        # OpenAPI 3.1 describes a file by its media type alone.
        return {}
    content: dict[str, Any] = {"schema": _ref(answer.type)}
    return content if answer.example is None else {**content, "example": answer.example}


def _problem(status: int, refusals: Sequence[Refusal]) -> dict[str, Any]:
    lines = "\n".join(f"- `{each.code}`: {each.when}" for each in refusals)
    headers = {
        "X-Request-Id": {"$ref": "#/components/headers/RequestId"},
        **_HEADERS.get(status, {}),
    }
    return {
        "description": f"{problems.TITLES[status]}:\n\n{lines}",
        "headers": headers,
        "content": {problems.MEDIA_TYPE: {"schema": _ref(Problem)}},
    }


def _common(operation: Operation) -> Iterable[Refusal]:
    """What any call with such inputs may answer."""
    yield Refusal(401, "not_signed_in", "No token, or one that is unknown or revoked.")
    yield Refusal(403, "role_missing", "The token has another role.")
    if "path" in operation.inputs:
        yield Refusal(422, "path_invalid", "A value in the path breaks its rule.")
    if "query" in operation.inputs:
        yield Refusal(400, "query_invalid", "A parameter is unknown, given twice or wrong.")
    if "headers" in operation.inputs:
        yield Refusal(400, "header_invalid", "A header's value breaks its rule.")
    if "body" in operation.inputs:
        yield Refusal(400, "body_not_json", "The body is not JSON.")
        yield Refusal(413, "body_too_large", "The body is larger than 256 kB.")
        yield Refusal(415, "not_json", "The Content-Type is not application/json.")
        yield Refusal(422, "body_invalid", "A field is missing, unknown or breaks its rule.")
        yield Refusal(422, "text_not_storable", "A text has half of a surrogate pair.")
    yield Refusal(500, "fault", "A fault of ours; it was logged.")
    yield Refusal(503, "store_unavailable", "Try again after the seconds in Retry-After.")


def _types(operations: Sequence[Operation]) -> list[Any]:
    succeeding = [answer for each in operations for answer in each.answers.values()]
    answers = [answer.type for answer in succeeding if answer.type is not bytes]
    bodies = [each.inputs["body"] for each in operations if "body" in each.inputs]
    return list(dict.fromkeys([*answers, *bodies, Problem]))


def _schemas(types: Sequence[Any]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components(types, ref_template=REF_TEMPLATE)
    return dict(sorted(components.items()))


def _ref(kind: Any) -> dict[str, str]:
    return {"$ref": REF_TEMPLATE.format(name=kind.__name__)}


def _version() -> str:
    try:
        return version("billhook")
    except PackageNotFoundError:
        # Run from the sources without having been installed.
        return "0"


_REQUEST_ID: Final = {
    "description": "The request's id, as in the logs.",
    "schema": {"type": "string"},
}
_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "`billhook token create --role app|viewer|operator` makes a token and shows it "
    "once. An operator may read whatever a viewer reads.",
}
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {
        "WWW-Authenticate": {
            "description": "How to sign in (RFC 6750).",
            "schema": {"type": "string"},
        }
    },
    503: {
        "Retry-After": {
            "description": "Seconds to wait before the next try.",
            "schema": {"type": "integer"},
        }
    },
}
