"""Who may know what: the rules that import contracts cannot state."""

import re
import subprocess
import sys

import pytest

from tests.architecture.tree import PRODUCT, ROOT, committed, modules, providers, text_of

PRESENT = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime))$"
)
"""Ways to ask what time it is; monotonic and perf_counter measure spans and stay allowed."""


def test_no_file_of_the_domain_names_a_provider() -> None:
    names = re.compile("|".join(providers()), re.IGNORECASE)
    named = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in committed()
        if path.is_relative_to(ROOT / "domain") and (found := names.search(text_of(path)))
    ]
    assert len(providers()) >= 2
    assert named == []


@pytest.mark.parametrize("provider", providers())
def test_a_provider_does_not_know_the_others(provider: str) -> None:
    others = tuple(f"webhooks.providers.{name}" for name in providers() if name != provider)
    known = [
        f"{module}:{line} {name}"
        for module in modules(f"webhooks/providers/{provider}")
        for line, name in module.imports()
        if name.startswith(others)
    ]
    assert known == []


def test_only_the_database_module_commits() -> None:
    commits = [
        f"{module}:{line}"
        for module in modules(*PRODUCT)
        if str(module) != "domain/database.py"
        for line, name in module.calls()
        if name.endswith(".commit")
    ]
    assert commits == []


def test_only_the_clock_module_asks_what_time_it_is() -> None:
    asked = [
        f"{module}:{line} {name}"
        for module in modules(*PRODUCT)
        if str(module) != "domain/clock.py"
        for line, name in (*module.calls(), *module.imports())
        if PRESENT.search(name)
    ]
    assert asked == []


def test_the_web_process_loads_no_provider_library_and_no_job() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, webhooks.app; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    heavy = {"stripe", "paypalcheckoutsdk", "paypalhttp", "alembic", "typst", "facturx"}
    assert heavy.intersection(loaded) == set()
    assert [name for name in loaded if name.startswith("workers.")] == []
