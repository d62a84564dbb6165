"""The console's static files: read once, named by their content, so that browsers keep them."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from webhooks.console.page import ROOT

FOLDER: Final = Path(__file__).with_name("static")
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
KEEP: Final = {
    # The name has a digest of the content: what is under it never changes.
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}


def address(name: str) -> str:
    """The address of a file of ``static/``, for example ``console.css``.

    Raises KeyError for a file that is not there.
    """
    return _addresses()[name]


def route() -> Route:
    """``GET /console/static/{name}``, for everybody."""
    served = {path.rpartition("/")[2]: FOLDER / name for name, path in _addresses().items()}
    ready = {name: _prepared(path) for name, path in served.items()}

    async def answer(request: Request) -> Response:
        found = ready.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("There is no such file.", 404)
        plain, packed, media_type = found
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                packed, headers={**KEEP, "Content-Encoding": "gzip"}, media_type=media_type
            )
        return Response(plain, headers=KEEP, media_type=media_type)

    return Route(f"{ROOT}/static/{{name}}", answer, name="console_static")


@lru_cache(maxsize=1)
def _addresses() -> dict[str, str]:
    return {
        path.name: f"{ROOT}/static/{path.stem}.{_digest(path)}{path.suffix}"
        for path in FOLDER.iterdir()
        if path.suffix in TYPES
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _prepared(path: Path) -> tuple[bytes, bytes, str]:
    content = path.read_bytes()
    return content, gzip.compress(content, mtime=0), TYPES[path.suffix]
