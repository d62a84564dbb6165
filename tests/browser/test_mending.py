"""The way of an operator: something breaks, is found, tried without harm, repaired and replayed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import House, wait_until

pytestmark = pytest.mark.timeout(240)


def test_what_is_stuck_is_found_tried_repaired_and_replayed(page: Page, house: House) -> None:
    house.break_reading()
    house.buy_by_wallet("mira")
    page.goto("/console/alerts")
    alert = page.get_by_role("link", name="Events are parked")
    wait_until(lambda: page.reload() is not None and alert.count() > 0, 60)

    page.get_by_role("link", name="Failures").click()
    row = page.get_by_role("link", name="PAYMENT.CAPTURE.COMPLETED")
    expect(row).to_be_visible(timeout=40_000)
    row.click()
    group = page.url
    page.locator("tbody a.row-link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Event")
    page.get_by_role("button", name="Dry run").click()
    expect(page.locator("#trial")).to_contain_text("Nothing was changed")
    assert house.status("mira")["subscription"] is None

    house.repair()
    page.goto(group)
    page.get_by_role("link", name="Replay the group").click()
    expect(page.get_by_role("heading", name="chosen")).to_be_visible()
    page.get_by_label("Reason").fill("PayPal answers again")
    page.get_by_role("button", name="Begin the replay").click()
    progress = page.locator("#progress")
    expect(progress.locator(".badge").first).to_have_text("done", timeout=40_000)
    expect(progress.locator("tbody .badge").first).to_have_text("passed")
    wait_until(lambda: house.status("mira")["subscription"] is not None)
    page.goto("/console/audit?action=replay")
    expect(page.locator("tbody")).to_contain_text("PayPal answers again")


def test_what_is_left_is_replayed_and_the_alert_closes(page: Page, house: House) -> None:
    house.repair()
    page.goto("/console/events?status=parked")
    if page.get_by_role("link", name="Replay what is found").count():
        page.get_by_role("link", name="Replay what is found").click()
        if page.get_by_label("Reason").count():
            page.get_by_label("Reason").fill("the rest, too")
            page.get_by_role("button", name="Begin the replay").click()
            badge = page.locator("#progress .badge").first
            expect(badge).to_have_text("done", timeout=40_000)
    page.goto("/console/alerts")
    alert = page.get_by_role("link", name="Events are parked")
    wait_until(lambda: page.reload() is not None and alert.count() == 0, 60)
    page.goto("/console/failures")
    expect(page.get_by_text("Nothing is failing.")).to_be_visible(timeout=40_000)


def test_an_account_is_blocked_and_unblocked_with_a_reason(page: Page, house: House) -> None:
    page.goto("/console/accounts/karel")
    page.get_by_role("link", name="Block").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Reason").fill("chargebacks of a friend")
    dialog.get_by_role("button", name="Block").click()
    expect(page.get_by_role("status").first).to_have_text("The account is blocked.")
    expect(page.locator(".why")).to_contain_text("chargebacks of a friend")
    assert house.status("karel")["blocked"]["reason"] == "operator"

    page.get_by_role("link", name="Unblock").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Reason").fill("it was a mistake")
    dialog.get_by_role("button", name="Unblock").click()
    expect(page.get_by_role("status").first).to_have_text("The block is lifted.")
    assert house.status("karel")["blocked"] is None
    expect(page.locator(".timeline")).to_contain_text("it was a mistake")


def test_personal_data_are_erased_on_a_page_that_asks_for_the_account(
    page: Page, house: House
) -> None:
    house.register("emil")
    page.goto("/console/accounts/emil")
    expect(page.locator(".pairs")).to_contain_text("emil@customers.example")
    page.get_by_role("link", name="Erase personal data").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("of account emil?")
    button = page.get_by_role("button", name="Erase for ever")
    page.get_by_label("Reason").fill("ticket 4711")
    button.click()
    expect(page.get_by_label("To confirm")).to_be_focused()
    page.get_by_label("To confirm").fill("emil")
    button.click()
    expect(page.get_by_role("status").first).to_have_text("The personal data are erased.")
    expect(page.locator(".why")).to_contain_text("The personal data were erased on")
    expect(page.locator("main")).not_to_contain_text("emil@customers.example")
    assert house.status("emil")["email"] == ""


def test_a_question_without_a_reason_is_not_answered(page: Page, house: House) -> None:
    page.goto("/console/accounts/pauline")
    page.get_by_role("link", name="Block").click()
    page.locator("dialog[open]").get_by_role("button", name="Block").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert house.status("pauline")["blocked"] is None


def test_keys_lead_through_a_list(page: Page) -> None:
    page.goto("/console/events")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("a.row-link").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("boris")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=boris"))
