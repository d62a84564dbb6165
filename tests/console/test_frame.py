"""What holds for every page: who may see it, what it is sent with, and how it looks when wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import text

from domain.database import Database
from tests.console.conftest import Visitor
from webhooks.console.assets import FOLDER


def test_the_start_leads_to_the_console_and_the_console_to_the_sign_in(stranger: Visitor) -> None:
    start = stranger.get("/")
    assert (start.status_code, start.headers["location"]) == (303, "/console")
    audit = stranger.get("/console/audit?actor=a%26b")
    assert audit.status_code == 303
    assert audit.headers["location"] == ("/console/sign-in?to=%2Fconsole%2Faudit%3Factor%3Da%2526b")


def test_a_page_that_does_not_exist_is_a_page_that_says_so(operator: Visitor) -> None:
    answer = operator.get("/console/nowhere")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text


def test_the_language_is_the_browsers_until_somebody_chooses(stranger: Visitor) -> None:
    french = stranger.get("/console/sign-in", headers={"Accept-Language": "pl, fr;q=0.8, en;q=0.5"})
    assert '<html lang="fr"' in french.text
    assert "Se connecter" in french.text
    czech = stranger.get("/console/sign-in?language=cs", headers={"Accept-Language": "fr"})
    assert "Přihlásit se" in czech.text
    strange = stranger.get("/console/sign-in?language=xx", headers={"Accept-Language": ";q=x,"})
    assert '<html lang="en"' in strange.text


def test_pages_load_our_own_files_and_nothing_that_stands_in_them(operator: Visitor) -> None:
    for path in ("/console", "/console/alerts", "/console/audit", "/console/settings"):
        answer = operator.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=|<style", answer.text)
        assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)


def test_every_answer_has_the_headers_that_keep_it_safe(
    stranger: Visitor, operator: Visitor
) -> None:
    answers = [
        stranger.get("/console/sign-in"),
        stranger.get("/console/nowhere"),
        operator.get("/console"),
        operator.part("/console", "live"),
        operator.post("/console/audit"),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"


def test_static_files_are_kept_for_ever_under_the_name_of_their_content(
    stranger: Visitor,
) -> None:
    page = stranger.get("/console/sign-in").text
    found = re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page)
    assert {path.rpartition(".")[2] for path in found} == {"css", "js", "svg"}
    for path in found:
        answer = stranger.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert stranger.get("/console/static/console.css").status_code == 404
    assert stranger.get("/console/static/..%2fdesk.py").status_code == 404


def test_files_of_others_lie_beside_their_licences() -> None:
    names = {path.name for path in FOLDER.iterdir()}
    assert {"htmx.LICENSE", "uplot.LICENSE"} <= names


def test_a_part_of_a_page_is_sent_without_the_rest(operator: Visitor) -> None:
    part = operator.part("/console", "live").text
    assert part.lstrip().startswith('<div id="live"')
    assert "<html" not in part
    assert "<html" in operator.part("/console", "no_such_block").text


def test_a_wrong_parameter_is_named_on_a_page(operator: Visitor) -> None:
    answer = operator.get("/console/audit?cursor=x")
    assert answer.status_code == 400
    assert "This part of the list is not there any more." in answer.text
    assert operator.get("/console?period=century").status_code == 422
    assert operator.get("/console/alerts/x").status_code == 404
    assert operator.get("/console/alerts/99").status_code == 404


def test_a_fault_of_ours_is_told_without_its_details(
    browser: Callable[..., Visitor], operator: Visitor, database: Database
) -> None:
    with database.transaction() as session:
        session.execute(text("ALTER TABLE audit RENAME TO gone"))
    answer = operator.get("/console/audit")
    assert answer.status_code in {500, 503}
    assert "audit" not in re.sub(r"(?s)<nav.*?</nav>", "", answer.text).lower()
