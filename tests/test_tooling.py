"""A fresh machine sets itself up: the lock file, the make targets, the audit."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _locked() -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def _wanted() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return [Requirement(line) for line in lines]


def _make(*arguments: str, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    """The script that `make audit` runs."""
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory with a space in its name and the files that make reads."""
    directory = tmp_path / "a checkout"
    directory.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, directory)
    return directory


@pytest.mark.parametrize("wanted", _wanted(), ids=lambda wanted: wanted.name)
def test_the_lock_file_satisfies_what_the_project_asks_for(wanted: Requirement) -> None:
    version = _locked().get(canonicalize_name(wanted.name))
    assert version is not None, f"{wanted.name} is not in requirements.lock: make lock"
    assert wanted.specifier.contains(version, prereleases=True), "make lock"


def test_the_lock_file_names_no_address_and_no_folder() -> None:
    lines = LOCK.splitlines()
    options = [line for line in lines if re.match(r"\s*-(?!-hash=sha256:)", line)]
    assert options == []
    assert [line for line in lines if "://" in line or " @ " in line or "/" in line] == []


def test_every_locked_release_has_hashes() -> None:
    releases = re.split(r"^(?=[a-z])", LOCK, flags=re.MULTILINE)[1:]
    assert len(releases) == len(_locked())
    assert [each.split()[0] for each in releases if "--hash=sha256:" not in each] == []


def test_the_build_backend_is_locked_too() -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = [Requirement(line).name for line in configuration["build-system"]["requires"]]
    assert [name for name in names if canonicalize_name(name) not in _locked()] == []


def test_make_alone_explains_every_target() -> None:
    shown = _make().stdout
    targets = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
    explained = set(re.findall(r"^  ([a-z-]+)  +\S", shown, re.MULTILINE))
    assert {"run", "test", "check", "fmt", "lock", "clean"} <= targets
    assert targets == explained


def test_make_refuses_a_python_that_is_too_old_or_broken(checkout: Path) -> None:
    for name, lines in {"old": "exit 1", "shim": "echo 'command not found' >&2; exit 127"}.items():
        python = checkout / name
        python.write_text(f"#!/bin/sh\n{lines}\n")
        python.chmod(0o755)
        done = _make("test", f"PYTHON={python}", directory=checkout)
        assert done.returncode != 0
        assert f"{python} is not one" in done.stderr
        assert "3.11 or newer" in done.stderr
    assert not (checkout / ".venv").exists()


def test_make_says_what_to_install_when_there_is_no_python(checkout: Path) -> None:
    commands = checkout / "commands"
    commands.mkdir()
    for name in ("sh", "cat"):
        (commands / name).symlink_to(str(shutil.which(name)))
    make = shutil.which("make")
    assert make is not None
    done = subprocess.run(
        [make, "test"],
        cwd=checkout,
        env={"PATH": str(commands)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "none is on the PATH" in done.stderr
    assert "apt install python3 python3-venv" in done.stderr


def test_a_copied_checkout_makes_its_own_environment(checkout: Path) -> None:
    commands = checkout / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "python").symlink_to(sys.executable)
    for stamp in (".locked", ".project"):
        (checkout / ".venv" / stamp).touch()
    home = checkout / ".venv" / ".home"
    home.write_text(f"{checkout}\n")
    assert "-m venv --clear" not in _make("--dry-run", "lint", directory=checkout).stdout
    home.write_text("/somewhere else\n")
    assert "-m venv --clear" in _make("--dry-run", "lint", directory=checkout).stdout


def test_the_procfile_starts_the_four_processes() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert dict(line.split(": ", 1) for line in lines) == {
        "release": "billhook migrate",
        "web": "billhook web",
        "worker": "billhook worker",
        "clock": "billhook clock",
    }


def test_the_audit_only_warns_when_nobody_answers() -> None:
    unreachable = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "audit.py", ROOT / "requirements.lock"],
        env=os.environ | unreachable,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("warning: ")


def test_the_audit_names_holes_and_their_mending(audit: ModuleType) -> None:
    hole = {"id": "PYSEC-1", "fix_versions": ["1.1"]}
    report = {"dependencies": [{"name": "pkg", "version": "1.0", "vulns": [hole]}]}
    assert audit.holes(report) == ["pkg 1.0: PYSEC-1, mended in 1.1"]
    assert not audit.unanswered(report, "")


def test_the_audit_does_not_take_a_broken_lock_file_for_silence(
    audit: ModuleType, tmp_path: Path
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("not a requirement==\n")
    assert audit.main([str(lock)]) == 1
    assert audit.main([]) == 2
