"""Ask the advisory database about every locked dependency, and tell three answers apart.

Exit status 0: nothing known, or (with a warning) the database could not be asked; 1: a locked
release has a known hole or the audit itself failed; 2: wrong usage.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PATIENCE = "5"
"""Seconds for one answer of the database; the first that does not come ends the audit."""

UNREACHABLE = ("requests.exceptions.", "Could not connect", "ServiceError")
"""How pip-audit's complaints read when the database did not answer."""


def ask(lock: Path) -> tuple[dict[str, Any] | None, str]:
    """Return pip-audit's report, or None and what it complained of instead."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"]
    options = ["--format=json", "--progress-spinner=off", f"--timeout={PATIENCE}"]
    done = subprocess.run(  # noqa: S603 - nothing in it comes from outside
        [*command, *options, "--requirement", str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return json.loads(done.stdout), ""
    except ValueError:
        return None, done.stderr.strip()


def holes(report: dict[str, Any]) -> list[str]:
    """Return one line per advisory: package, version, advisory, the releases that mend it."""
    return [
        f"{package['name']} {package['version']}: {advisory['id']}, mended in "
        f"{', '.join(advisory['fix_versions']) or 'no release yet'}"
        for package in report["dependencies"]
        for advisory in package.get("vulns", ())
    ]


def unanswered(report: dict[str, Any] | None, complaint: str) -> bool:
    """Tell whether nobody answered, or a mirror did that knows packages but no advisories."""
    if report is None:
        return any(sign in complaint for sign in UNREACHABLE)
    return all("skip_reason" in package for package in report["dependencies"])


def main(arguments: list[str]) -> int:
    """Audit the lock file named by the only argument."""
    if len(arguments) != 1:
        print("usage: audit.py requirements.lock", file=sys.stderr)
        return 2
    report, complaint = ask(Path(arguments[0]))
    if unanswered(report, complaint):
        print(f"warning: {arguments[0]} not audited, no advisory database", file=sys.stderr)
        return 0
    if report is None:
        print(f"pip-audit failed:\n{complaint[-1000:]}", file=sys.stderr)
        return 1
    found = holes(report)
    if found:
        print("Known holes in locked dependencies (make lock UPGRADE=1 mends what it can):")
        print("\n".join(f"  {line}" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
