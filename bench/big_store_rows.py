"""The statements that fill a big store, one per table, in the order in which they are run.

Purchase p is what events 10p-9 to 10p are about, and whatever looks random is a digest of a number,
so that the same call makes the same rows. Two of a hundred deliveries came twice; payloads older
than a month were dropped by age.
"""

from __future__ import annotations

from typing import Final

STAGES: Final[tuple[tuple[str, str], ...]] = (
    (
        "purchases",
        # The account's share of the purchases falls with its number: a few have very many, and the
        # first has a fiftieth of all, as a reseller has. Times grow denser towards the end, as
        # those of a growing seller do.
        """
        CREATE TEMP TABLE purchase AS
        SELECT p, account, at, provider, order_id, reference, offer,
               row_number() OVER w AS k, count(*) OVER (PARTITION BY account) AS of_account
        FROM (
            SELECT p, CASE WHEN p %% 100 < 2 THEN 1 ELSE 1 + floor(%(accounts)s * power(
                       ('x' || left(md5('account' || p), 8))::bit(32)::bigint / 4294967296.0, 2
                   ))::bigint END AS account, at,
                   CASE WHEN p %% 10 < 7 THEN 'stripe' ELSE 'paypal' END AS provider,
                   'ord_' || left(md5('order' || p), 24) AS order_id,
                   CASE WHEN p %% 10 < 7 THEN 'pi_3' || pg_temp.stamp(at)
                   || left(md5('payment' || p), 18)
                   ELSE upper(left(md5('payment' || p), 17)) END AS reference,
                   p %% (SELECT count(*) FROM offer) AS offer
            FROM generate_series(1, %(purchases)s) AS p
            CROSS JOIN LATERAL (SELECT %(began)s + (%(ended)s - %(began)s)
                * power(p::float / (%(purchases)s + 1), 0.667) AS at) AS t
        ) AS s WINDOW w AS (PARTITION BY account ORDER BY p)
        """,
    ),
    (
        "last purchases",
        # An account keeps its currency: the offer of its number decides, not that of the purchase.
        """
        UPDATE purchase SET offer = account %% (SELECT count(*) FROM offer)
        WHERE offer <> account %% (SELECT count(*) FROM offer);
        CREATE TEMP TABLE latest AS
        SELECT p.*, o.interval, o.plan, o.currency, o.net,
               at + ('1 ' || o.interval)::interval AS period_end,
               at + ('1 ' || o.interval)::interval > %(ended)s AS runs
        FROM purchase AS p JOIN offer AS o ON o.id = p.offer WHERE k = of_account;
        CREATE UNIQUE INDEX ON latest (account);
        ANALYZE purchase;
        ANALYZE latest
        """,
    ),
    (
        "accounts",
        """
        INSERT INTO accounts (id, ref, email, locale, currency, billing, status, blocked_reason,
                              blocked_at, created_at, updated_at)
        SELECT n, 'app-' || n, 'billing@customer-' || n || '.example',
               (ARRAY['en', 'cs', 'fr', 'pl'])[1 + n %% 4], o.currency,
               jsonb_build_object('name', 'Customer ' || n || ' s.r.o.', 'street', 'Dlouhá ' || n,
                                  'city', 'Praha', 'postcode', '110 00', 'country', 'CZ'),
               CASE WHEN l.runs IS FALSE THEN 'blocked' ELSE 'active' END,
               CASE WHEN l.runs IS FALSE THEN 'subscription_expired' END,
               CASE WHEN l.runs IS FALSE THEN l.period_end END, f.at, f.at
        FROM generate_series(1, %(accounts)s) AS n
        JOIN offer AS o ON o.id = n %% (SELECT count(*) FROM offer)
        LEFT JOIN latest AS l ON l.account = n
        LEFT JOIN purchase AS first ON first.account = n AND first.k = 1
        CROSS JOIN LATERAL (
            SELECT coalesce(first.at - interval '20 minutes', %(began)s + (%(ended)s - %(began)s)
                            * (n::float / (%(accounts)s + 1))) AS at
        ) AS f
        """,
    ),
    (
        "subscriptions",
        """
        INSERT INTO subscriptions (
            account_id, plan, interval, agents, conversations, currency, period_start, period_end,
            period_net, anchor_day, state, auto_renew, auto_renew_off_reason, managed_by,
            started_at, order_id, ended_at, next_due_at, warned_days, renewal_failures,
            renewal_charges, renewal_in_flight, renewals_suspended)
        SELECT account, plan, interval, 2, CASE plan WHEN 'pro' THEN 500 ELSE 100 END, currency,
               at, period_end, net, extract(day FROM at), CASE WHEN runs THEN 'active'
               ELSE 'expired' END, renews, CASE WHEN renews THEN NULL ELSE 'customer' END, 'us', at,
               order_id, CASE WHEN runs THEN NULL ELSE period_end END,
               CASE WHEN NOT runs THEN NULL WHEN renews THEN period_end - interval '1 day'
               ELSE period_end END, CASE WHEN runs AND NOT renews THEN 1 END, 0, 0, false, false
        FROM latest
        -- What ends in a moment is not renewed, so that filling a store sets nothing in motion.
        CROSS JOIN LATERAL (SELECT period_end > %(ended)s + interval '2 days' AS renews) AS r
        """,
    ),
    (
        "provider_customers",
        """
        INSERT INTO provider_customers (provider, customer, account_id)
        SELECT 'stripe', 'cus_' || left(md5('customer' || account), 14), account
        FROM latest WHERE provider = 'stripe'
        """,
    ),
    (
        "payment_methods",
        """
        INSERT INTO payment_methods (
            account_id, provider, token, customer, kind, brand, last4, expires, saved_at)
        SELECT account, 'stripe', 'pm_' || left(md5('token' || account), 24),
               'cus_' || left(md5('customer' || account), 14), 'card', 'visa',
               lpad((account %% 10000)::text, 4, '0'), '2031-12', at
        FROM latest WHERE provider = 'stripe'
        """,
    ),
    (
        "orders",
        """
        INSERT INTO orders (id, account_id, kind, state, currency, total, due, quote, method,
                            provider, created_at, expires_at, closed_at)
        SELECT p.order_id, p.account, CASE p.k WHEN 1 THEN 'purchase' ELSE 'renewal' END, 'paid',
               o.currency, o.total, o.total,
               o.quote || jsonb_build_object(
                   'period_start', to_char(p.at, 'YYYY-MM-DD"T"HH24:MI:SS.USOF:00'),
                   'period_end', to_char(p.at + ('1 ' || o.interval)::interval,
                                         'YYYY-MM-DD"T"HH24:MI:SS.USOF:00')),
               CASE p.provider WHEN 'stripe' THEN 'card' ELSE 'paypal' END, p.provider,
               p.at - interval '10 minutes', p.at + interval '1 day', p.at
        FROM purchase AS p JOIN offer AS o ON o.id = p.offer ORDER BY p.p
        """,
    ),
    (
        "payments",
        """
        INSERT INTO payments (id, provider, reference, account_id, order_id, state, amount,
                              currency, refunded, reported_total, use, method, paid_at, created_at)
        SELECT p.p, p.provider, p.reference, p.account, p.order_id, 'succeeded', o.total,
               o.currency, 0, 0, 'order',
               CASE p.provider WHEN 'stripe'
               THEN jsonb_build_object('kind', 'card', 'brand', 'visa', 'last4', '4242')
               ELSE jsonb_build_object('kind', 'wallet', 'brand', 'paypal') END, p.at, p.at
        FROM purchase AS p JOIN offer AS o ON o.id = p.offer ORDER BY p.p
        """,
    ),
    (
        "invoices",
        """
        INSERT INTO invoices (id, kind, series, position, number, cause, account_id, order_id,
                              payment_id, issued_at, currency, net, vat, total, content, locale,
                              revision)
        SELECT p, 'invoice', series, position, series || '-' || lpad(position::text, 6, '0'),
               'order:' || order_id, account, order_id, p, at, currency, net, total - net, total,
               jsonb_build_object('kind', 'purchase', 'quote', quote, 'seller', seller,
                   'buyer', jsonb_build_object('ref', 'app-' || account, 'country', 'CZ'),
                   'paid', jsonb_build_object('at', at, 'provider', provider, 'reference',
                       reference, 'amount', total, 'method', NULL)),
               'en', 1
        FROM (
            SELECT s.p, s.at, s.account, s.order_id, s.provider, s.reference, o.currency, o.net,
                   o.total, o.quote, o.seller, to_char(s.at, 'YYYY') AS series,
                   row_number() OVER (PARTITION BY to_char(s.at, 'YYYY') ORDER BY s.p) AS position
            FROM purchase AS s JOIN offer AS o ON o.id = s.offer
        ) AS numbered ORDER BY p
        """,
    ),
    (
        "number_series",
        "INSERT INTO number_series SELECT series, max(position) FROM invoices GROUP BY series",
    ),
    (
        "history",
        """
        INSERT INTO history (account_id, at, kind, details, event_id)
        SELECT account, at, kind, jsonb_build_object('order', order_id), 10 * p - 8
        FROM purchase
        CROSS JOIN (VALUES (1, 'order_placed'), (2, 'order_paid'), (3, 'invoice_issued'))
            AS t(place, kind) ORDER BY p, place
        """,
    ),
    (
        "effects",
        """
        INSERT INTO effects (cause, kind, target, status, payload, account_id, event_id, attempts,
                             created_at, done_at, note, fingerprint)
        SELECT 'order:' || order_id, kind, target, CASE WHEN lost THEN 'parked' ELSE 'done' END,
               '{}', account, 10 * p - 8, CASE WHEN lost THEN 10 ELSE 1 END, at,
               CASE WHEN lost THEN NULL ELSE at + interval '2 seconds' END,
               CASE WHEN lost THEN 'the server answered 503' END,
               CASE WHEN lost THEN kind || ': Transient: the server answered #' END
        FROM purchase
        CROSS JOIN (VALUES ('render_invoice', 'invoice:1'), ('send_mail', 'receipt'),
                           ('tell_app', 'subscription.renewed')) AS t(kind, target)
        CROSS JOIN LATERAL (SELECT kind <> 'render_invoice' AND p %% 20000 = 7 AS lost) AS l
        ORDER BY p
        """,
    ),
    (
        "events",
        """
        INSERT INTO events (id, provider, provider_event_id, type, status, origin, delivery_id,
                            received_at, created_at, livemode, next_attempt_at, attempts,
                            account_id, order_id, payment, finished_at, note, fingerprint)
        SELECT n, u.provider,
               CASE u.provider
               WHEN 'stripe' THEN 'evt_1' || pg_temp.stamp(came) || left(md5('event' || n), 18)
               ELSE 'WH-' || upper(left(md5('event' || n), 17)) END,
               k.type, s.status, CASE WHEN n %% 5000 = 11 THEN 'backfill' ELSE 'webhook' END,
               pg_temp.delivery_id(came, 'delivery' || n), came, came - interval '1 second', true,
               CASE WHEN s.status IN ('waiting', 'unmatched') THEN %(ended)s + interval '1 day' END,
               CASE s.status WHEN 'parked' THEN 7 WHEN 'quarantined' THEN 0 ELSE 1 END,
               CASE WHEN k.ours THEN u.account END, CASE WHEN k.ours THEN u.order_id END,
               CASE WHEN k.ours THEN u.reference END,
               CASE WHEN s.status IN ('processed', 'ignored', 'dismissed')
               THEN came + interval '30 milliseconds' END,
               CASE s.status WHEN 'ignored' THEN 'nothing for us in it'
               WHEN 'parked' THEN 'no account is known by order ord_' || md5('lost' || n)
               WHEN 'unmatched' THEN 'no account is known by order ord_' || md5('lost' || n)
               WHEN 'waiting' THEN 'waiting for payment ' || u.reference || ' from the provider'
               WHEN 'dismissed' THEN 'looked at by hand' END,
               CASE s.status WHEN 'parked'
               THEN (ARRAY['process_events: NotYet: no account is known by order #',
                           'process_events: Permanent: the event carries no object in data.object',
                           'process_events: KeyError: plan'])[1 + n / 5003 %% 3] END
        FROM purchase AS u
        CROSS JOIN generate_series(0, 9) AS j
        CROSS JOIN LATERAL (SELECT 10 * p - 9 + j AS n, at + j * interval '0.7 s' AS came) AS i
        JOIN kind AS k ON k.provider = u.provider AND k.slot = j
        CROSS JOIN LATERAL (SELECT CASE
               WHEN n %% 5003 = 17 THEN 'parked'
               WHEN n %% 20011 = 19 THEN 'dismissed'
               WHEN n > %(events)s - 50000 AND n %% 997 = 5 THEN 'unmatched'
               WHEN n > %(events)s - 50000 AND n %% 991 = 5 THEN 'waiting'
               WHEN k.ours THEN 'processed' ELSE 'ignored' END AS status) AS s
        ORDER BY u.p, j
        """,
    ),
    (
        "deliveries",
        """
        INSERT INTO deliveries (id, provider, delivery_key, provider_event_id, received_at, source,
                                headers, signer, body_sha256)
        SELECT CASE again WHEN 0 THEN e.delivery_id
               ELSE pg_temp.delivery_id(e.received_at + interval '1 hour', 'again' || e.id) END,
               e.provider, CASE e.provider WHEN 'paypal' THEN md5('sent' || again || e.id) END,
               e.provider_event_id, e.received_at + again * interval '1 hour',
               CASE e.provider WHEN 'stripe' THEN '3.18.12.63' ELSE '66.211.168.123' END,
               jsonb_build_object('content-type', 'application/json', 'signature', md5(e.id::text)),
               CASE e.provider WHEN 'stripe' THEN 'secret 1 of 1' ELSE 'webhook id 1 of 1' END,
               decode(md5('body' || e.id) || md5('digest' || e.id), 'hex')
        FROM events AS e
        JOIN generate_series(0, 1) AS again ON again = 0 OR e.id %% 50 = 3
        """,
    ),
    (
        "payloads",
        """
        INSERT INTO payloads (event_id, received_at, body)
        SELECT id, received_at, convert_to(json_build_object(
                   'id', provider_event_id, 'object', 'event', 'type', type, 'livemode', true,
                   'data', json_build_object('object', json_build_object(
                       'id', payment, 'metadata', json_build_object('order_id', order_id)))
               )::text, 'UTF8')
        FROM events WHERE received_at > %(ended)s - interval '30 days'
        """,
    ),
    (
        "attempts",
        """
        INSERT INTO attempts (event_id, at, outcome, error, traceback, worker)
        SELECT id, received_at + again * interval '30 milliseconds',
               CASE WHEN again < attempts THEN 'unmatched' ELSE status END,
               CASE WHEN finished_at IS NULL THEN note END,
               CASE WHEN fingerprint LIKE '%%KeyError%%' THEN 'Traceback (most recent call last):'
                   || repeat(E'\\n  File "domain/rules.py", line 34, in apply', 12) END,
               'worker-' || 1 + id %% 3 || ':7'
        FROM events JOIN generate_series(1, 7) AS again ON again <= attempts
        """,
    ),
    (
        "attempts at effects",
        """
        INSERT INTO attempts (event_id, effect_id, at, outcome, error, worker)
        SELECT event_id, id, created_at + interval '1 second',
               CASE status WHEN 'done' THEN 'done' ELSE 'failed' END, note, 'worker-1:7'
        FROM effects
        """,
    ),
    (
        "alerts",
        """
        INSERT INTO alerts (rule, subject, state, details, count, opened_at, last_seen_at,
                            resolved_at)
        SELECT (ARRAY['misdirected_payment', 'fraud_warning', 'dispute_opened'])[1 + p / 5000 %% 3],
               provider || ':' || reference, CASE WHEN recent THEN 'open' ELSE 'resolved' END,
               jsonb_build_object('account', 'app-' || account), 1, at, at,
               CASE WHEN recent THEN NULL ELSE at + interval '3 hours' END
        FROM purchase CROSS JOIN LATERAL (SELECT at > %(ended)s - interval '7 days' AS recent) AS r
        WHERE p %% 5000 = 13
        """,
    ),
)
