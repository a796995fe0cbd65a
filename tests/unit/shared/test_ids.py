"""Identifiers: sortable event ids, stable article ids."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import ARTICLE_ID, article_id, new_event_id

SAFE = re.compile(r"^[A-Za-z0-9_-]+$")
TEXT = st.text(max_size=40)


@given(st.integers(min_value=0, max_value=2**48 - 1))
def test_an_event_id_is_a_uuid_of_version_7_that_holds_its_time(unix_ms: int) -> None:
    parsed = uuid.UUID(new_event_id(unix_ms=unix_ms))
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == unix_ms


@given(st.lists(st.integers(min_value=0, max_value=2**48 - 1), min_size=2, max_size=20, unique=True))
def test_event_ids_sort_by_time(times: list[int]) -> None:
    ids = [new_event_id(unix_ms=ms) for ms in times]
    assert [uuid.UUID(event_id).int >> 80 for event_id in sorted(ids)] == sorted(times)


def test_event_ids_of_one_instant_differ() -> None:
    assert len({new_event_id(unix_ms=1) for _ in range(2000)}) == 2000


@given(TEXT, st.lists(TEXT, max_size=3))
def test_an_article_id_is_safe_everywhere_and_stable(kind: str, parts: list[str]) -> None:
    made = article_id(kind, *parts)
    assert ARTICLE_ID.match(made)
    assert SAFE.match(made)
    assert made == article_id(kind, *parts)


def test_the_identity_of_an_article_does_not_change_between_releases() -> None:
    """A change here would make a twin of every stored article."""
    assert article_id("external", "example-gazette", "tide-tables-2031") == "c25odkza55nv3tvgkpuhr7endq"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("external", "a", "b"), ("external", "ab", "")),
        (("external", "a", "b"), ("external", "b", "a")),
        (("url", "https://a.example/"), ("text", "https://a.example/")),
        (("external", "a"), ("external", "A")),
        (("text", "é"), ("text", "e\u0301")),
    ],
)
def test_different_identities_get_different_ids(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert article_id(*one) != article_id(*other)


def test_a_lone_surrogate_is_no_crash() -> None:
    assert ARTICLE_ID.match(article_id("text", "\ud800"))
