"""Who is told of alerts: a signed webhook and Apprise URLs, each for itself.

A sink that does not answer is left in peace for a while, so that the threads which charge and mail
lose one short wait to it and not one for every message.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from importlib.util import find_spec
from time import monotonic
from typing import Any, Final

import msgspec
import urllib3

from domain.alert_messages import Message
from domain.errors import Misconfigured, Permanent, Transient
from domain.settings import Settings
from workers import standard_webhooks

WEBHOOK: Final = "webhook"
SECONDS: Final = 5.0
"""How long one message may take, whatever the sink does."""
REST_S: Final = 30.0
"""How long a sink that failed is left in peace."""
TIMEOUT: Final = urllib3.Timeout(connect=2, read=2.5)
TYPES: Final = {"critical": "failure", "warning": "warning", "notice": "info"}
"""How Apprise shows a severity."""
MISSING: Final = (
    "ALERT_URLS is set and the package apprise, which sends there, is not installed: "
    'pip install "billhook[alerts]", or unset ALERT_URLS'
)


class Rest:
    """Which sinks failed a moment ago. Safe to share between threads."""

    def __init__(self, seconds: float = REST_S) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def is_over(self, sink: str) -> bool:
        """Whether the sink may be tried."""
        return monotonic() >= self._until.get(sink, 0.0)

    def begin(self, sink: str) -> None:
        """Leave the sink in peace from now on."""
        self._until[sink] = monotonic() + self._seconds


resting = Rest()


def names(settings: Settings) -> tuple[str, ...]:
    """The sinks that are configured, by names that hold no secret."""
    webhook = (WEBHOOK,) if settings.alert_webhook_url else ()
    return (*webhook, *(_name(url) for url in settings.alert_urls))


def require(settings: Settings) -> None:
    """Raise ``Misconfigured`` when what is configured could not be told."""
    if settings.alert_urls and find_spec("apprise") is None:
        raise Misconfigured(MISSING)
    for url in settings.alert_urls:
        if "://" not in url:
            raise Misconfigured("ALERT_URLS: each must be an Apprise URL like slack://…")
    try:
        standard_webhooks.signature(settings.alert_webhook_secret or "", "", 0, b"")
    except ValueError as error:
        raise Misconfigured(
            "BILLHOOK_ALERT_WEBHOOK_SECRET begins with whsec_ and then is not base64"
        ) from error


def send(settings: Settings, sink: str, message: Message, key: str) -> None:
    """Tell a sink; ``key`` is the same for every try of the same message.

    Raises ``Transient`` when it could not be told now, ``Permanent`` when it does not want to be.
    """
    if not resting.is_over(sink):
        raise Transient(f"{sink} failed a moment ago and is left in peace")
    try:
        _within(SECONDS, lambda: _send(settings, sink, message, key), sink)
    except Transient:
        resting.begin(sink)
        raise


def _send(settings: Settings, sink: str, message: Message, key: str) -> None:
    if sink == WEBHOOK:
        _post(settings, message, key)
        return
    url = next(url for url in settings.alert_urls if _name(url) == sink)
    _notify(sink, url, message)


def _post(settings: Settings, message: Message, key: str) -> None:
    url, secret = settings.alert_webhook_url, settings.alert_webhook_secret
    if url is None or secret is None:
        raise Permanent("BILLHOOK_ALERT_WEBHOOK_URL is not set")
    at = message.until or message.since
    document = {"type": f"alert.{message.change}", "timestamp": at, "data": message}
    body = msgspec.json.encode(document)
    standard_webhooks.post("the webhook for alerts", url, secret, key, body, TIMEOUT)


def _notify(sink: str, url: str, message: Message) -> None:
    target = _apprise().Apprise()
    if not target.add(url):
        raise Permanent(f"ALERT_URLS: Apprise cannot use the URL of {sink}")
    kind = "success" if message.change == "resolved" else TYPES[message.severity]
    if not target.notify(title=message.headline, body=message.text, notify_type=kind):
        raise Transient(f"{sink} could not be told; Apprise does not say why")


def _apprise() -> Any:
    """The library, loaded when it is first needed: that takes seconds."""
    try:
        import apprise
    except ImportError as error:
        raise Transient(MISSING) from error
    # What it logs may hold the secrets in its URLs.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return apprise


def _within(seconds: float, work: Any, sink: str) -> None:
    """Do it in a thread that is left behind when the time is over: no socket of a library that we
    did not write can be trusted to have a time-out."""
    failures: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = threading.Thread(target=run, name=f"sink {sink}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Transient(f"{sink} did not take the message within {seconds:g} s")
    for failure in failures:
        raise failure


def _name(url: str) -> str:
    scheme = url.partition("://")[0][:20]
    return f"{scheme}:{hashlib.sha256(url.encode()).hexdigest()[:8]}"
