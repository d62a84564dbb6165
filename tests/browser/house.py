"""A running ``billhook up`` with its story told, and an operator's hands in a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, BrowserContext, Page

from tests.mails.screenshots import browser

START_S: Final = 200
ARGUMENTS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
"""Chromium asks nobody outside: what is tested is on this machine."""
Scheme = Literal["light", "dark"]
READ_FAILS: Final = ("api-refuses", "--provider", "paypal", "--method", "GET")
"""PayPal's API refuses whoever asks what an object is: events about money are parked."""


class House:
    """Where everything is served, and what it was told to print."""

    def __init__(self, directory: Path, told: str) -> None:
        self.directory = directory
        self.base = _found(r"Billhook serves (\S+)", told)
        self.sandbox = _found(r"The sandbox is at (\S+)", told)
        self.app_token = _found(r"role app: (\S+)", told)
        self.password = _found(r"Sign in as demo, password\s+(\S+)", told)

    def break_reading(self) -> None:
        """From now on PayPal cannot be asked about objects."""
        self.command("sandbox", "fault", "set", *READ_FAILS, "--sandbox", self.sandbox)

    def repair(self) -> None:
        """End every fault."""
        self.command("sandbox", "fault", "clear", "--sandbox", self.sandbox)

    def register(self, ref: str) -> None:
        """The app makes an account."""
        billing = {"name": "Demo Ltd", "street": "Main Street 1", "city": "Vienna"}
        account = {
            "email": f"{ref}@customers.example",
            "currency": "EUR",
            "billing": {**billing, "postal_code": "1010", "country": "AT"},
        }
        self._app("PUT", f"/api/accounts/{ref}", account)

    def buy_by_wallet(self, ref: str) -> None:
        """An account orders, and its customer approves at PayPal."""
        self.register(ref)
        wish = {"plan": "standard", "interval": "month", "agents": 3, "conversations": 100}
        urls = {"return_url": "https://app.example/yes", "cancel_url": "https://app.example/no"}
        order = {**wish, **urls, "method": "paypal"}
        url = self._app("POST", f"/api/accounts/{ref}/orders", order)["checkout_url"]
        token = url.partition("token=")[2]
        _call("POST", f"{self.sandbox}/sandbox/paypal/orders/{token}/approve", {"vault": True})

    def add_operator(self, name: str, role: str) -> str:
        """Let somebody else in; returns the password."""
        password = "a sentence of four words"
        self.command("operator", "add", name, "--role", role, "--password-stdin", typed=password)
        return password

    def command(self, *words: str, typed: str = "") -> None:
        """Run a command of ``billhook`` in another terminal, as it were."""
        subprocess.run(
            [sys.executable, "-m", "workers.cli", *words],
            input=typed.encode(),
            env=_environ(self.directory),
            cwd=self.directory,
            check=True,
        )

    def status(self, ref: str) -> Any:
        """The account as the app is told."""
        return self._app("GET", f"/api/accounts/{ref}")

    def _app(self, method: str, path: str, body: Any = None) -> Any:
        return _call(method, self.base + path, body, Authorization=f"Bearer {self.app_token}")


@contextmanager
def house_in(directory: Path) -> Iterator[House]:
    """Start ``billhook up`` in that directory, with free ports, and end it."""
    log = directory / "up.log"
    command = [sys.executable, "-m", "workers.cli", "up", "--sandbox-port", "0"]
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=_environ(directory),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield House(directory, _told(process, log))
    finally:
        process.terminate()
        process.wait(timeout=30)


def opened(
    chromium: Browser, house: House, scheme: Scheme = "light", width: int = 1280, **more: Any
) -> BrowserContext:
    """A browser's window of its own, in which nobody is signed in."""
    context = chromium.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        base_url=house.base,
        **{"locale": "en-GB", **more},
    )
    context.set_default_timeout(20_000)
    return context


def sign_in(page: Page, house: House, name: str = "demo", password: str | None = None) -> None:
    """Sign in, and be where one wanted to go."""
    page.goto("/console")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password or house.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("header.bar")


def launch(driver: Any) -> Browser:
    """A running Chromium."""
    started: Browser = driver.chromium.launch(executable_path=browser(), args=list(ARGUMENTS))
    return started


def wait_until(condition: Any, seconds: float = 40.0) -> None:
    """Wait for something outside the browser. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(0.2)


def _environ(directory: Path) -> dict[str, str]:
    """Nothing of this machine's own settings, and ports that are free."""
    ours = ("BILLHOOK_", "STRIPE_", "PAYPAL_", "DATABASE_", "REDIS_", "SMTP_", "ALERT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    state = str(directory / "var")
    root = str(Path(__file__).parents[2])
    return {**kept, "PORT": "0", "BILLHOOK_STATE_DIR": state, "COLUMNS": "200", "PYTHONPATH": root}


def _told(process: subprocess.Popen[bytes], log: Path) -> str:
    """What it printed until it was ready."""
    end = time.monotonic() + START_S
    while "Ctrl-C" not in (told := log.read_text()):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"billhook up did not start:\n{told[-2_000:]}")
        time.sleep(0.2)
    return told


def _found(pattern: str, told: str) -> str:
    match = re.search(pattern, told)
    if match is None:
        raise RuntimeError(f"billhook up did not print {pattern!r}:\n{told[-2_000:]}")
    return match[1]


def _call(method: str, url: str, body: Any = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, data, sent, method=method)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {url}: {error.code} {error.read()[:500]!r}") from error
    return json.loads(text) if text else None
