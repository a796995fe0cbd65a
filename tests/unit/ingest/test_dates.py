"""Instants: RFC 3339 strictly, real calendar days only, none from the far future."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.ingest.domain.dates import parse_feed_date, parse_instant

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)

GOOD = [
    ("2024-05-17", datetime(2024, 5, 17, tzinfo=UTC)),
    ("2024-05-17T09:30:00Z", datetime(2024, 5, 17, 9, 30, tzinfo=UTC)),
    ("2024-05-17t09:30:00z", datetime(2024, 5, 17, 9, 30, tzinfo=UTC)),
    ("2024-05-17 09:30+02:00", datetime(2024, 5, 17, 7, 30, tzinfo=UTC)),
    ("2024-02-29T23:59:59.123456789-05:00", datetime(2024, 3, 1, 4, 59, 59, 123456, tzinfo=UTC)),
    ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ("1900-01-01", datetime(1900, 1, 1, tzinfo=UTC)),
    ("1900-01-01T00:00:00+14:00", datetime(1899, 12, 31, 10, tzinfo=UTC)),
    ("2026-03-14T12:05:00Z", datetime(2026, 3, 14, 12, 5, tzinfo=UTC)),  # a clock that is ahead
    ("2026-03-15", datetime(2026, 3, 15, tzinfo=UTC)),  # has begun at +14:00
]
BAD = [
    *("0000-01-01", "0001-01-01T00:00:00+14:00", "1899-12-31", "9999-12-31", "+100000-01-01", "10000-01-01"),
    *("2024-02-30", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z"),
    *("2024-01-01T00:00:61Z", "2024-01-01T00:00:00+25:00", "2024-01-01T00:00:00+14:01", "2024-01-01T00:00:00+01:99"),
    *(
        "2024-01-01T00:00:00",
        "2036-01-01",
        "2026-03-14T12:05:01Z",
        "2026-03-16",
        "yesterday",
        "",
        "1710417600",
        "2024-1-1",
    ),
    *("２０２４-01-01", "2024-01-01T00:00:00Z\n", " 2024-01-01", "2024-W01-1", "2024-01-01T00:00:00,5Z"),
]


@pytest.mark.parametrize(("text", "instant"), GOOD)
def test_good(text: str, instant: datetime) -> None:
    assert parse_instant(text, now=NOW) == instant


@pytest.mark.parametrize("text", BAD)
def test_bad(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        parse_instant(text, now=NOW)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Wed, 18 Nov 2026 06:00:00 CEST", datetime(2026, 11, 18, 4, tzinfo=UTC)),
        ("2026/11/18 15:07:41", datetime(2026, 11, 18, 15, 7, 41, tzinfo=UTC)),
        ("18 ноября 2026 г., 10:32 МСК", datetime(2026, 11, 18, 7, 32, tzinfo=UTC)),
        ("05/11/2026", None),
        ("18 Nov 1826", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:00:00 +0000", None),  # the zero of a clock: no date
        ("1970-01-01T01:00:00+01:00", None),
        ("1969-12-31 19:00:00 -0500", None),
        ("0", None),
        ("Thu, 01 Jan 1970 09:30:00 +0000", datetime(1970, 1, 1, 9, 30, tzinfo=UTC)),
        ("1 January 1970", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_dates_of_feeds(text: str, instant: datetime | None) -> None:
    assert parse_feed_date(text) == instant
