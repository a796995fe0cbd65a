"""The URL of a submission: what is refused. Which URLs are one page: tests/unit/shared/test_urls.py."""

from __future__ import annotations

import pytest

from services.ingest.domain.urls import accept_url

REFUSED = [
    "javascript:alert(1)",
    "ftp://example.org/a",
    "//example.org/a",
    "example.org/a",
    "http://",
    "http:///a",
    "https://user@example.org/a",
    "https://user:pass@example.org/a",
    "https://example.org:99999/a",
    "https://example.org:x/a",
    "https://exa mple.org/a",
    "https://example.org/a\nb",
    "https://example.org\\@evil.example/",
    "https://-bad-.example/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "é" * 300 + ".example/",
    "https://[::1/a",
    "https://example.org/" + "a" * 8200,
    "https://exa<script>mple.org/",
    "",
]


@pytest.mark.parametrize("given", REFUSED, ids=lambda url: url[:30])
def test_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        accept_url(given)
