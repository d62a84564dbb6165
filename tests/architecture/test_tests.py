"""Tests that state something, about real parts."""

import ast
import re

from tests.architecture.tree import Function, dotted, modules

STATEMENT = re.compile(r"(^|\.)_?(assert|check|expect)[a-z_]*$|(^|\.)pytest\.(raises|warns|fail)$")


def _states_something(function: Function) -> bool:
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and STATEMENT.search(dotted(node.func)))
        for node in ast.walk(function.node)
    )


def test_every_test_asserts_something() -> None:
    silent = [
        str(function)
        for module in modules("tests")
        for function in module.functions()
        if function.node.name.startswith("test_") and not _states_something(function)
    ]
    assert silent == []


def test_no_test_replaces_parts_by_mocks() -> None:
    mocks = [
        f"{module}:{line} {name}"
        for module in modules("tests")
        for line, name in module.imports()
        if re.match(r"(unittest\.mock|unittest\.mock\..*|mock|pytest_mock)(\.|$)", name)
    ]
    assert mocks == []


def test_names_of_tests_are_sentences() -> None:
    short = [
        str(function)
        for module in modules("tests")
        for function in module.functions()
        if function.node.name.startswith("test_") and function.node.name.count("_") < 3
    ]
    assert short == []
