"""The registry of payment providers: found by dotted path, switched on by their settings.

``BILLHOOK_PROVIDERS`` names further ones as ``package`` or ``package,package``; each package has a
module attribute ``PROVIDER`` (see ``provider.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from domain.comparison import Look
from domain.errors import Misconfigured
from webhooks.providers.provider import Gateway, ProviderSpec, Translator, Verifier

BUILT_IN = ("webhooks.providers.stripe", "webhooks.providers.paypal")


class Provider:
    """A provider that is switched on: its spec, its settings, and its parts made on demand."""

    def __init__(self, spec: ProviderSpec, configuration: Any) -> None:
        self.spec = spec
        self.name = spec.name
        self.configuration = configuration

    @cached_property
    def verifier(self) -> Verifier:
        """Judges deliveries (light)."""
        return _load(self.spec.verifier)(self.configuration)  # type: ignore[no-any-return]

    @cached_property
    def translator(self) -> Translator:
        """Turns events into facts (pure)."""
        return _load(self.spec.translator)(self.configuration)  # type: ignore[no-any-return]

    @cached_property
    def gateway(self) -> Gateway:
        """Calls the provider; loads its SDK. For workers only."""
        return _load(self.spec.gateway)(self.configuration)  # type: ignore[no-any-return]

    @cached_property
    def sightings(self) -> Mapping[str, Look]:
        """How its money is looked up, to be compared with ours; empty where it cannot be."""
        return _load(self.spec.sightings) if self.spec.sightings else {}


class Registry:
    """The providers that are switched on, by name."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = dict(providers)

    def __iter__(self) -> Any:
        return iter(self._providers.values())

    def __contains__(self, name: object) -> bool:
        return name in self._providers

    def __len__(self) -> int:
        return len(self._providers)

    def get(self, name: str) -> Provider | None:
        """The provider of that name, or None when it is off."""
        return self._providers.get(name)

    def __getitem__(self, name: str) -> Provider:
        return self._providers[name]

    def for_method(self, method: str) -> Provider | None:
        """The provider that serves a way to pay (``card``, …), or None."""
        return next((p for p in self if method in p.spec.methods), None)


def specs(environ: Mapping[str, str]) -> list[ProviderSpec]:
    """Every known provider, on or off. Raises ``Misconfigured`` for a package without one."""
    extra = [name.strip() for name in environ.get("BILLHOOK_PROVIDERS", "").split(",")]
    return [_spec(package) for package in (*BUILT_IN, *filter(None, extra))]


def registry(environ: Mapping[str, str], sandbox: str | None = None) -> Registry:
    """Switch on every provider that has settings.

    Raises ``Misconfigured`` naming the variable when a provider's settings are incomplete.
    """
    known = specs(environ)
    configured = ((spec, _load(spec.configure)(environ, sandbox)) for spec in known)
    return Registry({s.name: Provider(s, c) for s, c in configured if c is not None})


def _spec(package: str) -> ProviderSpec:
    try:
        spec = import_module(package).PROVIDER
    except (ImportError, AttributeError) as error:
        raise Misconfigured(
            f"BILLHOOK_PROVIDERS names {package!r}, which is no provider package: {error}"
        ) from error
    if not isinstance(spec, ProviderSpec):
        raise Misconfigured(f"{package}.PROVIDER is not a ProviderSpec")
    return spec


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
