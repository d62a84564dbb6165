"""The rules about the work itself: events, effects, the webhooks, and the machine."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from domain.alert_rule import SEEN_TO, AlertRule

_MINUTE: Final = timedelta(minutes=1)

WORK: Final = (
    AlertRule(
        name="parked_events",
        severity="critical",
        title="Events are parked",
        what="{count} events of {subject} are parked: nobody works on them until a person decides. "
        "The first of them came at {oldest}.",
        hurts="{accounts} accounts; of {unknown} events nobody knows yet whose they are. Money "
        "that they speak of: {money}.",
        ends="watch",
        ends_when="When no event of the provider is parked.",
    ),
    AlertRule(
        name="oldest_unfinished",
        severity="critical",
        title="Events are not worked in time",
        what="{count} events are due and the oldest has been for {age}: the workers do not keep "
        "up, or stand still.",
        hurts="Customers who paid and wait to be activated.",
        ends="watch",
        ends_when="When no event has been due for that long.",
        after=2 * _MINUTE,
    ),
    AlertRule(
        name="failure_rate",
        severity="warning",
        title="Many events of one type fail",
        what="{failing} of the last {count} events of {subject} fail ({percent} %).",
        hurts="The accounts that these events are about.",
        ends="watch",
        ends_when="When fewer of those that came lately fail.",
        at_least=5,
        share=0.2,
        window=15 * _MINUTE,
        after=_MINUTE,
    ),
    AlertRule(
        name="effects_stuck",
        severity="critical",
        title="Effects are not performed in time",
        what="{count} effects are due and the oldest ({kind}) has been for {age}: charges, mails "
        "and invoices wait.",
        hurts="Customers who wait for an invoice, a mail or their money.",
        ends="watch",
        ends_when="When no effect has been due for that long.",
        after=5 * _MINUTE,
    ),
    AlertRule(
        name="effects_parked",
        severity="critical",
        title="Effects gave up",
        what="{count} effects {subject} gave up and wait for a person. The first was wanted at "
        "{oldest}.",
        hurts="{accounts} accounts.",
        ends="watch",
        ends_when="When none of the kind is parked.",
    ),
)

EDGE: Final = (
    AlertRule(
        name="signature_failures",
        severity="warning",
        title="Deliveries are refused",
        what="{refused} calls to the webhook of {subject} were refused in the last quarter of an "
        "hour, {accepted} were authentic.",
        hurts="Nobody when a stranger sends them; else every customer whose payment is in them.",
        ends="watch",
        ends_when="When fewer are refused.",
        at_least=10,
        share=0.1,
        window=15 * _MINUTE,
    ),
    AlertRule(
        name="secret_trouble",
        severity="critical",
        title="No delivery is authentic",
        what="All {refused} calls to the webhook of {subject} in the last quarter of an hour were "
        "refused: the secret or the webhook id that is configured here is not the one they are "
        "signed for.",
        hurts="Every customer who pays by {subject}: nothing of it arrives. The provider sends "
        "again for three days.",
        ends="watch",
        ends_when="When a delivery is authentic, or no more are refused.",
        at_least=5,
        window=15 * _MINUTE,
    ),
    AlertRule(
        name="certificate_trouble",
        severity="critical",
        title="Authenticity cannot be told",
        what="Whether deliveries of {subject} are authentic cannot be told for sure: {trouble}.",
        hurts="Customers who paid by {subject}: {waiting} deliveries are kept and wait.",
        ends="watch",
        ends_when="When nothing waits to be verified, or the certificate was replaced.",
        after=_MINUTE,
        window=timedelta(days=14),
    ),
    AlertRule(
        name="provider_silent",
        severity="critical",
        title="A provider is silent",
        what="{subject} has sent nothing for {age}. In the same hours of the weeks before it sent "
        "{usual} deliveries.",
        hurts="Customers who paid meanwhile: nothing of it arrives.",
        ends="watch",
        ends_when="When a delivery arrives.",
        at_least=8,
        after=30 * _MINUTE,
        window=timedelta(hours=24),
    ),
    AlertRule(
        name="forged_delivery",
        severity="warning",
        title="A delivery in quarantine was forged",
        what="A delivery that claimed to be from {subject} was found to be forged; nothing of it "
        "was believed.",
        hurts="Nobody; somebody tries.",
        ends="person",
        ends_when=SEEN_TO,
    ),
)

MACHINE: Final = (
    AlertRule(
        name="clock_not_seen",
        severity="critical",
        title="No clock is running",
        what="No clock process was seen for {age}: nothing that is due by time happens.",
        hurts="Every account: no renewals, warnings, expiries and repeats.",
        ends="watch",
        ends_when="When a clock runs.",
        after=timedelta(seconds=45),
    ),
    AlertRule(
        name="worker_not_seen",
        severity="critical",
        title="No worker is running",
        what="No worker process was seen for {age}: deliveries are kept and nobody works on them.",
        hurts="Customers who paid and wait to be activated.",
        ends="watch",
        ends_when="When a worker runs.",
        after=_MINUTE,
    ),
    AlertRule(
        name="sink_failing",
        severity="warning",
        title="Alerts cannot be told",
        what="{count} messages to {subject} could not be sent; the last reason: {reason}.",
        hurts="Whoever relies on being told there.",
        ends="watch",
        ends_when="When no message to it waits, and a day after one gave up.",
        at_least=3,
        window=timedelta(days=1),
    ),
    AlertRule(
        name="invariant_broken",
        severity="critical",
        title="An invariant is broken",
        what="{count} times it does not hold: {holds}",
        hurts="The accounts that it names: {violations}",
        ends="watch",
        ends_when="When it holds again.",
    ),
    AlertRule(
        name="number_series_hole",
        severity="critical",
        title="A number series has a hole or a duplicate",
        what="The numbers of the papers are not gapless: {violations}",
        hurts="The books; the tax office asks about a missing number.",
        ends="watch",
        ends_when="When the series is gapless again.",
    ),
    AlertRule(
        name="month_held_back",
        severity="warning",
        title="Old data cannot be dropped",
        what="What the table {table} has of {month} was to go on {due} ({setting}). Unfinished "
        "events still need it: {held}. Have them worked, or dismiss them: then it goes within a "
        "day.",
        hurts="Customers whose data are in it: they are kept for longer than is set.",
        ends="watch",
        ends_when="When no unfinished event needs the month any more.",
        # An event that holds a month has been unfinished for a month at the least, and an alert of
        # its own has told of it (parked_events, oldest_unfinished, certificate_trouble). A week is
        # time for whoever has it in hand, holidays included, and little beside the days that data
        # are kept.
        after=timedelta(days=7),
    ),
    AlertRule(
        name="subscription_not_moved",
        severity="critical",
        title="What is due for a subscription fails",
        what="Renewal, warning or expiry of account {account} fails: {reason}. It is tried again "
        "after 1, 5 and 15 minutes, then every hour.",
        hurts="Account {account}: it is neither renewed nor ended.",
        ends="work",
        ends_when="When it succeeds.",
    ),
    AlertRule(
        name="reconciliation_found",
        severity="warning",
        title="Events came by no webhook",
        what="{count} events of {subject} came by no webhook and were found in the provider's "
        "list; the oldest is of {oldest}.",
        hurts="The accounts that they are about: they were served late.",
        ends="work",
        ends_when="When none was missed for a day.",
    ),
    AlertRule(
        name="reconciliation_failing",
        severity="warning",
        title="The reconciliation does not come through",
        what="The reconciliation with {subject} has not come through since {since}.",
        hurts="Nobody yet; what was missed stays unnoticed.",
        ends="work",
        ends_when="When it comes through.",
    ),
)
