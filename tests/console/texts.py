"""Finds every text of the console that is to be translated: in templates, code, rules and notes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jinja2 import Environment, nodes

from domain.alert_rules import RULES
from tests.architecture.tree import Module, dotted, modules
from tests.console.notes import notes
from webhooks.console.rendering import TEMPLATES

SAYING = {"say": 1, "plural": 2, "mark": 1}
"""Functions that are given texts, and how many."""


def texts() -> dict[str, str]:
    """Every text and where it stands; of plurals the second form, which is the key."""
    return {**_of_templates(), **_of_code(), **_of_rules(), **notes().texts}


def recorded() -> set[str]:
    """The actions and kinds of subject that the audit log may show."""
    found = set()
    for module in modules("domain", "webhooks", "workers"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and dotted(node.func).endswith("audit.record"):
                found |= {one.value for one in node.args[2:4] if isinstance(one, ast.Constant)}
    return {value for value in found if isinstance(value, str)}


def _of_templates() -> dict[str, str]:
    environment = Environment(autoescape=True)
    found = {}
    for path in TEMPLATES.rglob("*.html"):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            for text in _said(call):
                found[text] = str(path.relative_to(TEMPLATES))
    return found


def _said(call: nodes.Call) -> Iterator[str]:
    named = call.node
    name = named.name if isinstance(named, nodes.Name) else getattr(named, "attr", "")
    number = SAYING.get(name, 0)
    if number and len(call.args) >= number:
        text = call.args[number - 1]
        if isinstance(text, nodes.Const) and isinstance(text.value, str):
            yield text.value


def _of_code() -> dict[str, str]:
    return {
        text: str(module) for module in modules("webhooks/console") for text in _said_in(module)
    }


def _said_in(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            number = SAYING.get(dotted(node.func).rpartition(".")[2], 0)
            if number and len(node.args) >= number:
                text = node.args[number - 1]
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield text.value


def _of_rules() -> dict[str, str]:
    return {
        text: f"rule {rule.name}"
        for rule in RULES.values()
        for text in (rule.title, rule.what, rule.hurts, rule.ends_when)
    }
