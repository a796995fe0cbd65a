"""Dates in the forms of many countries: the day is right or there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dates import is_relative, parse

NUMERIC = [
    ("2026/11/18 15:07:41", "2026-11-18T15:07:41"),
    ("2026.11.10", "2026-11-10T00:00"),
    ("२०२६-११-१८", "2026-11-18T00:00"),
    ("٢٠٢٦-١١-١٨ ١٠:٣٢", "2026-11-18T10:32"),
    ("২০২৬-১১-১৮T১০:৩২:০০Z", "2026-11-18T10:32"),
    ("2026年11月10日", "2026-11-10T00:00"),
    ("2026年11月19日 10時32分", "2026-11-19T10:32"),
    ("2026年11月19日(木) 午後3時05分", "2026-11-19T15:05"),
    ("2026年11月19日 星期四 下午3:05", "2026-11-19T15:05"),
    ("令和8年11月19日", "2026-11-19T00:00"),
    ("2026년 11월 19일 목요일 오후 3:05", "2026-11-19T15:05"),
    ("2026. 11. 19. 오전 10:32", "2026-11-19T10:32"),
    ("19/11/2026 08h30", "2026-11-19T08:30"),
    ("05.11.2026, 10:32 Uhr", "2026-11-05T10:32"),
    ("11/19/2026 10:32:00 AM", "2026-11-19T10:32"),
    ("Thursday 05/11/2026", "2026-11-05T00:00"),
    ("Monday 05/11/2026", "2026-05-11T00:00"),
    ("20261119T103200Z", "2026-11-19T10:32"),
    ("2026-11-19T10:32:00.123456789+05:30", "2026-11-19T05:02"),
    ("2026-11-19 10:32:00 +0100 (CET)", "2026-11-19T09:32"),
]
ZONES = [
    ("Thu, 19 Nov 2026 06:00:00 CEST", "2026-11-19T04:00"),
    ("Thu, 19 Nov 2026 06:00:00 BST", "2026-11-19T05:00"),
    ("Thu, 19 Nov 2026 06:00:00 AEST", "2026-11-18T20:00"),
    ("Thu, 19 Nov 2026 06:00:00 IST", "2026-11-19T00:30"),
    ("Thu, 19 Nov 2026 06:00:00 EST", "2026-11-19T11:00"),
    ("Thu, 19 Nov 2026 06:00:00 PDT", "2026-11-19T13:00"),
    ("Thu, 19 Nov 2026 06:00:00 MSK", "2026-11-19T03:00"),
    ("Thu, 19 Nov 2026 06:00:00 JST", "2026-11-18T21:00"),
    ("Thu, 19 Nov 2026 10:32 PT", "2026-11-19T18:32"),
    ("Sept. 3, 2026, 9 a.m. ET", "2026-09-03T13:00"),
    ("Wed, 02 Oct 02 13:00:00 +0200", "2002-10-02T11:00"),
    ("10:32 EST, 19 November 2026", "2026-11-19T15:32"),
    ("Nov 19, 2026 at 10:32 AM EST", "2026-11-19T15:32"),
    ("Thu Nov 19 10:32:00 EST 2026", "2026-11-19T15:32"),
    ("19-Nov-2026 10:32 GMT+3", "2026-11-19T07:32"),
]
NAMED = [
    ("November 19th, 2026, 10:32 p.m.", "2026-11-19T22:32"),
    ("12:00 AM, 19 November 2026", "2026-11-19T00:00"),
    ("Donnerstag, 19. November 2026, 10:32 Uhr", "2026-11-19T10:32"),
    ("Do., 5. Mär. 2026", "2026-03-05T00:00"),
    ("jeudi 19 novembre 2026 à 10h32", "2026-11-19T10:32"),
    ("mar. 17 mars 2026", "2026-03-17T00:00"),
    ("1er fevrier 2026", "2026-02-01T00:00"),
    ("jueves, 19 de noviembre de 2026, 10:32 h", "2026-11-19T10:32"),
    ("martes 17 marzo 2026", "2026-03-17T00:00"),
    ("giovedì 19 novembre 2026, ore 10:32", "2026-11-19T10:32"),
    ("19 de novembro de 2026 às 10h32", "2026-11-19T10:32"),
    ("donderdag 19 november 2026 om 10.32 uur", "2026-11-19T10:32"),
    ("четверг, 19 ноября 2026 г., 10:32 МСК", "2026-11-19T07:32"),
    ("czwartek, 19 listopada 2026, godz. 10:32", "2026-11-19T10:32"),
    ("19. listopada 2026.", "2026-10-19T00:00"),
    ("19 KASIM 2026 Perşembe 10:32", "2026-11-19T10:32"),
    ("الخميس 19 نوفمبر 2026", "2026-11-19T00:00"),
    ("19 نوفمبر/تشرين الثاني 2026", "2026-11-19T00:00"),
    ("١٩ نوفمبر ٢٠٢٦ 10:32 م", "2026-11-19T22:32"),
    ("19 नवंबर 2026, 10:32 बजे", "2026-11-19T10:32"),
    ("19 tháng 11, 2026", "2026-11-19T00:00"),
    ("วันที่ 19 พฤศจิกายน 2569 เวลา 10:32 น.", "2026-11-19T10:32"),
    ("19 בנובמבר 2026", "2026-11-19T00:00"),
    ("2026. november 19. 10:32", "2026-11-19T10:32"),
    ("19. listopadu 2026", "2026-11-19T00:00"),
]

LOCALISED = [  # RFC 822 with the names of a server's locale
    ("pt., 20 lis 2026 08:15:00 +0100", "2026-11-20T07:15"),
    ("Пт, 20 ноя 2026 08:15:00 +0300", "2026-11-20T05:15"),
    ("Παρ, 20 Νοε 2026 08:15:00 +0200", "2026-11-20T06:15"),
    ("الجمعة، 20 نوفمبر 2026 08:15:00 +0300", "2026-11-20T05:15"),
    ("शुक्र, 20 नवंबर 2026 08:15:00 +0530", "2026-11-20T02:45"),
    ("金, 20 11月 2026 08:15:00 +0900", "2026-11-19T23:15"),
    ("금, 20 11월 2026 08:15:00 +0900", "2026-11-19T23:15"),
    ("周五, 20 11月 2026 08:15:00 +0800", "2026-11-20T00:15"),
    ("Thứ Sáu, 20/11/2026 08:15", "2026-11-20T08:15"),
    ("pe, 20 marras 2026 08:15:00 +0200", "2026-11-20T06:15"),
    ("Mi, 04 Mrz 2026 08:15:00 +0100", "2026-03-04T07:15"),
]
DEVIATIONS = [
    ("Fri, 20 Nov 2026 08:15:00 -0500 (EST)", "2026-11-20T13:15"),
    ("Fri Nov 20 2026 08:15:00 GMT+0100 (Central European Standard Time)", "2026-11-20T07:15"),
    ("Fri, 20 Nov 2026 08:15:00 +0100 CET", "2026-11-20T07:15"),
    ("Fri, 20 Nov 2026 08:15:00 GMT-0500", "2026-11-20T13:15"),
    ("Fri, 20 Nov 2026 8:15 PM", "2026-11-20T20:15"),
    ("Fri, 20 Nov 2026 8:15 AM EST", "2026-11-20T13:15"),
    ("Fri, 20 Nov 2026 24:00:00 GMT", "2026-11-21T00:00"),
    ("2026-11-20T24:00:00+01:00", "2026-11-20T23:00"),
    ("2026-11-20T8:15:00Z", "2026-11-20T08:15"),
    ("2026-11-20T08:15:00EST", "2026-11-20T13:15"),
    ("2026-11-20T08:15:00.000 UTC", "2026-11-20T08:15"),
]


@pytest.mark.parametrize(("text", "instant"), [*NUMERIC, *ZONES, *NAMED, *LOCALISED, *DEVIATIONS])
def test_a_written_date_is_its_instant(text: str, instant: str) -> None:
    found = parse(text)
    assert found is not None
    assert found.instant.isoformat().startswith(instant)
    assert found.instant.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["05/11/2026", "5-6-2026", "19.11.26", "26/11/19", "19 Nov 26", "31/02/2026", "30 February 2026", "2026-13-45",
     "19 November", "November 2026", "2026", "20261119", "19 Nov 2026 25:00", "19 Nov 2026 13:70",
     "2026-11-19T24:30:00Z",
     "19 Nov 2026 - Updated", "By 19 November 2026 he had left", "between 19 and 21 November 2026", "May 2026 may 2027",
     "19 March or 20 April 2026", "10:32", "the year 2026 in 19 pictures", "19 smarch 2026", "13:00 PM or so, 2026",
     "0 November 2026", "32 November 2026", "19 November 1026", "19 November 9999"],
)  # fmt: skip
def test_what_is_no_certain_date_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_hint_settles_the_order_of_day_and_month() -> None:
    for day_first, month in ((True, 11), (False, 5)):
        found = parse("05/11/2026", day_first=day_first)
        assert found is not None
        assert found.instant.month == month


@pytest.mark.parametrize(
    "text",
    ["3 hours ago", "vor 3 Stunden", "vor 2 Std.", "il y a 5 minutes", "hace 3 días", "2 ore fa", "há 2 horas",
     "3 uur geleden", "3 часа назад", "5 godzin temu", "3 saat önce", "3時間前", "3小时前", "منذ 3 ساعات", "3시간 전",
     "3 घंटे पहले", "gestern", "Yesterday"],
)  # fmt: skip
def test_relative_times(text: str) -> None:
    assert is_relative(text)


@pytest.mark.parametrize("text", ["3 hours", "ago", "3 men ago", "", "vor 3 Jahren starb er"])
def test_other_texts_are_not_relative_times(text: str) -> None:
    assert not is_relative(text)


@given(
    st.datetimes(
        *(datetime(year, 1, 1) for year in (1950, 2090))  # noqa: DTZ001 (hypothesis adds no zone)
    )
)
def test_numeric_forms_never_give_another_day(instant: datetime) -> None:
    for form in ("%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%A %d/%m/%Y %H:%M", "%d %B %Y %H:%M", "%B %d, %Y"):
        found = parse(instant.strftime(form))
        assert found is None or found.instant.date() == instant.date(), form


@given(st.text(max_size=130), st.sampled_from([None, True, False]))
def test_no_text_raises(text: str, day_first: bool | None) -> None:
    for one in (text, f"5 March 2026 {text}", f"{text} 2026-11-19"):
        found = parse(one, day_first=day_first)
        assert found is None or abs(found.instant.year - 2000) <= 101
        is_relative(one)


def test_an_unknown_zone_keeps_the_day_that_is_written() -> None:
    found = parse("Thu, 19 Nov 2026 06:00:00 XYZ")
    assert found is not None
    assert found.instant == datetime(2026, 11, 19, 6, tzinfo=UTC)
    assert found.instant - datetime(2026, 11, 19, tzinfo=UTC) < timedelta(days=1)


@pytest.mark.parametrize("text", ["۱۴۰۵-۰۸-۲۸", "๒๕๖๙-๑๑-๑๙", "१९४८-१३-०१"])
def test_years_of_another_calendar_in_its_own_digits_are_no_date(text: str) -> None:
    assert parse(text) is None
