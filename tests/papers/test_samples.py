"""The samples in the documentation, and how they are made."""

from __future__ import annotations

import re
from pathlib import Path

from domain.accounts import LOCALES
from domain.papers import samples

DOCUMENTED = Path(__file__).parents[2] / "docs" / "samples"


def test_a_sample_of_every_paper_in_every_language_lies_in_the_documentation() -> None:
    names = set(samples.sample_papers("en")) - samples.NOT_PICTURED
    wanted = {f"{name}.{locale}.png" for name in names for locale in LOCALES}
    assert {path.name for path in DOCUMENTED.glob("*.png")} == wanted


def test_the_samples_are_pictures_of_a_page(tmp_path: Path) -> None:
    samples.main(str(tmp_path / "new"))
    made = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in made] == sorted(path.name for path in DOCUMENTED.glob("*.png"))
    assert all(re.match(rb"\x89PNG\r\n", path.read_bytes()) for path in made)
