"""What makes a big store as uneven as a real one: blocks, refunds, failed renewals, decisions.

The statements read what ``bench.big_store_rows`` has filled, by its permanent tables alone, and
come after it, in this order. Whatever looks random is arithmetic on numbers.
"""

from __future__ import annotations

from typing import Final

VARIETY: Final[tuple[tuple[str, str], ...]] = (
    (
        "failed renewals",
        # One renewal of sixteen failed before it was paid; a third of those that ran out was lost.
        """
        INSERT INTO history (account_id, at, kind, details)
        SELECT account_id, closed_at - interval '2 days', 'renewal_failed', jsonb_build_object(
                   'order', id, 'number', 1, 'code',
                   (ARRAY['card_declined', 'expired_card', 'insufficient_funds'])
                       [1 + (account_id %% 3)::int])
        FROM orders WHERE kind = 'renewal' AND left(md5(id), 1) = '0';
        INSERT INTO orders (id, account_id, kind, state, currency, total, due, quote, method,
                            provider, created_at, expires_at, closed_at, failure)
        SELECT 'ord_' || left(md5('lost' || o.id), 24), o.account_id, 'renewal', 'expired',
               o.currency, o.total, o.due, o.quote, 'saved', o.provider,
               s.period_end - interval '1 day', s.period_end + interval '5 days',
               least(s.period_end + interval '5 days', %(ended)s), 'card_declined'
        FROM subscriptions AS s JOIN orders AS o ON o.id = s.order_id
        WHERE s.state = 'expired' AND s.account_id %% 3 = 1;
        INSERT INTO history (account_id, at, kind, details)
        SELECT account_id, created_at, 'renewal_failed', jsonb_build_object(
                   'order', id, 'number', 1, 'code', 'card_declined')
        FROM orders WHERE kind = 'renewal' AND state = 'expired'
        """,
    ),
    (
        "failing renewals",
        # Half of those that ran out in the last days are still being tried.
        """
        CREATE TEMP TABLE failing ON COMMIT DROP AS
        SELECT account_id, period_end, order_id FROM subscriptions
        WHERE state = 'expired' AND period_end > %(ended)s - interval '4 days'
          AND account_id %% 3 <> 1;
        UPDATE subscriptions AS s
        SET state = 'past_due', auto_renew = true, auto_renew_off_reason = NULL, ended_at = NULL,
            renewal_failures = 1, renewal_charges = 1, renewal_tried_at = s.period_end,
            next_due_at = %(ended)s + interval '30 hours'
        FROM failing AS f WHERE f.account_id = s.account_id;
        UPDATE accounts AS a SET status = 'active', blocked_reason = NULL, blocked_at = NULL
        FROM failing AS f WHERE f.account_id = a.id;
        INSERT INTO orders (id, account_id, kind, state, currency, total, due, quote, method,
                            provider, created_at, expires_at)
        SELECT 'ord_' || left(md5('tried' || o.id), 24), o.account_id, 'renewal', 'open',
               o.currency, o.total, o.due, o.quote, 'saved', o.provider,
               f.period_end - interval '1 day', %(ended)s + interval '10 days'
        FROM failing AS f JOIN orders AS o ON o.id = f.order_id;
        INSERT INTO history (account_id, at, kind, details)
        SELECT o.account_id, f.period_end, 'renewal_failed', jsonb_build_object(
                   'order', o.id, 'number', 1, 'code', 'insufficient_funds')
        FROM failing AS f JOIN orders AS o ON o.account_id = f.account_id AND o.state = 'open'
        """,
    ),
    (
        "blocks by operators",
        # Two or three of a thousand that run.
        """
        CREATE TEMP TABLE stopped ON COMMIT DROP AS
        SELECT a.id, a.ref, 'operator:op-' || a.id %% 40 AS actor,
               greatest(a.created_at, %(ended)s - (a.id %% 300) * interval '1 day') AS at
        FROM accounts AS a JOIN subscriptions AS s ON s.account_id = a.id
        WHERE a.id %% 397 = 5 AND s.state = 'active';
        UPDATE accounts AS a SET status = 'blocked', blocked_reason = 'operator', blocked_at = s.at
        FROM stopped AS s WHERE s.id = a.id;
        INSERT INTO history (account_id, at, kind, details, actor)
        SELECT id, at, 'account_blocked', '{"reason": "chargebacks of friends"}', actor
        FROM stopped;
        INSERT INTO audit (at, actor, action, subject_kind, subject, account_id, reason, details)
        SELECT at, actor, 'block', 'account', ref, id, 'chargebacks of friends', '{}' FROM stopped
        """,
    ),
    (
        "refunds and credit notes",
        # One payment of twenty-nine was given back in part, by an operator.
        """
        CREATE TEMP TABLE given_back ON COMMIT DROP AS
        SELECT p.id, p.provider, p.account_id, p.currency, p.amount / 10 AS amount, i.id AS invoice,
               p.paid_at + interval '3 days' AS at, i.order_id, i.content,
               i.net / 10 AS net
        FROM payments AS p JOIN invoices AS i ON i.payment_id = p.id
        WHERE p.id %% 29 = 3 AND p.paid_at < %(ended)s - interval '4 days';
        UPDATE payments AS p SET refunded = g.amount FROM given_back AS g WHERE g.id = p.id;
        INSERT INTO refunds (provider, reference, payment_id, amount, currency, state, origin,
                             reason, reversal, returned, requested_at, settled_at, key)
        SELECT provider, 're_' || left(md5('refund' || id), 24), id, amount, currency, 'succeeded',
               'operator', 'goodwill', false, true, at, at, 'refund-' || md5(id::text)
        FROM given_back;
        INSERT INTO invoices (id, kind, series, position, number, cause, account_id, order_id,
                              payment_id, corrects_id, issued_at, currency, net, vat, total,
                              content, locale, revision)
        SELECT (SELECT max(id) FROM invoices) + row_number() OVER (ORDER BY at, id), 'credit_note',
               series, position, series || '-' || lpad(position::text, 6, '0'), 'refund:' || id,
               account_id, order_id, id, invoice, at, currency, net, amount - net, amount, content,
               'en', 1
        FROM (SELECT *, 'CN-' || to_char(at, 'YYYY') AS series, row_number() OVER (
                  PARTITION BY to_char(at, 'YYYY') ORDER BY at, id) AS position
              FROM given_back) AS numbered;
        INSERT INTO number_series SELECT series, max(position) FROM invoices
        WHERE kind = 'credit_note' GROUP BY series;
        INSERT INTO history (account_id, at, kind, details)
        SELECT account_id, at, 'credit_note_issued', jsonb_build_object('payment', id)
        FROM given_back;
        SELECT setval(pg_get_serial_sequence('invoices', 'id'), max(id) + 1) FROM invoices
        """,
    ),
    (
        "lost disputes",
        # One account of fifty-three that ran out is blocked for a dispute instead.
        """
        CREATE TEMP TABLE lost ON COMMIT DROP AS
        SELECT s.account_id, p.id, p.provider, p.amount, p.currency, s.period_end
        FROM subscriptions AS s JOIN payments AS p ON p.order_id = s.order_id
        WHERE s.state = 'expired' AND s.account_id %% 53 = 7;
        INSERT INTO disputes (provider, reference, payment_id, account_id, state, amount, currency,
                              reason, opened_at, closed_at)
        SELECT provider, 'dp_' || left(md5('dispute' || id), 24), id, account_id, 'lost', amount,
               currency, 'fraudulent', period_end - interval '20 days', period_end
        FROM lost;
        UPDATE subscriptions AS s SET state = 'ended'
        FROM lost WHERE lost.account_id = s.account_id;
        UPDATE accounts AS a SET blocked_reason = 'dispute_lost'
        FROM lost WHERE lost.account_id = a.id
        """,
    ),
    (
        "subscriptions run by a provider",
        """
        WITH theirs AS (
            SELECT account_id, 'I-' || upper(left(md5('managed' || account_id), 12)) AS reference
            FROM subscriptions WHERE account_id %% 211 = 7 AND state IN ('active', 'expired')
        ), told AS (
            INSERT INTO managed_subscriptions (
                provider, reference, account_id, applied_sequence, state, auto_renew, given_up,
                ended_at, order_id, plan, interval, agents, conversations, period_start,
                period_end, period_net, currency, started_at, paid, terminated)
            SELECT 'paypal', t.reference, account_id, 1,
                   CASE s.state WHEN 'active' THEN 'active' ELSE 'ended' END, s.state = 'active',
                   false, s.ended_at, s.order_id, s.plan, s.interval, s.agents, s.conversations,
                   s.period_start, s.period_end, s.period_net, s.currency, s.started_at, true, false
            FROM theirs AS t JOIN subscriptions AS s USING (account_id)
        )
        UPDATE subscriptions AS s SET managed_by = 'paypal', managed_reference = t.reference,
               auto_renew = s.state = 'active',
               auto_renew_off_reason = CASE WHEN s.state = 'active' THEN NULL ELSE 'customer' END,
               next_due_at = CASE WHEN s.state = 'active' THEN period_end + interval '6 days' END
        FROM theirs AS t WHERE t.account_id = s.account_id
        """,
    ),
    (
        "credit",
        """
        INSERT INTO credit_entries (account_id, at, kind, amount, currency, cause)
        SELECT id, created_at + k * interval '1 hour', 'operator', 100 * k, currency,
               'operator:' || id || ':' || k
        FROM accounts CROSS JOIN generate_series(1, 3) AS k WHERE id %% 61 = 1
        """,
    ),
    (
        "decisions",
        # As many as a tenth of the purchases have, with a few actors that do most of them.
        """
        INSERT INTO audit (at, actor, action, subject_kind, subject, account_id, reason, source,
                           details)
        SELECT %(began)s + (%(ended)s - %(began)s) * (n::float / (%(purchases)s + 1)),
               CASE WHEN n %% 20000 = 3 THEN 'admin:root'
                    WHEN n %% 7 = 0 THEN 'app:token-1'
                    ELSE 'operator:op-' || floor(40 * power(h / 65536.0, 2)) END,
               CASE WHEN n %% 50000 = 9 THEN 'disable' ELSE k.action END,
               CASE WHEN n %% 50000 = 9 THEN 'operator' ELSE k.kind END,
               CASE WHEN n %% 50000 = 9 THEN 'op-' || n %% 40
                    WHEN k.kind = 'account' THEN 'app-' || who
                    WHEN k.kind = 'event' THEN (n * 10 - 3)::text
                    WHEN k.kind = 'operator' THEN 'op-' || n %% 40 ELSE n::text END,
               CASE WHEN k.kind IN ('account', 'event', 'payment') AND n %% 50000 <> 9
                    THEN who END,
               CASE WHEN n %% 3 = 0 THEN 'asked for by the customer' END,
               '203.0.113.' || n %% 250, jsonb_build_object('note', n)
        FROM (SELECT n, ('x' || left(md5('decision' || n), 4))::bit(16)::int AS h,
                     CASE WHEN n %% 100 < 2 THEN 1
                          ELSE 1 + (n * 7919::bigint) %% %(accounts)s END AS who
              FROM generate_series(1, %(purchases)s) AS n) AS d
        JOIN (VALUES (0, 'retry', 'event'), (1, 'retry', 'event'), (2, 'sign_in', 'operator'),
                     (3, 'dismiss', 'event'), (4, 'order', 'account'), (5, 'refund', 'payment'),
                     (6, 'retry', 'effect'), (7, 'resend', 'account'), (8, 'acknowledge', 'alert'),
                     (9, 'unblock', 'account')) AS k(slot, action, kind) ON k.slot = h %% 10
        """,
    ),
    (
        "alerts of the past",
        # A fifth of the purchases of a store that alerts too much; a thousandth is not over yet.
        """
        INSERT INTO alerts (rule, subject, state, details, count, opened_at, last_seen_at,
                            acknowledged_by, acknowledged_at, resolved_at)
        SELECT r.rule, r.provider || ':past-' || n, s.state,
               jsonb_build_object('account', 'app-' || 1 + n %% %(accounts)s, 'amount', '12.00 EUR',
                                  'reason', 'none', 'count', 1, 'subject', n),
               1 + n %% 3, at, at + interval '1 hour',
               CASE WHEN s.state = 'acknowledged' OR n %% 4 = 0
                    THEN 'operator:op-' || n %% 40 END,
               CASE WHEN s.state = 'acknowledged' OR n %% 4 = 0 THEN at + interval '1 hour' END,
               CASE WHEN s.state = 'resolved' THEN at + interval '2 hours' END
        FROM (SELECT n, %(began)s + (%(ended)s - %(began)s) * (5.0 * n / (%(purchases)s + 5)) AS at
              FROM generate_series(1, %(purchases)s / 5) AS n) AS past
        JOIN (VALUES (0, 'renewal_exhausted', 'us'), (1, 'renewal_exhausted', 'us'),
                     (2, 'sink_failing', 'mail'), (3, 'dispute_lost', 'stripe'),
                     (4, 'payment_reversed', 'paypal'), (5, 'refund_without_end', 'stripe'))
            AS r(slot, rule, provider) ON r.slot = n %% 6
        CROSS JOIN LATERAL (SELECT CASE WHEN n %% 1000 <> 7 THEN 'resolved'
                                        WHEN n %% 3000 = 7 THEN 'acknowledged' ELSE 'open' END
                                   AS state) AS s
        """,
    ),
    (
        "money of unfinished events",
        """
        UPDATE events AS e SET amount = o.total, currency = o.currency
        FROM orders AS o
        WHERE o.id = e.order_id AND e.status IN ('parked', 'waiting', 'unmatched')
        """,
    ),
    (
        "levels and traffic",
        """
        INSERT INTO tallies (unit, start, series, provider, count)
        SELECT unit, start, level, '', 40 FROM tallies
        CROSS JOIN (VALUES ('waiting'), ('parked')) AS l(level)
        WHERE series = 'received' AND provider = 'stripe';
        INSERT INTO traffic (provider, slot, accepted, refused, unverified, accepted_at)
        SELECT provider, start, count, 0, 0, start FROM tallies
        WHERE unit = 'minutes' AND series = 'received' AND start > %(ended)s - interval '35 days'
        """,
    ),
)
