"""Authors and instants of other vocabularies than JSON-LD, of markup and of visible lines."""

from __future__ import annotations

from datetime import UTC

import pytest

from tests.unit.enrich.pages import BODY, TITLE, paragraphs_html
from tests.unit.enrich.test_html_metadata import ARTICLE, json_ld, reading


@pytest.mark.parametrize(
    "head",
    [
        '<meta name="parsely-author" content="{0}"><meta name="parsely-pub-date" content="{1}">',
        '<meta name=\'parsely-page\' content=\'{{"author": "{0}", "pub_date": "{1}"}}\'>',
        '<meta name="sailthru.author" content="{0}"><meta name="sailthru.date" content="{1}">',
        '<meta name="dc.creator" content="{0}"><meta name="dc.date" content="{1}">',
        '<meta name="DCTERMS.creator" content="{0}"><meta name="DCTERMS.created" content="{1}">',
        '<meta name="author" content="moll@gazette.example ({0})"><meta name="date" content="{1}">',
        '<meta itemprop="author" content="{0}"><meta itemprop="datePublished" content="{1}">',
    ],
)
@pytest.mark.parametrize("name", ["Henrike Moll", "Ngozi Adéwálé", "Jean-François d'Ormesson"])
def test_other_vocabularies_name_author_and_instant(head: str, name: str) -> None:
    found = reading(head.format(name.replace("'", "&#39;"), "2026-05-03T08:30:00+02:00"))
    assert found.authors == (name,)
    assert found.published_at.astimezone(UTC).isoformat() == "2026-05-03T06:30:00+00:00"


def test_catalogues_write_the_surname_first() -> None:
    head = '<meta name="citation_author" content="Moll, Henrike"><meta name="citation_author" content="Veldt, Hanna">'
    assert reading(head).authors == ("Henrike Moll", "Hanna Veldt")


@pytest.mark.parametrize(
    ("byline", "authors"),
    [
        ("<p class='author-name'>Ilske Vrand</p><p class='author-title'>Transport Correspondent</p>", ("Ilske Vrand",)),
        ("<div class='author'><a href='/i'>Ilske Vrand</a> <a href='/i'>@ilske</a></div>", ("Ilske Vrand",)),
        ("<p>By Ilske Vrand · Published May 3, 2026</p>", ("Ilske Vrand",)),
        ("<p class='byline'>Words by Ilske Vrand, photographs by Jan Kees</p>", ("Ilske Vrand",)),
        ("<div typeof='NewsArticle'><b><span property='author'>Ilske Vrand</span></b></div>", ("Ilske Vrand",)),
    ],
)
def test_a_name_that_nothing_contradicts_is_the_author(byline: str, authors: tuple[str, ...]) -> None:
    found = reading("", ARTICLE.replace("</h1>", f"</h1>{byline}"))
    assert (found.authors, found.paragraphs) == (authors, BODY)


def test_names_that_contradict_each_other_are_left_to_the_weights() -> None:
    head = '<meta name="parsely-author" content="Ilske Vrand"><meta name="dc.creator" content="Oda Kreel">'
    assert reading(head).authors == ()


@pytest.mark.parametrize(
    ("shown", "hour"),
    [
        ("<p>Published May 3, 2026 8:30 am CEST · Updated May 9, 2026 7:00 am CEST</p>", 6),
        (
            "<time class='published' datetime='2026-05-03T06:30Z'>3</time><time datetime='2026-05-09T09:00Z'>9</time>",
            6,
        ),
        ("<p>By Henrike Moll | May 3, 2026, 6:30 AM</p>", 6),
        ("<p>May 3, 2026</p>", 0),
    ],
)
def test_the_time_of_day_is_read_from_the_page(shown: str, hour: int) -> None:
    page = f"<div><h1>{TITLE}</h1>{shown}{paragraphs_html()}</div>"
    found = reading("", page).published_at.astimezone(UTC)
    assert (found.date().isoformat(), found.hour) == ("2026-05-03", hour)


def test_an_epoch_is_an_instant() -> None:
    for epoch in ("1777789800", '"1777789800"', '"1777789800000"'):
        found = reading(json_ld(f'{{"@type": "NewsArticle", "datePublished": {epoch}}}'))
        assert found.published_at.astimezone(UTC).isoformat() == "2026-05-03T06:30:00+00:00"
