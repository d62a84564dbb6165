"""What every provider promises to the rest of Billhook, asked of each that is registered.

Acme, which exists only in the tests, takes part like the built-in ones.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import clock
from domain.errors import Misconfigured
from domain.ports import Gateway
from tests.contract.participants import (
    EXTRA,
    PARTICIPANTS,
    ROOT,
    SPECS,
    besides,
    delivery_of,
    every,
    own_settings,
    provider_of,
    quick,
    settings_of,
)
from webhooks.providers import registry
from webhooks.providers.provider import Delivery
from webhooks.sandbox.world import World

NAMES = sorted(SPECS)
LIBRARIES = ("stripe", "paypalcheckoutsdk", "paypalhttp", "dramatiq", "starlette")
LONGEST = 255


def test_every_registered_provider_takes_part() -> None:
    assert set(PARTICIPANTS) == set(SPECS)
    assert len(SPECS) >= 3


@every
def test_the_spec_is_complete_and_its_parts_can_be_loaded(name: str) -> None:
    spec = SPECS[name]
    assert spec.name == name == name.lower()
    assert spec.title
    assert spec.prefix.endswith("_")
    assert spec.prefix == spec.prefix.upper()
    assert spec.methods
    assert len(spec.event_types) == len(set(spec.event_types)) > 0
    for path in (spec.configure, spec.verifier, spec.translator, spec.gateway):
        module, _, attribute = path.partition(":")
        assert callable(getattr(import_module(module), attribute))


def test_no_two_providers_share_a_name_a_prefix_or_a_way_to_pay() -> None:
    for field in ("name", "prefix"):
        values = [getattr(spec, field) for spec in SPECS.values()]
        assert len(values) == len(set(values))
    methods = [method for spec in SPECS.values() for method in spec.methods]
    assert len(methods) == len(set(methods))


@every
@pytest.mark.parametrize("blank", [False, True])
def test_without_settings_or_with_blank_ones_it_is_off(name: str, blank: bool) -> None:
    environ = dict(EXTRA)
    if blank:
        environ.update(dict.fromkeys(PARTICIPANTS[name].needed, " "))
    assert registry(environ).get(name) is None


@every
def test_each_setting_that_is_missing_is_named(name: str, world: World) -> None:
    given_ = own_settings(SPECS[name], world)
    for missing in PARTICIPANTS[name].needed:
        rest = {key: value for key, value in given_.items() if key != missing}
        with pytest.raises(Misconfigured, match=missing) as caught:
            registry({**EXTRA, **rest}, world.base_url)
        assert not any(value in str(caught.value) for value in secrets_of(name, world))


def secrets_of(name: str, world: World) -> list[str]:
    """The values of the settings that are secret."""
    given_ = own_settings(SPECS[name], world)
    return [
        given_[key] for key in PARTICIPANTS[name].needed if key not in PARTICIPANTS[name].public
    ]


@every
def test_it_says_what_is_secret_and_shows_none_of_it(name: str, world: World) -> None:
    configuration = provider_of(name, world).configuration
    assert set(secrets_of(name, world)) <= set(configuration.secrets())
    assert isinstance(configuration.livemode, bool)
    for secret in configuration.secrets():
        assert secret not in repr(configuration)
        assert secret not in str(configuration)


@every
def test_an_authentic_delivery_is_told_from_a_changed_one(name: str, world: World) -> None:
    verifier = provider_of(name, world).verifier
    body = msgspec.json.encode(PARTICIPANTS[name].wrap("some.type", {"id": "x"}))
    delivery = delivery_of(name, world, body)
    verdict = verifier.verify(delivery)
    assert verdict.status == "authentic"
    assert verdict.signer
    assert not any(secret in verdict.signer for secret in secrets_of(name, world))
    for changed in (body + b" ", body[:-1], b""):
        forged = Delivery(headers=delivery.headers, body=changed, received_at=clock.now())
        assert verifier.verify(forged).status == "forged"
    for header in PARTICIPANTS[name].sign(world, body):
        rest = {key: value for key, value in delivery.headers.items() if key != header}
        stripped = Delivery(headers=rest, body=body, received_at=clock.now())
        # Not every header that a provider sends is part of its signature.
        assert verifier.verify(stripped).status == ("forged" if _counts(header) else "authentic")
    late = msgspec.structs.replace(delivery, received_at=clock.now() + timedelta(days=5))
    assert verifier.verify(late).status == "forged"


def _counts(header: str) -> bool:
    return header != "paypal-auth-version"


@every
def test_a_verifier_is_shared_by_threads(name: str, world: World) -> None:
    verifier = provider_of(name, world).verifier
    bodies = [msgspec.json.encode({"id": f"e{n}", "type": "x"}) for n in range(64)]
    deliveries = [delivery_of(name, world, body) for body in bodies]
    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(verifier.verify, deliveries))
    assert {verdict.status for verdict in verdicts} == {"authentic"}


latin = st.text(st.characters(max_codepoint=255), max_size=80)


@every
@quick
@given(data=st.data())
def test_a_verifier_never_raises_and_never_believes_rubbish(
    name: str, world: World, data: st.DataObject
) -> None:
    verifier = provider_of(name, world).verifier
    body = data.draw(st.binary(max_size=200))
    real = dict(PARTICIPANTS[name].sign(world, body))
    spoilt = data.draw(st.sampled_from(sorted(real)))
    rubbish = data.draw(latin | st.just("") | st.text(alphabet="0123456789.,=tv", max_size=40))
    kept = data.draw(st.sets(st.sampled_from(sorted(real))))
    headers = {key: value for key, value in real.items() if key in kept}
    headers[spoilt] = rubbish
    delivery = Delivery(headers=headers, body=body, received_at=clock.now())
    verdict = verifier.verify(delivery)
    assert isinstance(verifier.needs_network(delivery), bool)
    if _counts(spoilt):
        assert verdict.status == "forged"
        assert verdict.reason
    assert not any(secret in verdict.reason for secret in secrets_of(name, world))


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
json = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@besides
@quick
@given(
    body=st.binary(max_size=100)
    | json.map(msgspec.json.encode)
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("id", "type", "event_type", "at", "created"), plain)
    ).map(msgspec.json.encode)
)
def test_identify_never_raises_and_gives_what_a_database_can_hold(
    name: str, world: World, body: bytes
) -> None:
    verifier = provider_of(name, world).verifier
    identity = verifier.identify(body)
    assert identity == verifier.identify(body)
    for text in (identity.event_id, identity.event_type):
        assert 0 < len(text) <= LONGEST
        assert text.isprintable()
    assert identity.created_at is None or identity.created_at.tzinfo is not None
    assert identity.livemode in {True, False, None}
    assert identity.malformed == identity.event_id.startswith("malformed-")


@every
def test_the_gateway_has_every_call_of_the_port(name: str, world: World) -> None:
    gateway = provider_of(name, world).gateway
    for call, declared in inspect.getmembers(Gateway, inspect.isfunction):
        if call.startswith("_"):
            continue
        wanted = [*inspect.signature(declared).parameters][1:]
        assert [*inspect.signature(getattr(gateway, call)).parameters] == wanted, call


def test_the_light_parts_of_all_providers_load_no_library(world: World) -> None:
    code = (
        "import sys\n"
        "import webhooks.app\n"
        "web = set(sys.modules)\n"
        "from webhooks.providers import registry\n"
        f"for provider in registry({settings_of(world)!r}, {world.base_url!r}):\n"
        "    provider.verifier, provider.translator\n"
        f"loaded = [name for name in {LIBRARIES!r} if name in sys.modules and name not in web]\n"
        "heavy = [name for name in ('stripe', 'paypalcheckoutsdk', 'dramatiq') if name in web]\n"
        "print(loaded + heavy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
