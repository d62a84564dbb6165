"""The manual at ``/docs``: the contract as one page of HTML, rendered here, without scripts.

Nothing is loaded from elsewhere; the only style is named by its hash in the page's policy.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

_HERE: Final = Path(__file__).parent / "manual"
_STYLE: Final = (_HERE / "style.css").read_text(encoding="utf-8")
_METHODS: Final = ("get", "put", "post", "patch", "delete")


def route(contract: dict[str, Any]) -> Route:
    """``GET /docs``, for everybody."""
    page = render(contract)
    headers = {
        "Content-Security-Policy": policy(),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    async def answer(_request: Request) -> Response:
        return HTMLResponse(page, headers=headers)

    return Route("/docs", answer, name="docs")


def policy() -> str:
    """What the page may load: its own style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def render(contract: dict[str, Any]) -> str:
    """The whole page."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined
    )
    environment.filters.update(prose=prose, pretty=pretty, rules=rules, kind=kind, meaning=meaning)
    return environment.get_template("page.html").render(
        info=contract["info"],
        tags=contract["tags"],
        calls=list(_calls(contract)),
        schemas=contract["components"]["schemas"],
        # The policy names the style's exact bytes, so nothing may be escaped in it.
        style=Markup(_STYLE),  # noqa: S704 - our own file
    )


def prose(text: str) -> Markup:
    """Paragraphs, lists and `code` as HTML; everything else is escaped."""
    blocks = (str(escape(block)) for block in text.split("\n\n"))
    return Markup("".join(_block(block) for block in blocks))  # noqa: S704 - escaped above


def pretty(value: Any) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def meaning(schema: dict[str, Any]) -> Markup:
    """The description of a value; that of an optional one may stand with its type."""
    texts = (each.get("description") for each in (schema, *schema.get("anyOf", ())))
    return prose(next(filter(None, texts), ""))


def kind(schema: dict[str, Any]) -> Markup:
    """The type of a schema in a few words, with a link to what it refers to."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(kind(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return Markup("list of {}").format(kind(schema["items"]))
    if "enum" in schema:
        values = (Markup("<code>{}</code>").format(json.dumps(value)) for value in schema["enum"])
        return Markup(" ").join(values)
    return escape(schema.get("format") or schema.get("type", "any"))


def rules(schema: dict[str, Any]) -> str:
    """The bounds of a value for people; a pattern's meaning stands in the description."""
    parts = [
        text.format(each[key])
        for each in (schema, *schema.get("anyOf", ()))
        for key, text in _BOUNDS.items()
        if key in each
    ]
    return ", ".join(parts)


_BOUNDS: Final = {
    "minimum": "from {}",
    "maximum": "to {}",
    "maxLength": "at most {} characters",
    "default": "default {!r}",
}


def _block(escaped: str) -> str:
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    lines = text.split("\n")
    if all(line.startswith("- ") for line in lines):
        return "<ul>" + "".join(f"<li>{line[2:]}</li>" for line in lines) + "</ul>"
    return f"<p>{text}</p>"


def _calls(contract: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in contract["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield {"path": path, "method": method, **methods[method]}
