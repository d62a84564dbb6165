"""Every alert has an entry in the runbook that says what to do, and every rule raised is known."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.alert_rules import RULES
from tests.architecture.tree import PRODUCT, ROOT, modules

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
PARTS = ("What it means", "Whom it hurts", "How to look", "How to mend", "When it closes")
RAISING = {"raise_alert": 1, "observe": 1, "resolve": 1, "alert": 0}
"""Functions that take a rule's name, and at which place."""


def entry(name: str) -> str:
    """What the runbook says about a rule."""
    found = re.search(rf"^### {name}\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert found, f"docs/runbook.md has no entry {name}"
    return found[1]


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_an_entry_with_all_its_parts(name: str) -> None:
    told = entry(name)
    assert RULES[name].title in told
    assert RULES[name].ends_when in told
    for part in PARTS:
        said = re.search(rf"- \*\*{part}\.\*\* (.+)", told)
        assert said is not None, part
        assert len(said[1]) > 15


def test_the_runbook_has_no_entry_for_a_rule_that_is_gone() -> None:
    assert re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE) == list(RULES)


def raised(path: Path) -> Iterator[str]:
    """The names of rules that a file gives to the functions that take one, if they are literal or a
    constant of the same file."""
    tree = ast.parse(path.read_text())
    constants = dict(filter(None, map(_constant, ast.walk(tree))))
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        place = RAISING.get(node.func.attr)
        if place is None or len(node.args) <= place:
            continue
        argument = node.args[place]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value
        elif isinstance(argument, ast.Name) and argument.id in constants:
            yield constants[argument.id]


def _constant(node: ast.AST) -> tuple[str, str] | None:
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
        return None
    value = node.value
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return (node.target.id, value.value) if is_text else None  # type: ignore[union-attr]


def test_every_rule_that_the_code_raises_is_known() -> None:
    named = {
        name: str(module)
        for module in modules(*PRODUCT)
        for name in raised(ROOT / str(module))
        if re.fullmatch(r"[a-z_]+", name)
    }
    assert len(named) > 15
    assert {name: where for name, where in named.items() if name not in RULES} == {}
