"""Who is believed to have written an article, and who is not."""

from __future__ import annotations

import pytest

from services.enrich.domain import html
from services.enrich.domain.authors import authors_of, names_in
from tests.unit.enrich.pages import TITLE, html_page, paragraphs_html

MENU = "<nav>" + "".join(f"<a href='/section-{number}'>Section</a> " for number in range(25)) + "</nav>"
ARTICLE = f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>"
DECLARED = '<script type="application/ld+json">{"@type": "NewsArticle", "author": {"name": "Henrike Moll"}}</script>'


def authors(body: str, head: str = "") -> tuple[str, ...]:
    return html.read(html_page(body, head).encode(), "text/html", "https://example.org/a").authors


@pytest.mark.parametrize("head", [DECLARED, "<meta name='author' content='Henrike Moll'>"])
def test_an_account_that_a_whole_page_never_shows_is_no_author(head: str) -> None:
    assert authors(MENU + ARTICLE, head) == ()
    byline = "<p class='byline'>By <b>Ada</b> <b>Quill</b></p>"
    assert authors(MENU + byline + ARTICLE, head) == ("Ada Quill",)


@pytest.mark.parametrize(
    "shown",
    [
        "<p>Henrike <b>Moll</b></p>",
        "<p>HENRIKE MOLL</p>",
        "<meta name='twitter:data1' content='Henrike Moll'>",
        "<meta property='og:site_name' content='The notes of Henrike Moll'>",
    ],
)
def test_an_author_that_the_page_or_its_card_shows_is_believed(shown: str) -> None:
    head, body = (shown, "") if shown.startswith("<meta") else ("", shown)
    assert authors(MENU + body + ARTICLE, DECLARED + head) == ("Henrike Moll",)


def test_a_name_in_a_script_is_not_shown() -> None:
    assert authors(MENU + "<script>var account = 'Henrike Moll'</script>" + ARTICLE, DECLARED) == ()


def test_an_article_without_its_page_keeps_its_declared_author() -> None:
    assert authors(ARTICLE, DECLARED) == ("Henrike Moll",)


def test_a_newsroom_that_is_declared_need_not_be_shown() -> None:
    assert authors(MENU + ARTICLE, DECLARED.replace("Henrike Moll", "Norholm News Desk")) == ("Norholm News Desk",)


@pytest.mark.parametrize(
    ("site", "byline"),
    [
        ("TOUR-MAGAZIN.de", "Tour Magazin"),
        ("Walking slowly | Die FURCHE", "Die Furche"),
        ("harbour-herold.com", "Harbour Herold"),
        ("Norholm", "Norholm (www.norholm.example)"),
    ],
)
def test_a_site_by_another_spelling_is_no_person(site: str, byline: str) -> None:
    assert authors_of((), [[byline]], [site]) == ()


def test_a_site_may_bear_its_authors_name() -> None:
    assert authors_of((), [["Von: Wolfgang Amsel"]], ["Wolfgang Amsel"]) == ("Wolfgang Amsel",)


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("View all posts by Ada Quill", ["Ada Quill"]),
        ("Zeige alle Beiträge von Ada Quill", ["Ada Quill"]),
        ("Por Ada Quill @adaquill -", ["Ada Quill"]),
        ("Par Ada Quill Ada Quill", ["Ada Quill"]),
        ("By Ada Quill and Jonas Ekdal", ["Ada Quill", "Jonas Ekdal"]),
        ("By Staff Reporter", []),
        ("News Desk", []),
        ("@newsdesk", []),
    ],
)
def test_names_in_a_byline(byline: str, names: list[str]) -> None:
    assert names_in(byline) == names
