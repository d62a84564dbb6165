"""Alerts open once, count, close, come back damped, and are told once for every change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import alert_messages, alert_words, alerts, clock
from domain.alert_messages import AT_ONCE, SPAN
from domain.alert_rules import RULES
from domain.alerts import CALM, DAMPED, Alert
from domain.audit import AuditEntry, Decider
from domain.database import Database
from domain.effects import Effect
from domain.errors import Refused
from tests.alerting import (
    ANNA,
    RULE,
    SUBJECT,
    closed,
    in_a_transaction,
    messages,
    opened,
    rows,
    told,
)

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_a_happening_that_repeats_is_one_alert_that_counts(database: Database) -> None:
    for _ in range(3):
        in_a_transaction(
            database, lambda s: alerts.raise_alert(s, "dispute_lost", "a:1", account="acme")
        )
    [alert] = rows(database)
    assert (alert.state, alert.count, alert.details) == ("open", 3, {"account": "acme"})


def test_what_the_watch_sees_again_is_not_counted_but_shows_the_present(
    database: Database,
) -> None:
    assert opened(database)
    in_a_transaction(database, lambda s: alerts.observe(s, RULE, SUBJECT, count=9))
    [alert] = rows(database)
    assert (alert.count, alert.details) == (1, {"count": 9})


def test_a_rule_that_is_not_in_the_table_is_refused(database: Database) -> None:
    with pytest.raises(KeyError, match="no_such_rule"):
        in_a_transaction(database, lambda s: alerts.raise_alert(s, "no_such_rule", "x"))
    assert rows(database) == []


def test_closing_what_is_not_open_does_nothing(database: Database) -> None:
    assert not closed(database)
    opened(database)
    assert closed(database)
    assert not closed(database)


def test_every_change_of_state_is_told_once_to_every_sink(database: Database) -> None:
    opened(database)
    assert told(database, "webhook", "apprise:1") == 2
    assert told(database, "webhook", "apprise:1") == 0
    opened(database)
    assert told(database, "webhook", "apprise:1") == 0
    closed(database)
    told(database, "webhook", "apprise:1")
    told(database, "webhook", "apprise:1")
    assert messages(database) == [
        ("webhook", "opened"),
        ("apprise:1", "opened"),
        ("webhook", "resolved"),
        ("apprise:1", "resolved"),
    ]


def test_an_end_between_change_and_telling_loses_nothing_and_tells_nothing_twice(
    database: Database,
) -> None:
    opened(database)

    def killed_on_the_way(session: Session) -> None:
        alert_messages.tell(session, ("webhook",))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_a_transaction(database, killed_on_the_way)
    assert messages(database) == []
    told(database)
    told(database)
    assert messages(database) == [("webhook", "opened")]


def test_what_came_and_went_before_anybody_was_told_is_not_told(database: Database) -> None:
    opened(database)
    closed(database)
    told(database)
    assert messages(database) == []


def test_without_a_sink_the_change_is_noted_and_nothing_is_left_to_do(
    database: Database,
) -> None:
    opened(database)
    with database.transaction() as session:
        assert alert_messages.tell(session, ()) == 0
    [alert] = rows(database)
    assert (alert.pending, alert.told) == (None, 1)


def test_what_goes_up_and_down_is_one_alert_and_is_told_only_when_it_stays(
    database: Database,
) -> None:
    opened(database)
    told(database)
    for _ in range(4):
        closed(database)
        clock.advance(timedelta(seconds=15))
        opened(database)
        clock.advance(timedelta(seconds=15))
        told(database)
    [alert] = rows(database)
    assert (alert.state, alert.returns, alert.count) == ("open", 4, 5)
    assert messages(database) == [("webhook", "opened")]
    closed(database)
    clock.advance(DAMPED[-1])
    told(database)
    assert messages(database) == [("webhook", "opened"), ("webhook", "resolved")]


def test_what_comes_back_after_a_calm_is_a_new_alert_and_told_at_once(
    database: Database,
) -> None:
    opened(database)
    told(database)
    closed(database)
    told(database)
    clock.advance(CALM)
    opened(database)
    told(database)
    assert [alert.state for alert in rows(database)] == ["resolved", "open"]
    assert [change for _, change in messages(database)] == ["opened", "resolved", "opened"]


def test_an_acknowledged_alert_that_comes_back_at_once_stays_acknowledged(
    database: Database,
) -> None:
    opened(database)
    [alert] = rows(database)
    in_a_transaction(database, lambda s: alerts.acknowledge(s, alert.id, ANNA))
    closed(database)
    opened(database)
    [again] = rows(database)
    assert (again.state, again.acknowledged_by) == ("acknowledged", "operator:anna")


def test_many_alerts_of_one_rule_are_few_messages(database: Database) -> None:
    for number in range(AT_ONCE + 20):
        opened(database, f"subject {number:02}")
    told(database)
    assert len(messages(database)) == AT_ONCE
    clock.advance(SPAN)
    told(database)
    for _ in range(3):
        told(database)
    with database.transaction() as session:
        payloads = session.scalars(select(Effect.payload).order_by(Effect.id)).all()
    assert sum(1 + payload["others"] for payload in payloads) == AT_ONCE + 20
    assert len(payloads) == 2 * AT_ONCE + 1


def test_a_storm_of_one_rule_does_not_delay_another(database: Database) -> None:
    for number in range(AT_ONCE + 1):
        opened(database, f"subject {number}")
    opened(database, "clock", "clock_not_seen")
    told(database)
    with database.transaction() as session:
        causes = session.scalars(select(Effect.payload["alert"])).all()
    assert len(causes) == AT_ONCE + 1


def test_a_sink_is_not_told_that_it_cannot_be_told(database: Database) -> None:
    opened(database, "webhook", "sink_failing")
    told(database, "webhook", "apprise:1")
    assert messages(database) == [("apprise:1", "opened")]


def test_acknowledging_leaves_one_audit_line_and_a_second_time_none(database: Database) -> None:
    opened(database)
    [alert] = rows(database)
    by = Decider(actor="operator:anna", reason="I look into it", source="192.0.2.7")
    for _ in range(2):
        in_a_transaction(database, lambda s: alerts.acknowledge(s, alert.id, by))
    with database.transaction() as session:
        [line] = session.scalars(select(AuditEntry)).all()
    assert (line.action, line.subject_kind, line.subject) == ("acknowledge", "alert", "1")
    assert (line.reason, line.details) == (by.reason, {"rule": RULE, "about": SUBJECT})
    [noted] = rows(database)
    assert (noted.state, noted.acknowledged_reason) == ("acknowledged", "I look into it")


def test_an_alert_that_is_over_cannot_be_acknowledged(database: Database) -> None:
    opened(database)
    closed(database)
    with pytest.raises(Refused, match="is over") as refusal:
        in_a_transaction(database, lambda s: alerts.acknowledge(s, 1, ANNA))
    assert refusal.value.status == 409
    with pytest.raises(Refused) as unknown:
        in_a_transaction(database, lambda s: alerts.acknowledge(s, 99, ANNA))
    assert unknown.value.status == 404


def test_an_acknowledged_happening_closes_itself_after_a_day_without_another(
    database: Database,
) -> None:
    in_a_transaction(database, lambda s: alerts.raise_alert(s, "dispute_lost", "a:1"))
    in_a_transaction(database, lambda s: alerts.raise_alert(s, "fraud_warning", "a:2"))
    in_a_transaction(database, lambda s: alerts.acknowledge(s, 1, ANNA))
    clock.advance(timedelta(hours=23))
    in_a_transaction(database, alerts.close_seen_to)
    assert [alert.state for alert in rows(database)] == ["acknowledged", "open"]
    clock.advance(timedelta(hours=1))
    in_a_transaction(database, alerts.close_seen_to)
    assert [alert.state for alert in rows(database)] == ["resolved", "open"]


@pytest.mark.parametrize("name", RULES)
def test_every_rule_speaks_of_whom_it_hurts_and_how_it_ends(name: str) -> None:
    alert = Alert(rule=name, subject="acme", count=2, details={"amount": "1.00 EUR"})
    for said in (alert_words.sentence(alert), alert_words.whom(alert), RULES[name].ends_when):
        assert len(said) > 8
        assert "{" not in said


def test_an_alert_tells_instants_as_people_write_them_and_leaves_out_what_it_lacks() -> None:
    span = {"since": "2026-03-02T10:00:09.25+01:00", "until": "2026-03-03T00:00:00Z"}
    gap = alert_words.sentence(Alert(rule="reconciliation_gap", subject="acme", details=span))
    assert "from 2026-03-02 09:00 UTC to 2026-03-03 00:00 UTC were never walked" in gap
    found = Alert(rule="reconciliation_found", subject="acme", details={"oldest": None})
    assert "the oldest is of ?" in alert_words.sentence(found)
