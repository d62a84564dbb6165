"""The page on which a person plays the buyer: approves or declines an order, a subscription or the
saving of a payment method, and is sent back to the shop."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from webhooks.sandbox.paypal_approval import approve_order, cancel_order, with_query
from webhooks.sandbox.paypal_billing import approve
from webhooks.sandbox.paypal_errors import PayPalError
from webhooks.sandbox.paypal_order_documents import order_of
from webhooks.sandbox.paypal_shapes import Document, money_of
from webhooks.sandbox.paypal_subscriptions import subscription_of
from webhooks.sandbox.paypal_vault import approve_setup_token, setup_token_of
from webhooks.sandbox.world import World

_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>PayPal (sandbox)</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{{font:16px/1.5 system-ui,sans-serif;background:#f4f6f8;color:#1a2733;margin:0}}
main{{max-width:26rem;margin:4rem auto;padding:2rem;background:#fff;border-radius:.75rem;
box-shadow:0 1px 6px #0002}}
h1{{font-size:1.1rem;color:#245}}strong{{display:block;font-size:2rem;margin:.5rem 0}}
button{{display:block;width:100%;padding:.7rem;margin:.6rem 0;font:inherit;border-radius:2rem;
border:1px solid #9ab;background:#fff;cursor:pointer}}
button.main{{background:#245;color:#fff;border-color:#245}}
small{{color:#567}}
</style>
<main><h1>PayPal (sandbox)</h1>{content}
<small>This page is played by Billhook’s sandbox. No money moves.</small></main></html>"""

_BUTTONS: Final = {
    "approve": '<button class="main" name="choice" value="approve">Approve</button>',
    "decline": '<button name="choice" value="decline">Approve, but decline the payment</button>',
    "cancel": '<button name="choice" value="cancel">Cancel and return</button>',
}
_SAVE: Final = (
    '<label><input type="checkbox" name="vault" value="yes" checked>'
    " Save PayPal for later payments</label>"
)


@dataclass(frozen=True)
class _Matter:
    """What the buyer is asked about; ``kind`` is ``order``, ``setup`` or ``subscription``."""

    kind: str
    document: Document


def routes(world: World) -> list[BaseRoute]:
    """Under ``/sandbox/paypal``."""

    async def page(request: Request) -> Response:
        try:
            matter = _matter(world, dict(request.query_params))
            if request.method == "GET":
                return HTMLResponse(_ask(matter))
            form = dict(parse_qsl((await request.body()).decode(errors="replace")))
            with world.lock:
                return _decide(world, matter, form)
        except PayPalError as error:
            return HTMLResponse(_say(f"That is not possible: {error.reason}"), error.status)

    return [Route("/approve", page, methods=["GET", "POST"])]


def _matter(world: World, query: dict[str, str]) -> _Matter:
    if "approval_session_id" in query:
        return _Matter("setup", setup_token_of(world, query["approval_session_id"]))
    if "ba_token" in query:
        return _Matter("subscription", subscription_of(world, query["ba_token"]))
    return _Matter("order", order_of(world, query.get("token", "")))


def _ask(matter: _Matter) -> str:
    document = matter.document
    buttons = ["approve", "cancel"]
    text = "<p>Save your PayPal account for later payments?</p>"
    if matter.kind == "subscription":
        text = f"<p>Subscribe to</p><strong>{escape(document['_plan_name'])}</strong>"
    if matter.kind == "order":
        buttons.insert(1, "decline")
        text = "".join(_unit(unit) for unit in document["purchase_units"])
        text += _SAVE if document["_wish"] else ""
    return _say("", f'<form method="post">{text}{"".join(_BUTTONS[b] for b in buttons)}</form>')


def _unit(unit: Document) -> str:
    description = unit.get("description") or unit.get("custom_id") or "Your purchase"
    return f"<p>{escape(description)}</p><strong>{money_of(unit['amount'])}</strong>"


def _decide(world: World, matter: _Matter, form: dict[str, str]) -> Response:
    choice = form.get("choice")
    if choice not in _BUTTONS:
        return HTMLResponse(_say("Choose one of the buttons."), 400)
    if choice == "cancel":
        return _walk_away(world, matter)
    if matter.kind == "order":
        outcome = "INSTRUMENT_DECLINED" if choice == "decline" else "COMPLETED"
        vault = form.get("vault") == "yes"
        order = approve_order(world, matter.document["id"], {}, vault=vault, outcome=outcome)
        back = {"token": order["id"], "PayerID": order["payer"]["payer_id"]}
        return _return(order["_return_url"], back, "approved")
    if matter.kind == "subscription":
        begun = approve(world, matter.document, {})
        back = {"subscription_id": begun["id"], "ba_token": begun["id"], "token": begun["id"]}
        return _return(begun["_return_url"], back, "approved")
    token = approve_setup_token(world, matter.document["id"], {})
    back = {"approval_token_id": token["id"], "approval_session_id": token["id"]}
    return _return(token["_return_url"], back, "approved")


def _walk_away(world: World, matter: _Matter) -> Response:
    if matter.kind == "order":
        cancel_order(world, matter.document["id"])
    back = {"token": matter.document["id"]}
    return _return(matter.document["_cancel_url"], back, "cancelled")


def _return(url: str | None, query: dict[str, str], what: str) -> Response:
    address = with_query(url, **query)
    if address is None:
        return HTMLResponse(_say(f"It is {what}. You can close this page."))
    return RedirectResponse(address, 303)


def _say(sentence: str, content: str = "") -> str:
    return _PAGE.format(content=f"<p>{escape(sentence)}</p>{content}" if sentence else content)
