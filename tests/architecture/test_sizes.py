"""Functions that fit in the eye, files that fit in the head."""

import statistics

import pytest

from tests.architecture.tree import PRODUCT, Function, modules


@pytest.fixture(scope="module")
def functions() -> list[Function]:
    """All functions of the product."""
    return [
        function
        for module in modules(*PRODUCT)
        if not module.is_migration
        for function in module.functions()
    ]


def test_half_of_all_functions_have_at_most_eight_lines(functions: list[Function]) -> None:
    assert statistics.median(function.body for function in functions) <= 8


def test_nine_functions_in_ten_have_at_most_25_lines(functions: list[Function]) -> None:
    longer = [str(function) for function in functions if function.body > 25]
    assert len(longer) <= len(functions) / 10, longer


def test_no_function_has_more_than_50_lines(functions: list[Function]) -> None:
    assert [f"{f} ({f.body})" for f in functions if f.body > 50] == []


def test_files_stay_under_300_lines() -> None:
    measured = modules(*PRODUCT, "tests", "bench")
    long = [f"{m} ({m.lines})" for m in measured if m.lines >= 300 and not m.is_migration]
    assert long == []
