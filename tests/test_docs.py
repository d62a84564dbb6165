"""What the documentation says is what the code does, as far as it can be compared."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from domain import facts, settings
from domain.catalogue import BUNDLED, load
from domain.invariants import INVARIANTS
from tests.architecture.tree import ROOT
from tests.conftest import PLAIN_SETTINGS
from tests.providers.paypal import samples as paypal_samples
from webhooks.api import OPERATIONS
from webhooks.providers import paypal, stripe
from webhooks.providers.paypal import settings as paypal_settings
from webhooks.providers.paypal import translate as paypal_translate
from webhooks.providers.stripe import settings as stripe_settings
from webhooks.providers.stripe import translate as stripe_translate
from workers import clock, outcomes, perform_effects
from workers.cli import parser

DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text()
PROVIDERS = (ROOT / "docs/providers.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
RULES = (ROOT / "docs/rules.md").read_text()
OURS = re.compile(r"`((?:BILLHOOK|STRIPE|PAYPAL)_[A-Z_]+)`")
EVENT_TYPES = {"Stripe": stripe.PROVIDER.event_types, "PayPal": paypal.PROVIDER.event_types}
MEANT = {
    "Stripe": set(stripe_translate.TRANSLATIONS),
    "PayPal": set(paypal_translate.HANDLERS),
}


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every table in a text, without heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [number for number, line in enumerate(lines) if re.match(r"\|[-|]+\|$", line)]
    heads = {*rules, *(number - 1 for number in rules)}
    return [row for number, row in enumerate(cells) if number not in heads]


def quoted(text: str) -> list[str]:
    """Everything in backquotes."""
    return re.findall(r"`([^`]+)`", text)


def types_and_facts(provider: str) -> dict[str, tuple[bool, set[str]]]:
    """Event type → whether one subscribes to it, and the facts that it may become."""
    table = rows(section(PROVIDERS, f"{provider}: what each type means"))
    meant = [row for row in table if len(row) == 4]
    return {quoted(row[0])[0]: (row[1] == "yes", set(quoted(row[2]))) for row in meant}


@pytest.mark.parametrize("provider", EVENT_TYPES)
def test_the_lists_of_types_to_subscribe_to_are_the_code(provider: str) -> None:
    told = section(PROVIDERS, f"{provider}: event types to subscribe to")
    assert told.strip().strip("`").split() == sorted(EVENT_TYPES[provider])


@pytest.mark.parametrize("provider", EVENT_TYPES)
def test_the_tables_of_meanings_name_every_translated_type(provider: str) -> None:
    told = types_and_facts(provider)
    assert set(told) == MEANT[provider]
    subscribed = {kind for kind, (is_subscribed, _) in told.items() if is_subscribed}
    assert subscribed == set(EVENT_TYPES[provider])
    known = {name for name, thing in vars(facts).items() if isinstance(thing, type)}
    assert set().union(*(names for _, names in told.values())) <= known


@pytest.mark.parametrize(
    "provider, ignored",
    [("Stripe", stripe_translate.MEANINGLESS), ("PayPal", paypal_translate.IGNORED)],
)
def test_the_reasons_for_ignoring_a_type_are_those_of_the_code(
    provider: str, ignored: dict[str, str]
) -> None:
    table = rows(section(PROVIDERS, f"{provider}: what each type means"))
    assert {quoted(row[0])[0]: row[1] for row in table if len(row) == 2} == ignored


def test_a_sample_of_paypal_becomes_only_facts_that_the_table_names() -> None:
    told = types_and_facts("PayPal")
    surprises = []
    for path in sorted((paypal_samples.FOLDER / "events").glob("*.json")):
        stored = paypal_samples.envelope(path.read_bytes())
        translation, _ = paypal_samples.told(stored)
        names = {type(fact).__name__ for fact in translation.facts}
        if names - told.get(stored.event_type, (False, set()))[1]:
            surprises.append(f"{path.name}: {names}")
    assert surprises == []


def test_every_setting_is_documented_and_no_other() -> None:
    known = {*settings.KNOWN, *stripe_settings.KNOWN, *paypal_settings.VARIABLES}
    listed = {name for row in rows(SETTINGS) for name in quoted(row[0])}
    assert known | PLAIN_SETTINGS <= listed
    named = {name for path in DOCS for name in OURS.findall(path.read_text())}
    assert {name for name in named if "_TEST_" not in name} - known - {"BILLHOOK_"} == set()


def commands(top: argparse.ArgumentParser, words: str = "billhook") -> Iterator[str]:
    """Every command that does something, spelled out."""
    below = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield words
    for action in below:
        for name, one in action.choices.items():
            yield from commands(one, f"{words} {name}")


def test_every_command_is_mentioned_in_the_readme() -> None:
    missing = [command for command in commands(parser()) if f"`{command}`" not in README]
    assert missing == []


def test_no_document_mentions_a_command_that_does_not_exist() -> None:
    known = {" ".join(command.split()[:2]) for command in commands(parser())}
    text = "\n".join(path.read_text() for path in DOCS if path.name != "CHANGELOG.md")
    used = re.findall(r"(?:`|^|\$\(|\. )(billhook [a-z]+)", text, re.MULTILINE)
    assert set(used) - known == set()


def test_every_call_of_the_api_is_in_the_readme() -> None:
    calls = section(README, "What your app calls")
    missing = [one.path for one in OPERATIONS if f"{one.path}`" not in calls]
    assert missing == []


def test_the_delays_of_retries_are_those_of_the_code() -> None:
    told = {row[0].strip("`"): row[3] for row in rows(section(ARCHITECTURE, "Errors"))}
    code = {
        "NotYet": outcomes.NOT_YET_DELAYS,
        "Transient": outcomes.TRANSIENT_DELAYS,
        "any other": outcomes.BUG_DELAYS,
    }
    expected = {name: ", ".join(map(str, delays)) for name, delays in code.items()}
    assert {name: delays for name, delays in told.items() if delays} == expected


def test_every_kind_of_effect_and_every_duty_is_described() -> None:
    effects = {quoted(row[0])[0] for row in rows(section(ARCHITECTURE, "Effects"))}
    assert effects == set(perform_effects.KINDS)
    duties = {quoted(row[0])[0]: row[1] for row in rows(section(ARCHITECTURE, "Time"))}
    assert duties == {name: f"{every:g} s" for name, every, _ in clock.DUTIES}


def test_the_numbers_of_the_rules_are_those_of_the_bundled_catalogue() -> None:
    catalogue = load(BUNDLED)
    renewal = (ROOT / "docs/adr/0009-renewal-timetable.md").read_text()
    assert f"{catalogue.renewal.ahead_hours} h before the end" in renewal
    assert catalogue.renewal.retry_days == [0, 2, 4]
    assert f"at most {catalogue.renewal.grace_days} days after the end" in renewal
    assert f"refund within {catalogue.refunds.window_days} days" in README


def test_the_readme_counts_the_invariants_right() -> None:
    words = {15: "Fifteen", 16: "Sixteen", 17: "Seventeen", 18: "Eighteen", 19: "Nineteen"}
    assert f"{words[len(INVARIANTS)]} invariants" in README


def targets(text: str) -> Iterable[str]:
    """What the links of a document point to, without those to other sites."""
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    return [link for link in links if not link.startswith(("http://", "https://"))]


def anchors(path: Path) -> set[str]:
    """The names of a document's headings, as they are linked to."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(path: Path) -> None:
    dead = []
    for target in targets(path.read_text()):
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(path: Path) -> None:
    named = re.findall(
        r"`((?:domain|webhooks|workers|tests|docs)/[\w./-]+\.(?:py|md|toml|txt))", path.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_decision_is_listed_in_the_index() -> None:
    folder = ROOT / "docs/adr"
    index = (folder / "README.md").read_text()
    decisions = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [name for name in decisions if f"({name})" not in index] == []


def proofs_in(name: str) -> set[str]:
    """The names of a file's test functions."""
    tree = ast.parse((ROOT / name).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


def test_every_test_that_proves_a_rule_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", RULES)
    assert len(named) > 50
    known = {name: proofs_in(name) for name, _ in named if (ROOT / name).exists()}
    assert [pair for pair in named if pair[1] not in known.get(pair[0], set())] == []
