"""The canonical URL: what counts as the same page, and what is refused."""

from __future__ import annotations

import pytest

from services.ingest.domain.urls import accept_url, canonical_url

SAME = [
    ("HTTP://Example.ORG", "http://example.org/"),
    ("https://example.org:443/a", "https://example.org/a"),
    ("http://example.org:8080/a", "http://example.org:8080/a"),
    ("https://example.org./a#top", "https://example.org/a"),
    ("https://example.org/a?utm_source=x&id=7&fbclid=y&gclid=z", "https://example.org/a?id=7"),
    ("https://example.org/a?b=2&a=1", "https://example.org/a?b=2&a=1"),
    ("https://example.org/a?UTM_Medium=x", "https://example.org/a"),
    ("https://example.org/a?&x&", "https://example.org/a?x"),
    ("https://example.org/%c3%a9", "https://example.org/%C3%A9"),
    ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ("http://[::1]:80/a", "http://[::1]/a"),
    ("https://example.org/a?gclidx=1", "https://example.org/a?gclidx=1"),
]

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


@pytest.mark.parametrize(("given", "canonical"), SAME)
def test_same_page_has_one_form(given: str, canonical: str) -> None:
    assert canonical_url(given) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize("given", REFUSED, ids=lambda url: url[:30])
def test_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        accept_url(given)
