"""What a producer says beside the bytes: one table of checks, all faults at once, nothing echoed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.ingest.domain.fields import read_submission
from services.ingest.domain.rejections import InputRejected
from shared.articles import Submission
from tests.support.effort import at_most

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"title": None, "tags": None}, {}),
        ({"title": "  A \t ferry\nreturns "}, {"title": "A ferry returns"}),
        ({"title": "a\u202eb\x07c"}, {"title": "abc"}),
        ({"source": "s", "id": "a/b:c#?"}, {"source": "s", "external_id": "a/b:c#?"}),
        ({"source": "s", "external_id": "x" * 512}, {"source": "s", "external_id": "x" * 512}),
        ({"version": 0}, {"version": 0}),
        ({"version": "17"}, {"version": 17}),
        ({"version": 2**53}, {"version": 2**53}),
        ({"language": "PT-BR"}, {"language": "pt-BR"}),
        ({"tags": ["World News", "a"]}, {"tags": ("World News", "a")}),
        ({"authors": []}, {"authors": ()}),
        ({"published_at": "2024-05-17"}, {"published_at": datetime(2024, 5, 17, tzinfo=UTC)}),
        ({"title": "🏳️‍🌈 parade"}, {"title": "🏳️‍🌈 parade"}),
    ],
)
def test_good(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_submission(given, now=NOW) == Submission(**expected)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"titel": "x"}, "titel"),
        ({"__proto__": {}}, "__proto__"),
        ({"constructor": 1}, "constructor"),
        ({"<script>": 1}, "(invalid name)"),
        ({"title": ""}, "title"),
        ({"title": " \u200b\u2060"}, "title"),
        ({"title": "x" * 1001}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "e" + "\u0301" * 600}, "title"),
        ({"title": 7}, "title"),
        ({"title": ["x"]}, "title"),
        ({"title": "\ud800"}, "title"),
        ({"source": "a\nb"}, "source"),
        ({"source": "a\x1fb"}, "source"),
        ({"source": "s", "id": "a\nb"}, "id"),
        ({"source": "s", "id": "x" * 513}, "id"),
        ({"source": "s", "id": "é" * 300}, "id"),
        ({"id": "1"}, "source"),
        ({"source": "s", "id": "1", "external_id": "1"}, "id"),
        ({"version": -1}, "version"),
        ({"version": 2**63}, "version"),
        ({"version": 2**53 + 1}, "version"),
        ({"version": 1.0}, "version"),
        ({"version": True}, "version"),
        ({"version": "-0"}, "version"),
        ({"version": "１"}, "version"),
        ({"language": 'xx-"><script>'}, "language"),
        ({"language": "en_GB"}, "language"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "\ud800"}, "url"),
        ({"tags": "a,b"}, "tags"),
        ({"tags": ["a"] * 201}, "tags"),
        ({"tags": ["a", 1]}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": {"a": 1}}, "tags"),
        ({"authors": ["a"] * 101}, "authors"),
        ({"published_at": 1710417600}, "published_at"),
        ({"published_at": "2024-02-30"}, "published_at"),
    ],
)
def test_each_fault_names_its_field_and_repeats_nothing(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InputRejected) as caught:
        read_submission(given, now=NOW)
    assert [fault.field for fault in caught.value.faults] == [field]
    assert "script" not in caught.value.faults[0].detail
    assert "alert" not in str(caught.value)


def test_all_faults_are_reported_at_once_but_no_more_than_ten() -> None:
    with pytest.raises(InputRejected) as caught:
        read_submission({"title": "", "language": "!", "version": -1}, now=NOW)
    assert [fault.field for fault in caught.value.faults] == ["version", "title", "language"]
    with pytest.raises(InputRejected) as caught:
        read_submission({f"x{n}": n for n in range(5_000)}, now=NOW)
    assert len(caught.value.faults) == 10


def test_two_hundred_thousand_wrong_tags_are_refused_at_once() -> None:
    with at_most(0.05), pytest.raises(InputRejected):
        read_submission({"tags": [1] * 200_000}, now=NOW)
