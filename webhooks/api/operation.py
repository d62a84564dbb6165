"""One API call: what it takes, what it answers, who may make it, and how it is documented.

What a call takes stands in its handler's signature and nowhere else: parameters named ``path``,
``query``, ``headers`` and ``body``, each a struct. The same description serves the adapter that
answers (``resource.py``) and the published contract (``openapi.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, get_type_hints

from domain.audit import Decider
from webhooks.api.parts import Services
from webhooks.auth import Principal

INPUTS: Final = ("path", "query", "headers", "body")
JSON: Final = "application/json"
VIEWER: Final = "viewer"
"""The role that is shown no personal data."""


@dataclass(frozen=True)
class Call:
    """What every handler gets: the parts of the process, who is calling, and from where."""

    services: Services
    principal: Principal
    source: str | None = None
    """The caller's network address."""

    def decider(self, reason: str) -> Decider:
        """The caller as the audit log names it."""
        return Decider(actor=self.principal.actor, reason=reason, source=self.source)


@dataclass(frozen=True)
class Reply:
    """What a handler answers.

    A ``value`` of bytes is sent as it is, with its ``media_type``; anything else as JSON.
    ``again`` is set when waiting a moment may bring a fuller answer: it is called until it gives
    a reply without ``again``, or until patience is out. No thread or connection waits meanwhile.
    """

    value: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON
    again: Callable[[], Reply] | None = None


@dataclass(frozen=True)
class Answer:
    """A documented success: its struct, when it comes, and an example; ``bytes`` for a file, which
    comes in one of the ``media_types``."""

    type: Any
    description: str
    example: Any = None
    media_types: tuple[str, ...] = (JSON,)


@dataclass(frozen=True)
class Refusal:
    """A documented refusal: status, the problem's ``code``, and when it comes."""

    status: int
    code: str
    when: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path. ``path`` is a template such as ``/api/accounts/{ref}``.

    ``handler(call, …)`` is synchronous, runs in a thread and returns a ``Reply``; it may raise
    ``Refused``.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    roles: frozenset[str]
    handler: Callable[..., Reply]
    answers: Mapping[int, Answer]
    refusals: tuple[Refusal, ...] = ()
    example: Any = None
    """An example of the body."""

    @cached_property
    def inputs(self) -> dict[str, type[Any]]:
        """The structs that the handler takes, by where they come from."""
        hints = get_type_hints(self.handler)
        return {name: hints[name] for name in INPUTS if name in hints}
