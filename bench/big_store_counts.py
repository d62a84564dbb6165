"""What a clock that ran all the time has counted of a big store: else it would catch up while
somebody measures."""

from __future__ import annotations

from typing import Final

COUNTS: Final = (
    "tallies",
    """
    CREATE TEMP TABLE happened AS
    SELECT received_at AS at, 'received' AS series, provider FROM events
    UNION ALL
    SELECT a.at, CASE WHEN a.outcome IN ('processed', 'ignored', 'dismissed') THEN 'finished'
                      ELSE 'failed' END, e.provider
    FROM attempts AS a JOIN events AS e ON e.id = a.event_id
    WHERE a.outcome IN ('processed', 'ignored', 'dismissed') OR a.error IS NOT NULL;
    INSERT INTO tallies (unit, start, series, provider, count)
    SELECT unit, date_bin(length, at, TIMESTAMPTZ 'epoch'), series, provider, count(*)
    FROM happened
    CROSS JOIN (VALUES ('minutes', interval '5 minutes'), ('hours', interval '1 hour'),
                       ('days', interval '1 day')) AS units(unit, length)
    GROUP BY 1, 2, 3, 4;
    INSERT INTO tally_marks (name, counted_to)
    SELECT 'events', coalesce(max(id), 0) FROM events
    UNION ALL SELECT 'attempts', coalesce(max(id), 0) FROM attempts
    """,
)
"""A stage of ``big_store_rows``, after all others."""
