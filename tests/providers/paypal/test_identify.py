"""Reading which event a body is, whatever the body."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from webhooks.providers.paypal.verify import identify


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        b'{"id":"WH-1"}',
        b'{"id":"","event_type":"A"}',
        b'{"id":7,"event_type":"A"}',
        b'{"id":"WH\\u0000","event_type":"A"}',
        b'{"id":"WH\\ud800","event_type":"A"}',
        b'{"id":"WH-1","event_type":"A\\nB"}',
        b'{"id":"WH-1","event_type":"A"',
        b'{"id":"\xff","event_type":"A"}',
        b'{"id":"' + b"x" * 256 + b'","event_type":"A"}',
        b'{"id":"WH-1","event_type":"A","resource":' + b"[" * 100_000,
    ],
)
def test_a_body_that_names_no_event_is_malformed_but_has_a_name(body: bytes) -> None:
    identity = identify(body)

    assert identity.malformed
    assert identity.event_type == "malformed"
    assert identity.event_id.startswith("malformed-")
    assert len(identity.event_id) == len("malformed-") + 32
    assert identity == identify(body)


@pytest.mark.parametrize(
    "written, meant",
    [
        ('"2019-02-14T21:50:07.940Z"', datetime(2019, 2, 14, 21, 50, 7, 940_000, UTC)),
        ('"2018-08-15T12:13:29-07:00"', datetime(2018, 8, 15, 19, 13, 29, tzinfo=UTC)),
        ('"2018-19-12T22:20:32.000Z"', None),
        ('"2022-08-26T18:25:57.449PDT"', None),
        ('"2016-07-10T20:38:52.000"', None),
        ('"0001-01-01T00:00:00+23:00"', None),
        ("1430132049000", None),
        ("null", None),
    ],
)
def test_an_odd_date_is_left_out_and_does_no_harm(written: str, meant: datetime | None) -> None:
    body = f'{{"id":"WH-1","event_type":"A.B","create_time":{written}}}'.encode()
    identity = identify(body)

    assert (identity.malformed, identity.created_at) == (False, meant)
