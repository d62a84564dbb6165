"""Names, docstrings and words that may not stand in a file."""

import ast
import re
import tomllib

from tests.architecture.tree import PRODUCT, PYTHON, ROOT, committed, modules, text_of

DRAWERS = {"common", "helper", "manager", "misc", "service", "util"}
"""Names that say nothing about the business and collect everything."""

MACHINE_PATHS = ("tmp", "root", "work")
REGISTRIES = ("pypi.org", "pythonhosted.org", "npmjs.org", "npmjs.com", "proxy.golang.org")


def test_modules_are_named_by_business_nouns() -> None:
    drawers = [
        str(module)
        for module in modules(*PYTHON)
        for name in (module.path.stem, module.path.parent.name)
        if name.strip("_").removesuffix("s") in DRAWERS
    ]
    assert drawers == []


def test_every_module_says_what_it_promises() -> None:
    silent = [str(module) for module in modules(*PYTHON) if not ast.get_docstring(module.tree)]
    assert silent == []


def test_no_committed_file_knows_a_machine_or_a_registry() -> None:
    paths = "|".join(f"(?<![\\w.~}}])/{name}/" for name in MACHINE_PATHS)
    words = re.compile(f"{paths}|{'|'.join(map(re.escape, REGISTRIES))}")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in committed()
        if path.name != "test_words.py" and (match := words.search(text_of(path)))
    ]
    assert found == []


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError|pass  # stub")
    left = [
        f"{module}: {match.group()}"
        for module in modules(*PRODUCT)
        if (match := later.search(module.text))
    ]
    assert left == []


def test_the_newest_released_version_of_the_changelog_is_the_projects_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    heads = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] in {"Unreleased", project["version"]}
    assert [version for version in heads if version != "Unreleased"][:1] in (
        [project["version"]],
        [],
    )
