"""What the tests of papers share."""

from __future__ import annotations

import pytest

from domain.papers.paper import Paper
from domain.papers.samples import sample_papers
from tests.papers.official import Rules


@pytest.fixture(scope="session")
def rules() -> Rules:
    """The official rules; compiling them takes seconds."""
    return Rules()


@pytest.fixture(scope="session")
def domestic() -> Paper:
    """A Czech invoice to a Czech company."""
    return sample_papers("cs")["domestic"]
