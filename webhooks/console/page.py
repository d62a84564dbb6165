"""What a page of the console is made of: the visit, the view, the question, and what was done.

``webhooks/console/__init__.py`` says how they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, get_type_hints
from urllib.parse import parse_qsl, urlencode

from domain.audit import Decider
from domain.database import Database
from webhooks.api.parts import Services
from webhooks.console.speech import Speech

ROOT: Final = "/console"
VIEWER: Final = frozenset({"viewer", "operator"})
OPERATOR: Final = frozenset({"operator"})
HIDDEN: Final = "•••••"
"""What a viewer sees in the place of personal data."""


@dataclass(frozen=True)
class Visitor:
    """The operator who is signed in, and the session it happens in."""

    id: int
    name: str
    role: str
    theme: str
    session_id: int
    form_token: str


@dataclass(frozen=True)
class Visit:
    """One request for a page: who asks, from where, in which language."""

    services: Services
    speech: Speech
    path: str
    query_string: str = ""
    visitor: Visitor | None = None
    source: str | None = None
    agent: str = ""
    is_secure: bool = False

    @property
    def database(self) -> Database:
        """Where everything is read; a page opens its own ``transaction()``."""
        return self.services.database

    @property
    def operator(self) -> Visitor:
        """Who is signed in; every page but the one for signing in has somebody."""
        if self.visitor is None:
            raise RuntimeError("this page needs somebody who is signed in")
        return self.visitor

    @property
    def may_act(self) -> bool:
        """Whether the visitor may change something and see personal data."""
        return self.visitor is not None and self.visitor.role in OPERATOR

    def decider(self, reason: str = "") -> Decider:
        """The visitor as the audit log names who decides."""
        who = self.operator
        return Decider(actor=f"{who.role}:{who.name}", reason=reason, source=self.source)

    def say(self, text: str, **values: Any) -> str:
        """A text in the visitor's language; the English text is its key."""
        return self.speech.say(text, **values)

    def plural(self, one: str, many: str, count: int, **values: Any) -> str:
        """A text that depends on a number; ``{count}`` stands for it."""
        return self.speech.plural(one, many, count, **values)

    def personal(self, value: str | None) -> str | None:
        """Personal data: as it is for an operator, hidden from a viewer."""
        return value if self.may_act or not value else HIDDEN

    def provider(self, name: str) -> str:
        """What people call the provider of that name; one that is switched off keeps its name."""
        known = self.services.providers
        return known[name].spec.title if name in known else name

    def here(self, **changes: Any) -> str:
        """The address of this page with some parameters of its query changed; None drops one."""
        values: dict[str, Any] = {**dict(parse_qsl(self.query_string)), **changes}
        kept = {name: value for name, value in values.items() if value not in {None, ""}}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path


@dataclass(frozen=True)
class View:
    """What a page shows: a template with its values.

    ``title`` is in the visitor's language already.
    """

    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    styles: tuple[str, ...] = ()
    """Further style sheets of ``static/``."""
    scripts: tuple[str, ...] = ()
    """Further scripts of ``static/``."""


@dataclass(frozen=True)
class Done:
    """What an action did: where to go on, and what to say there.

    ``said`` is in the visitor's language already. ``cookie`` is a whole ``Set-Cookie``.
    """

    to: str
    said: str = ""
    cookie: str | None = None


@dataclass(frozen=True)
class Field:
    """One field of a form or a filter. ``label`` and ``hint`` are in the visitor's language.

    ``kind``: ``text``, ``search``, ``number``, ``date``, ``password``, ``area``, ``choice``,
    ``check`` or ``hidden``. ``choices`` are pairs of value and label.
    """

    name: str
    label: str
    kind: str = "text"
    value: Any = None
    choices: Sequence[tuple[str, str]] = ()
    hint: str = ""
    required: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """A question before an action: in a dialog where scripts run, on a page of its own elsewhere.

    ``action`` is the address of the action. The reason for the audit log is asked for unless
    ``reason`` is False; the action's form then has no field ``reason``. ``reason_hint`` stands
    below it, in the place of the usual hint. A question that needs more than a sentence brings its
    own ``page``, whose template is given ``ask``, ``entered`` and ``wrong``; link to it, since it
    does not fit in a dialog.
    """

    action: str
    title: str
    button: str
    text: str = ""
    danger: bool = False
    reason: bool = True
    reason_hint: str = ""
    fields: Sequence[Field] = ()
    page: View | None = None


@dataclass(frozen=True)
class Page:
    """A page below ``/console``: ``show(visit, path, query) -> View``; ``path`` and ``query`` are
    structs and may be left out. ``is_open`` pages need nobody signed in."""

    path: str
    show: Callable[..., View | Done]
    roles: frozenset[str] = VIEWER
    is_open: bool = False

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The structs that ``show`` takes, by where they come from."""
        return _inputs(self.show)


@dataclass(frozen=True)
class Action:
    """Something that a POST does: ``act(visit, path, form) -> Done``.

    ``ask(visit, path) -> Ask`` is the question before it; a GET of the same address shows it, and
    so does a POST that was refused. Without it, a refusal is a page of its own. ``is_slow`` ones
    (they hash passwords) have threads of their own.
    """

    path: str
    act: Callable[..., Done | View]
    ask: Callable[..., Ask] | None = None
    roles: frozenset[str] = OPERATOR
    is_open: bool = False
    is_slow: bool = False

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The structs that ``act`` takes, by where they come from."""
        return _inputs(self.act)


@dataclass(frozen=True)
class Section:
    """An entry of the navigation: an address below ``/console`` and its English name."""

    path: str
    name: str


def _inputs(function: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(function)
    return {name: hints[name] for name in ("path", "query", "form") if name in hints}
