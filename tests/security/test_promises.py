"""What docs/security.md promises is shown by tests that exist, and the checks really fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.test_docs import proofs_in

SECURITY = (ROOT / "docs/security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", SECURITY)
DANGEROUS = "import yaml\n\n\ndef read(text):\n    return yaml.load(text, Loader=yaml.Loader)\n"


def test_every_test_that_shows_a_promise_exists() -> None:
    proofs = [(name, test) for name, test in NAMED if test]
    assert len(proofs) > 60
    missing = [
        f"{name}::{test}"
        for name, test in proofs
        if not (ROOT / name).exists() or test not in proofs_in(name)
    ]
    assert missing == []


def test_every_threat_has_a_test_or_says_where_else_to_read() -> None:
    threats = re.split(r"^## ", SECURITY, flags=re.MULTILINE)[1:-1]
    bare = [each.splitlines()[0] for each in threats if "`tests/" not in each]
    assert bare == ["Lost secrets"]


def test_the_check_fails_on_code_that_bandit_knows_to_be_dangerous(tmp_path: Path) -> None:
    (tmp_path / "harmless.py").write_text("ANSWER = 42\n")
    options = ["--quiet", "--configfile", "pyproject.toml", "--recursive", str(tmp_path)]

    def check() -> int:
        command = [sys.executable, "-m", "bandit", *options]
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode

    assert check() == 0
    (tmp_path / "dangerous.py").write_text(DANGEROUS)
    assert check() == 1


def test_the_check_fails_on_a_release_with_a_known_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hole = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}
    report = {"dependencies": [{"name": "pkg", "version": "1.0", "vulns": [hole]}], "fixes": []}
    # What the audit would hear from its database: pip-audit is a program of its own to it.
    (tmp_path / "pip_audit.py").write_text(
        f"import sys\nprint({json.dumps(report)!r})\nsys.exit(1)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/audit.py", ROOT / "requirements.lock"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "PYSEC-1" in done.stdout


def test_bandit_and_the_audit_are_part_of_the_check() -> None:
    makefile = (ROOT / "Makefile").read_text()
    [line] = re.findall(r"^check: (.*?) ##", makefile, re.MULTILINE)
    assert {"security", "audit"} <= set(line.split())
