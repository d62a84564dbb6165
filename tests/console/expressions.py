"""Expressions of the code as the reader of notes sees them: names, values, places in a text."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Set
from functools import cache
from typing import TypeGuard

from tests.architecture.tree import FunctionNode, dotted


def template(node: ast.JoinedStr) -> str:
    """A text with its places named; one name for each value."""
    return "".join(
        str(each.value) if isinstance(each, ast.Constant) else f"{{{_place(each)}}}"
        for each in node.values
    )


def _place(node: ast.AST) -> str:
    """What to call a value."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr="__name__"):
            return "name"
        case ast.Attribute(attr=name):
            return name
        case ast.FormattedValue(value=inner) | ast.UnaryOp(operand=inner):
            return _place(inner)
        case ast.Subscript(value=ast.Name(id=name), slice=inner) if name.isupper():
            return _place(inner)
        case ast.Subscript(value=inner) | ast.BoolOp(values=[inner, *_]):
            return _place(inner)
        case ast.Constant(value=value):
            return str(value)
        case ast.Call(func=ast.Name(id="map"), args=[_, inner]):
            return _place(inner)
        case ast.Call(func=ast.Attribute(attr="join" | "get"), args=[inner]):
            return _place(inner)
        case ast.Call(func=ast.Name(id="str" | "len"), args=[inner]):
            return _place(inner)
        case ast.Call(func=ast.Attribute(value=inner, attr="upper" | "strip")):
            return _place(inner)
        case ast.Call(func=named):
            return dotted(named).rpartition(".")[2].strip("_")
    raise ValueError(f"give the value {ast.unparse(node)} a name")


def outside(text: str) -> str:
    """A template without its places."""
    return re.sub(r"{\w+}", "", text)


def assigned(node: ast.stmt) -> tuple[str, ast.expr] | None:
    """The name and value of a constant."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        return node.target.id, node.value
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    return None


def wording(node: ast.AST, errors: Set[str]) -> list[ast.stmt]:
    """What stands in the class of an error, which may word itself."""
    if not isinstance(node, ast.ClassDef):
        return []
    return node.body if errors & {node.name, *map(dotted, node.bases)} else []


def within(
    node: ast.AST, function: FunctionNode | None
) -> Iterator[tuple[FunctionNode | None, ast.AST]]:
    """Every node with the function that it stands in."""
    for child in ast.iter_child_nodes(node):
        inner = child if isinstance(child, FunctionNode) else function
        yield inner, child
        yield from within(child, inner)


def kept(node: ast.Assign, attributes: Collection[str]) -> Iterator[ast.expr]:
    """What an assignment puts into attributes of those names."""
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        yield from (v for t, v in pairs if isinstance(t, ast.Attribute) and t.attr in attributes)


def choices(node: ast.expr) -> list[ast.expr]:
    """The names and texts that a value in a text may be."""
    if isinstance(node, ast.BoolOp):
        return [each for value in node.values for each in choices(value)]
    if isinstance(node, ast.IfExp):
        return [*choices(node.body), *choices(node.orelse)]
    return [node] if isinstance(node, ast.Name | ast.Constant) else []


def owner(node: ast.expr) -> str:
    """Whose attribute or whose answer it is."""
    return dotted(node.func if isinstance(node, ast.Call) else node).partition(".")[0]


def parameter(name: str, function: FunctionNode | None) -> int | None:
    """At which place callers give it; a method's object counts as none."""
    if function is None:
        return None
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    names = names[1:] if names[:1] in (["self"], ["cls"]) else names
    names += [each.arg for each in function.args.kwonlyargs]
    return names.index(name) if name in names else None


def local(name: str, function: FunctionNode | None) -> list[ast.expr]:
    """What a name of a function was assigned."""
    return [] if function is None else _assignments(function).get(name, [])


@cache
def _assignments(function: FunctionNode) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for each in node.targets:
                if isinstance(each, ast.Name):
                    found.setdefault(each.id, []).append(node.value)
    return found


def is_name(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)
