"""Sitemaps that are not well-formed, or whose addresses are relative."""

from __future__ import annotations

import pytest

from services.ingest.domain.feeds.reading import read_feed

PAGE = "https://gazette.example/1"
DECLARED = "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'"
LAST = "<url><loc>https://gazette.example/last</loc></url>"


def links(entries: str) -> list[str]:
    document = read_feed(f"<urlset {DECLARED}>{entries}</urlset>".encode(), url="https://gazette.example/sitemap.xml")
    return [item.link for item in document.items]


@pytest.mark.parametrize(
    "fields",
    [
        "<image:image><image:loc>https://c.example/a.jpg</image:loc></image:image><loc>https://gazette.example/1</loc>",
        "<loc>https://gazette.example/1</loc><news:news><news:title>A&nbsp;B</news:title></news:news>",
        "<loc>https://gazette.example/1</loc><video:title>Rock & roll</video:title>",
        "<loc>/1</loc>",
        "<loc>//gazette.example/1</loc>",
    ],
)
def test_an_entry_that_is_not_well_formed_costs_no_page(fields: str) -> None:
    assert links(f"<url>{fields}</url>{LAST}") == [PAGE, "https://gazette.example/last"]


def test_a_bare_ampersand_is_part_of_the_address() -> None:
    assert links("<url><loc>https://gazette.example/1?a=1&b=2</loc></url>") == [f"{PAGE}?a=1&b=2"]


def test_an_undeclared_news_namespace_is_read() -> None:
    news = "<news:news><news:title>Ferry &amp; harbour</news:title><news:keywords>a, b</news:keywords></news:news>"
    (item,) = read_feed(f"<urlset {DECLARED}><url><loc>{PAGE}</loc>{news}</url></urlset>".encode()).items
    assert (item.title, item.categories) == ("Ferry & harbour", ("a", "b"))


def test_an_entry_without_an_address_is_left_out() -> None:
    assert links(f"<url><lastmod>2026-11-20</lastmod></url><url><loc/></url>{LAST}") == ["https://gazette.example/last"]
