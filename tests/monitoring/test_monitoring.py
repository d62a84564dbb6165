"""The dashboard and the rules name figures that exist, and promtool finds the rules right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain import figures, telemetry
from domain.database import Database
from tests.architecture.tree import ROOT
from tests.conftest import COULD_NOT_RUN

FOLDER = ROOT / "docs/monitoring"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = [p for p in DASHBOARD["panels"] if p["type"] != "row"]
NAME = re.compile(r"\bbillhook_[a-z_]+\b")
RANGE = "$__rate_interval"


@pytest.fixture
def exported(sqlite_url: str) -> dict[str, str]:
    """Every figure of ours and its kind."""
    text = telemetry.exposition().decode()
    kinds = dict(re.findall(r"^# TYPE (billhook_\w+) (\w+)$", text, re.MULTILINE))
    database = Database(sqlite_url)
    with database.transaction() as session:
        kinds.update({each.name: "gauge" for each in figures.all_figures(session)})
    database.dispose()
    return {name: kind for name, kind in kinds.items() if not name.endswith("_created")}


def series(exported: dict[str, str]) -> set[str]:
    """The names under which Prometheus keeps them."""
    parts = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
    return {name + part for name, kind in exported.items() for part in parts[kind]}


def expressions() -> Iterator[str]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield target["expr"]


def test_the_dashboard_names_only_figures_that_exist(exported: dict[str, str]) -> None:
    named = set(NAME.findall(" ".join(expressions())))
    assert named - series(exported) == set()


def test_the_dashboard_shows_every_figure(exported: dict[str, str]) -> None:
    shown = " ".join(expressions())
    assert [name for name in exported if name not in shown] == []


def test_the_rules_and_their_tests_name_only_figures_that_exist(exported: dict[str, str]) -> None:
    for name in ("alerts.rules.yml", "alerts.tests.yml"):
        assert set(NAME.findall((FOLDER / name).read_text())) - series(exported) == set()


def test_the_documentation_lists_every_figure(exported: dict[str, str]) -> None:
    text = (FOLDER / "README.md").read_text()
    listed = set(re.findall(r"^\| `(billhook_\w+)` \|", text, re.MULTILINE))
    assert listed == set(exported)


def test_every_rule_is_tested_both_ways() -> None:
    rules = re.findall(r"- alert: (\w+)", (FOLDER / "alerts.rules.yml").read_text())
    tests = (FOLDER / "alerts.tests.yml").read_text()
    quiet, loud = tests.split("processes that are gone")
    assert len(rules) == 12
    assert [rule for rule in rules if f"alertname: {rule}}}" not in quiet] == []
    assert [rule for rule in rules if f"alertname: {rule}\n" not in loud] == []


def test_panels_have_a_place_a_source_and_a_sentence() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["description"].endswith(".") for panel in PANELS)
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${source}"}


@pytest.fixture
def promtool(request: pytest.FixtureRequest) -> str:
    """Prometheus's own tool; its tests are left out where it is not installed."""
    found = shutil.which("promtool")
    if found is None:
        reason = "promtool is not installed (make promtool)"
        request.node.user_properties.append((COULD_NOT_RUN, reason))
        pytest.skip(reason)
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_promtool_finds_the_rules_right(promtool: str) -> None:
    assert "12 rules found" in run(promtool, "check", "rules", "alerts.rules.yml")


def test_promtool_runs_their_tests(promtool: str) -> None:
    assert "SUCCESS" in run(promtool, "test", "rules", "alerts.tests.yml")


def test_promtool_can_read_every_expression_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:number:{number}", "expr": each.replace(RANGE, "5m")}
        for number, each in enumerate(expressions())
    ]
    file = tmp_path / "panels.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in run(promtool, "check", "rules", str(file))
