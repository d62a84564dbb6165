"""The payment page that a checkout session's ``url`` leads to, for people."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_checkout import current
from webhooks.sandbox.stripe_customer_acts import complete
from webhooks.sandbox.stripe_errors import StripeError
from webhooks.sandbox.world import World

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Checkout – Billhook sandbox</title>
<style>
body{{font:16px/1.5 system-ui,sans-serif;background:#f4f5f7;color:#1a1f36;margin:0}}
main{{max-width:26rem;margin:4rem auto;background:#fff;border-radius:12px;padding:2rem;
box-shadow:0 1px 3px #0002}}
h1{{font-size:1rem;font-weight:600;margin:0}} .total{{font-size:2.2rem;margin:.5rem 0 1rem}}
button{{display:block;width:100%;font:inherit;padding:.7rem;margin:.5rem 0;border-radius:8px;
border:1px solid #c9ced6;background:#fff;cursor:pointer}}
button.first{{background:#1a1f36;color:#fff;border-color:#1a1f36}}
.told{{background:#fdecea;color:#8c1d18;border-radius:8px;padding:.6rem .8rem}}
li{{list-style:none}} ul{{padding:0}} small{{color:#697386}}
</style></head><body><main><h1>{title}</h1>{body}
<p><small>Billhook sandbox: no money moves here.</small></p></main></body></html>"""

_BUTTONS = (
    ("visa", "Pay with Visa", "Save this Visa"),
    ("mastercard", "Pay with Mastercard", "Save this Mastercard"),
    ("declined", "Declined card", "Declined card"),
    ("amex", "American Express", "American Express"),
    ("delayed", "Bank debit (the money comes later)", "Bank debit"),
)
_GIVE_UP = "give_up"


class CheckoutPage:
    """Shows a session and does what the button says."""

    def __init__(self, account: StripeAccount) -> None:
        self.account = account

    async def show(self, request: Request) -> Response:
        """GET: the page."""
        return await run_in_threadpool(self._show, request.path_params["id"])

    async def act(self, request: Request) -> Response:
        """POST: a button was pressed; goes on to the shop, or shows why not."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        choice = form.get("choice", [""])[0]
        return await run_in_threadpool(self._act, request.path_params["id"], choice)

    def _show(self, key: str, told: str = "", status: int = 200) -> Response:
        try:
            with self.account.world.lock:
                session = current(self.account, key)
        except StripeError as error:
            return _page("There is no such checkout", f"<p>{escape(str(error))}</p>", 404)
        return _page(_title(session), _body(session, told), status)

    def _act(self, key: str, choice: str) -> Response:
        try:
            with self.account.world.lock:
                session = current(self.account, key)
                if choice == _GIVE_UP:
                    return _leave(session, session["cancel_url"] or session["success_url"])
                complete(self.account, key, {"card": choice, "delayed": choice == "delayed"})
        except StripeError as error:
            return self._show(key, str(error), error.status)
        return _leave(session, session["success_url"])


def routes(world: World) -> list[BaseRoute]:
    """The page, below ``/sandbox``."""
    page = CheckoutPage(StripeAccount(world))
    return [
        Route("/checkout/{id}", page.show, methods=["GET"]),
        Route("/checkout/{id}", page.act, methods=["POST"]),
    ]


def _leave(session: Document, url: str) -> Response:
    return RedirectResponse(url.replace("{CHECKOUT_SESSION_ID}", session["id"]), 303)


def _page(title: str, body: str, status: int) -> Response:
    return HTMLResponse(_PAGE.format(title=escape(title), body=body), status)


def _title(session: Document) -> str:
    if session["mode"] == "setup":
        return "Save a payment method"
    return ", ".join(line["description"] for line in session["_lines"])


def _body(session: Document, told: str) -> str:
    if session["status"] != "open":
        return f"<p>This checkout is {escape(session['status'])}.</p>"
    saving = session["mode"] == "setup"
    message = f'<p class="told" role="alert">{escape(told)}</p>' if told else ""
    total = "" if saving else f'<p class="total">{escape(_money(session))}</p>'
    buttons = "".join(
        _button(choice, save if saving else pay, first=choice == "visa")
        for choice, pay, save in _BUTTONS
    )
    return f'{total}{message}<form method="post">{buttons}{_button(_GIVE_UP, "Give up")}</form>'


def _button(choice: str, text: str, *, first: bool = False) -> str:
    look = ' class="first"' if first else ""
    return f'<button name="choice" value="{choice}"{look}>{escape(text)}</button>'


def _money(session: Document) -> str:
    units, rest = divmod(session["amount_total"] or 0, 100)
    return f"{units:,}.{rest:02} {(session['currency'] or '').upper()}"
