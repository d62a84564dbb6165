"""Reads out of the code every note that it can store with an event, an effect or a replay.

What is given to an error of ours, to an attribute ``note`` or to ``ignored`` is a note; and where a
function hands on what it was given itself, what its callers give it. Values in a text become places
named after them: ``f"order {order.id} is lost"`` is ``order {id} is lost``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from tests.architecture.tree import PRODUCT, FunctionNode, Module, dotted, modules
from tests.console.expressions import (
    assigned,
    choices,
    is_name,
    kept,
    local,
    outside,
    owner,
    parameter,
    template,
    within,
    wording,
)

ERRORS = frozenset(
    {
        *("NotYet", "Transient", "Permanent", "Unknown", "Overtaken"),
        # What these say is a part of what the others do.
        *("Refusal", "Untrusted", "Unavailable", "_Refused"),
    }
)
"""Errors whose message becomes the note of what failed or was left out."""
NAMED = {"Translation": "ignored", "Verdict": "reason", "_told": "note"}
"""What is made with a note, and the argument that holds it."""
KEPT = frozenset({"note", "ignored"})
"""Attributes that hold a note."""
TELLING = frozenset({"_of_event", "_of_effect", "facts_of"})
"""Functions that return a note behind something else."""
HANDED_ON = frozenset(
    {"by", "effect", "error", "event", "failure", "job", "said", "self", "verdict", "view"}
)
"""Whose attributes, or whose words, are notes that were told elsewhere."""
ELSEWHERE = ("domain/papers/samples", "domain/revisions", "webhooks/console", "webhooks/sandbox")
"""Where a note is what a customer has printed on an invoice, or nobody stores what is told."""
DEEPEST = 8


@dataclass(frozen=True)
class Place:
    """A parameter that is a note, or (``is_part``) a part of one."""

    number: int
    name: str
    is_part: bool


@dataclass
class Notes:
    """What was found: every text and where it stands, and what could not be read."""

    texts: dict[str, str] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)


@cache
def notes() -> Notes:
    """Everything that the code can store as a note."""
    found, known = Notes(), None
    # Who hands on what to whom is known only when all was read.
    while found.places != known:
        known = dict(found.places)
        for reading in readings():
            reading.find(found)
    return found


@cache
def readings() -> tuple[Reading, ...]:
    """The modules that are read, each once."""
    return tuple(
        Reading(module) for module in modules(*PRODUCT) if not str(module).startswith(ELSEWHERE)
    )


class Reading:
    """One module, read for notes."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.name = str(module).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self.imported = {name.rpartition(".")[2]: name for _, name in module.imports()}
        self.functions = {each.node.name: each.node for each in module.functions()}
        self.wording = {each for node in module.nodes for each in wording(node, ERRORS)}
        self.constants = dict(filter(None, map(assigned, module.tree.body)))
        self.nodes = list(within(module.tree, None))

    def find(self, found: Notes) -> None:
        """Add what this module tells."""
        for function, node in self.nodes:
            for given, is_part in self.given(node, function, found):
                self.read(given, function, found, is_part=is_part)

    def given(
        self, node: ast.AST, function: FunctionNode | None, found: Notes
    ) -> Iterator[tuple[ast.expr, bool]]:
        """The expressions in a node that are notes, and whether they are parts of one only."""
        if isinstance(node, ast.Call):
            yield from self.arguments(node, function, found)
        elif isinstance(node, ast.Assign):
            yield from ((each, False) for each in kept(node, KEPT))
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            told = node.value.elts[-1:] if function and function.name in TELLING else []
            yield from ((each, False) for each in told)

    def arguments(
        self, call: ast.Call, function: FunctionNode | None, found: Notes
    ) -> Iterator[tuple[ast.expr, bool]]:
        name = dotted(call.func)
        last = name.rpartition(".")[2]
        yield from ((each.value, False) for each in call.keywords if each.arg == NAMED.get(last, 0))
        if self.is_error(name, function):
            yield from ((each, False) for each in call.args[:1])
        elif name == ".__init__" and function in self.wording:
            yield call.args[0], False
        place = found.places.get((self.home(name), last))
        if place is not None:
            yield from ((each, place.is_part) for each in call.args[place.number :][:1])
            yield from ((e.value, place.is_part) for e in call.keywords if e.arg == place.name)

    def is_error(self, name: str, function: FunctionNode | None) -> bool:
        """Whether that is the name of an error, also of one that was chosen a line before."""
        if name.rpartition(".")[2] in ERRORS:
            return True
        return any(
            isinstance(value, ast.IfExp) and dotted(value.body) in ERRORS
            for value in local(name, function)
        )

    def home(self, name: str) -> str:
        """The module that a function which is called belongs to."""
        first, _, rest = name.partition(".")
        if not rest:
            return self.imported[first].rpartition(".")[0] if first in self.imported else self.name
        return self.imported.get(first, "")

    def read(
        self,
        node: ast.expr,
        function: FunctionNode | None,
        found: Notes,
        *,
        is_part: bool = False,
        depth: int = 0,
    ) -> None:
        """Add the texts that an expression may be."""
        if isinstance(node, ast.Name) and (number := parameter(node.id, function)) is not None:
            self.hand_on(node.id, number, function, found, is_part=is_part)
        elif isinstance(node, ast.JoinedStr):
            self.keep(template(node), node, found, is_part=is_part)
            self.read_parts(node, function, found)
        elif isinstance(node, ast.Constant):
            self.keep(node.value, node, found, is_part=is_part)
        elif (behind := self.behind(node, function)) is not None and depth < DEEPEST:
            for value, there in behind:
                self.read(value, there, found, is_part=is_part, depth=depth + 1)
        elif not is_part and owner(node) not in HANDED_ON:
            found.unread.add(f"{self.module}: {ast.unparse(node)}")

    def keep(self, text: object, node: ast.expr, found: Notes, *, is_part: bool) -> None:
        says = isinstance(text, str) and any(map(str.isalpha, outside(text)))
        if isinstance(text, str) and says and (" " in text or not is_part):
            found.texts.setdefault(text, f"{self.module}:{node.lineno}")

    def read_parts(self, node: ast.JoinedStr, function: FunctionNode | None, found: Notes) -> None:
        """What stands in a text may be a sentence of its own."""
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                for one in choices(each.value):
                    self.read(one, function, found, is_part=True)

    def hand_on(
        self, name: str, number: int, function: FunctionNode | None, found: Notes, *, is_part: bool
    ) -> None:
        if function is not None:
            key = (self.name, function.name)
            if key not in found.places or (found.places[key].is_part and not is_part):
                found.places[key] = Place(number, name, is_part)

    def behind(
        self, node: ast.expr, function: FunctionNode | None
    ) -> list[tuple[ast.expr, FunctionNode | None]] | None:
        """The expressions that one stands for; None when that cannot be told."""
        if isinstance(node, ast.BoolOp):
            return [(each, function) for each in node.values]
        if isinstance(node, ast.IfExp):
            return [(node.body, function), (node.orelse, function)]
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return [(node.value, function)]
        if isinstance(node, ast.Name):
            return self.behind_name(node.id, function)
        return self.behind_call(node, function) if isinstance(node, ast.Call) else None

    def behind_name(
        self, name: str, function: FunctionNode | None
    ) -> list[tuple[ast.expr, FunctionNode | None]] | None:
        if found := local(name, function):
            return [(each, function) for each in found]
        if name in self.constants:
            return [(self.constants[name], None)]
        return None

    def behind_call(
        self, call: ast.Call, function: FunctionNode | None
    ) -> list[tuple[ast.expr, FunctionNode | None]] | None:
        name = dotted(call.func)
        if name == "str":
            # The words of an error, which tells of them itself.
            return []
        if isinstance(call.func, ast.Attribute) and call.func.attr == "strip":
            return [(call.func.value, function)]
        if name in self.functions:
            there = self.functions[name]
            nodes = ast.walk(there)
            told = (each.value for each in nodes if isinstance(each, ast.Return))
            return [(each, there) for each in told if each is not None]
        tables = self.tables(function)
        return [*tables, (call.args[-1], function)] if tables else None

    def tables(self, function: FunctionNode | None) -> list[tuple[ast.expr, FunctionNode | None]]:
        """The texts of the tables that a function looks something up in."""
        named = {each.id for each in ast.walk(function or self.module.tree) if is_name(each)}
        tables = (self.constants[name] for name in sorted(named & self.constants.keys()))
        return [
            (text, None)
            for table in tables
            if isinstance(table, ast.Dict)
            for text in table.values
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and " " in text.value
        ]
