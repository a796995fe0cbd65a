"""Dates and date lines of pages."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain import dates


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("March 5, 2026", "2026-03-05T00:00:00+00:00"),
        ("Published: 5th March 2026, 10:30", "2026-03-05T10:30:00+00:00"),
        ("Thursday, Mar. 5, 2026 at 9:05 p.m. EDT", "2026-03-06T01:05:00+00:00"),
        ("5. März 2026", "2026-03-05T00:00:00+00:00"),
        ("5 de marzo de 2026", "2026-03-05T00:00:00+00:00"),
        ("2026-03-05T08:30:00.123+02:00", "2026-03-05T06:30:00+00:00"),
        ("2026/03/05", "2026-03-05T00:00:00+00:00"),
        ("30 February 2026", None),
        ("5 Foo 2026", None),
        ("the 5 March 2026 meeting", None),
        ("March 5, 2026 25:99", None),
        ("0000-00-00", None),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_dates(text: str, iso: str | None) -> None:
    found = dates.parse(text)
    assert (found[0].astimezone(UTC).isoformat() if found else None) == iso


@pytest.mark.parametrize(
    ("line", "published", "updated"),
    [
        ("Published: 10:32 EST, 19 November 2026 | Updated: 11:00 EST, 19 November 2026", "19T15:32", "19T16:00"),
        ("19/11/2026 08h30 Atualizado há 2 horas", "19T08:30", None),
        ("Publié le 19 novembre 2026 à 10h32, mis à jour le 20 novembre 2026 à 9h", "19T10:32", "20T09:00"),
        ("Stand: 19.11.2026, 10:32 Uhr", "19T10:32", None),
        ("公開日時 2026年11月19日 10時32分 更新 2026年11月20日", "19T10:32", "20T00:00"),
        ("发布时间：2026-11-19 10:32", "19T10:32", None),
        ("آخر تحديث: 19 نوفمبر 2026 - 10:32", None, "19T10:32"),
        ("Giriş: 19.11.2026 - 10:32 Güncelleme: 20.11.2026 - 11:00", "19T10:32", "20T11:00"),
        ("Opublikowano: 19 listopada 2026, 10:32 Aktualizacja: 20 listopada 2026", "19T10:32", "20T00:00"),
        ("Aktualisiert vor 3 Stunden", None, None),
        ("3 hours ago · 4 min read", None, None),
    ],
)
def test_date_lines(line: str, published: str | None, updated: str | None) -> None:
    found = dates.read_line(line)
    assert found is not None
    for instant, wanted in ((found.published, published), (found.updated, updated)):
        assert (instant.isoformat()[8:16] if instant else None) == wanted


@pytest.mark.parametrize(
    "line", ["Date of birth", "The update came on Thursday", "Stand by me", "Updated rules apply to 3 boats", "Data: 5"]
)
def test_other_lines_are_not_date_lines(line: str) -> None:
    assert dates.read_line(line) is None


@given(st.text(max_size=130))
def test_no_text_crashes_the_date_reader(text: str) -> None:
    dates.parse(text)
    dates.parse(f"5 March 2026 {text}")
    dates.read_line(f"{text} updated {text} 5 March 2026")
