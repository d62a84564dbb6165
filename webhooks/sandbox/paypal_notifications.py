"""The webhook half of PayPal's API: verification, the list of events, sending again, certificates.

https://developer.paypal.com/docs/api/webhooks/v1/
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from webhooks.sandbox.paypal_calls import Answer, Call, endpoint
from webhooks.sandbox.paypal_errors import PayPalError, malformed, missing, not_found
from webhooks.sandbox.paypal_events import (
    GONE,
    authority_of,
    certificate_url,
    message,
    serves_certificate,
)
from webhooks.sandbox.paypal_shapes import Document, link, parse_instant
from webhooks.sandbox.paypal_signature import is_authentic, raw_member
from webhooks.sandbox.world import World

_FIELDS: Final = (
    "auth_algo",
    "cert_url",
    "transmission_id",
    "transmission_sig",
    "transmission_time",
    "webhook_id",
    "webhook_event",
)
CERTIFICATE_OUTAGE: Final = "paypal_certificate_outage"
_PAGE: Final = 10
_LARGEST_PAGE: Final = 300
_REACH: Final = timedelta(days=30)
"""How far back the list goes when no start is given."""


def routes(world: World) -> list[BaseRoute]:
    """Under the API's base."""
    events = "/v1/notifications/webhooks-events"
    verify = "/v1/notifications/verify-webhook-signature"

    async def certificate(request: Request) -> Response:
        return _serve_certificate(world, request)

    async def trust(_: Request) -> Response:
        return PlainTextResponse(authority_of(world).trust_pem)

    return [
        endpoint(world, "POST", verify, verify_signature),
        endpoint(world, "GET", events, list_events),
        endpoint(world, "GET", events + "/{id}", show_event),
        endpoint(world, "POST", events + "/{id}/resend", resend_event),
        Route("/v1/notifications/certs/{id}", certificate),
        Route("/trust.pem", trust),
    ]


def verify_signature(call: Call) -> Answer:
    """POST verify-webhook-signature: judged over the bytes of ``webhook_event`` as they stand in
    the request, so an event that was decoded and written anew fails, as it does at PayPal."""
    for field in _FIELDS:
        if field not in call.document:
            raise missing(f"/{field}")
    fields = {name: str(call.document[name]) for name in _FIELDS[:-1]}
    body = raw_member(call.raw, "webhook_event") or b""
    good = (
        fields["webhook_id"] == call.world.credentials.paypal_webhook_id
        and fields["cert_url"].partition(f"-{GONE}")[0] == certificate_url(call.world)
        and is_authentic(authority_of(call.world), fields, body)
    )
    return Answer({"verification_status": "SUCCESS" if good else "FAILURE"})


def list_events(call: Call) -> Answer:
    """GET webhooks-events: newest first, by ``start_time``, ``end_time``, ``event_type``,
    ``transaction_id``; ``page_size`` 1 to 300, further pages by the link ``next``."""
    size = _page_size(call.query.get("page_size", str(_PAGE)))
    found = _matching(call)
    if after := call.query.get("next_page_token"):
        places = [place for place, event in enumerate(found) if event["id"] == after]
        found = found[places[0] + 1 :] if places else []
    page, further = found[:size], len(found) > size
    query = dict(call.query)
    here = f"{call.api}/v1/notifications/webhooks-events"
    links = [link(f"{here}?{urlencode(query)}", "self")]
    if further:
        query["next_page_token"] = page[-1]["id"]
        links.append(link(f"{here}?{urlencode(query)}", "next"))
    events = [json.loads(event["body"]) for event in page]
    return Answer({"events": events, "count": len(events), "links": links})


def show_event(call: Call) -> Answer:
    """GET webhooks-events/{id}."""
    return Answer(json.loads(_event(call.world, call.id)["body"]))


def resend_event(call: Call) -> Answer:
    """POST webhooks-events/{id}/resend: the same event again, under a new transmission id."""
    resend(call.world, call.id)
    return Answer(json.loads(_event(call.world, call.id)["body"]), 202)


def resend(world: World, key: str) -> None:
    """Hand an event to the courier again. Raises PayPalError when there is no such event."""
    event = _event(world, key)
    world.courier.post(message(world, key, event["type"], event["body"].encode()))


def _serve_certificate(world: World, request: Request) -> Response:
    """GET certs/{id}: the leaf alone, cacheable for a day. Needs no token. During an outage
    (``POST /sandbox/paypal/certificate``) an HTML page under 200, as PayPal was seen to do."""
    if world.setting(CERTIFICATE_OUTAGE, default=False):
        return HTMLResponse("<!DOCTYPE html><title>PayPal</title><h1>Sorry</h1>")
    if not serves_certificate(world, request.path_params["id"]):
        return PlainTextResponse("no such certificate", 404)
    authority = authority_of(world)
    headers = {"Cache-Control": "max-age=86400"}
    return Response(authority.leaf_pem, headers=headers, media_type="application/x-x509-ca-cert")


def _event(world: World, key: str) -> Document:
    event = world.store.get("paypal_event", key)
    if event is None:
        raise not_found()
    return event


def _matching(call: Call) -> list[Document]:
    start = _instant(call, "start_time", call.world.now() - _REACH)
    end = _instant(call, "end_time", call.world.now())
    event_type = call.query.get("event_type")
    transaction = call.query.get("transaction_id")
    return [
        event
        for event in reversed(call.world.store.all("paypal_event"))
        if start <= parse_instant(event["at"]) <= end
        and event_type in (None, event["type"])
        and (transaction is None or transaction in event["about"])
    ]


def _instant(call: Call, name: str, default: datetime) -> datetime:
    text = call.query.get(name)
    if text is None:
        return default
    try:
        return parse_instant(text)
    except ValueError:
        raise malformed(f"/{name}") from None


def _page_size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise PayPalError("INVALID_REQUEST", "INVALID_PARAMETER_VALUE", field="/page_size")
    return int(text)
