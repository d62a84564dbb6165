"""``python -m tests.fuzz.guided``: coverage-guided fuzzing of what reads strange bytes.

The bytes are a body; the first two choose the provider and the event's type. Asked is: is it
authentic, what is it, what does it say. Nothing but ``Permanent`` may come out. Atheris is no
dependency of the project (it has no wheel for every Python): install it beside, or this says that
it is missing.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

AT: Final = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PROVIDERS: Final = ("stripe", "paypal")


def main() -> int:
    """Fuzz until libFuzzer's limits (``-max_total_time=600`` …) are reached."""
    try:
        import atheris
    except ImportError:
        sys.stderr.write("atheris is not installed: pip install atheris, then try again\n")
        return 1
    # Only what reads a provider's bytes: to instrument every library would take minutes.
    with atheris.instrument_imports(include=["webhooks.providers"]):
        from webhooks.providers import registry
    from tests.contract.participants import settings_of
    from tests.webhooks.edge import playing
    from webhooks.sandbox.authority import Authority

    with playing(Authority.make()) as world:
        with atheris.instrument_imports(include=["webhooks.providers"]):
            known = registry(settings_of(world), world.base_url)
            providers = [
                (known[name].spec, known[name].verifier, known[name].translator)
                for name in PROVIDERS
            ]
        atheris.Setup(sys.argv, lambda data: ask(providers, data))
        atheris.Fuzz()
    return 0


def ask(providers: list[Any], data: bytes) -> None:
    """One input."""
    from domain.errors import Permanent
    from webhooks.providers.provider import Delivery, Envelope

    if len(data) < 2:
        return
    spec, verifier, translator = providers[data[0] % len(providers)]
    kind, body = spec.event_types[data[1] % len(spec.event_types)], data[2:]
    headers = {"stripe-signature": body[:200].decode("latin-1")}
    verifier.verify(Delivery(headers=headers, body=body, received_at=AT))
    verifier.identify(body)
    envelope = Envelope(
        event_id="e", event_type=kind, body=_wrapped(spec.name, kind, body), received_at=AT
    )
    try:
        translator(envelope, {})
    except Permanent:
        return


def _wrapped(name: str, kind: str, body: bytes) -> bytes:
    """The body as the object of an event, where it is JSON."""
    from tests.contract.participants import PARTICIPANTS

    try:
        return msgspec.json.encode(PARTICIPANTS[name].wrap(kind, msgspec.json.decode(body)))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body


if __name__ == "__main__":
    raise SystemExit(main())
