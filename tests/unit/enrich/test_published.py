"""When an HTML page was published: the instant with its offset, the date line below the headline, nothing invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.enrich.domain import pipeline
from services.enrich.domain.html.page import read
from services.enrich.domain.text.plain_text import read as read_text
from shared.articles import Submission
from tests.support.effort import at_most
from tests.unit.enrich.pages import BODY, TITLE, html_page, paragraphs_html, raw_page

FOOTER = "<footer><p class='date'>Site updated 7 March 2026</p></footer>"


def published(body: str, head: str = "", url: str | None = None) -> datetime | None:
    return read(html_page(body, head).encode(), "text/html", url).published_at


def declared(when: str) -> str:
    return f'<script type="application/ld+json">{{"@type": "NewsArticle", "datePublished": "{when}"}}</script>'


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("2026-02-04T04:25:13+07:00", date(2026, 2, 4)),
        ("2026-02-03T22:46:08-03:00", date(2026, 2, 3)),
        ("2026-02-04T00:00:00+05:30", date(2026, 2, 4)),
        ("2026-02-04T00:25:00Z", date(2026, 2, 4)),
    ],
)
def test_the_reader_keeps_the_day_of_the_newsroom_and_the_article_has_the_instant_in_utc(when: str, day: date) -> None:
    page = html_page(f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>", declared(when))
    found = read(page.encode(), "text/html", None).published_at
    assert found is not None
    assert (found.date(), found) == (day, datetime.fromisoformat(when))
    article = pipeline.run(raw_page(page, "html", "text/html"), lambda: 0.0).article
    assert article.published_at is not None
    assert article.published_at.tzinfo is UTC
    assert article.published_at == datetime.fromisoformat(when)


@pytest.mark.parametrize(
    "line",
    [
        "19 novembre 2025 (modifica il 19 novembre 2025 | 10:02)",
        "19 November 2025 (updated 20 November 2025 | 10:02)",
        "19. November 2025 (aktualisiert: 20. November 2025 | 10:02 Uhr)",
        "19 de noviembre de 2025 (actualizado el 19 de noviembre de 2025 | 10:02)",
    ],
)
def test_a_date_line_with_its_update_in_brackets_is_read_and_no_body(line: str) -> None:
    page = html_page(f"<article><h1>{TITLE}</h1><p>{line}</p>{paragraphs_html()}</article>")
    html = read(page.encode(), "text/html", None)
    text = read_text("\n\n".join((TITLE, line, *BODY)), Submission())
    for found in (html, text):
        assert found.published_at == datetime(2025, 11, 19, tzinfo=UTC)
        assert found.paragraphs == BODY


LATER = {
    "text": ("text", f"{TITLE}\n\nPublished: 1 January 2031\n\n" + "\n\n".join(BODY)),
    "text-numeric": ("text", f"{TITLE}\n\n2026-03-16 09:00\n\n" + "\n\n".join(BODY)),
    "markdown": ("markdown", f"---\ndate: 2031-01-01\n---\n# {TITLE}\n\n" + "\n\n".join(BODY)),
    "json-ld": ("html", html_page(f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>", declared("2031-01-01"))),
    "meta": (
        "html",
        html_page(
            f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>",
            "<meta property='article:published_time' content='2026-03-15T12:00:01Z'>",
        ),
    ),
    "date-line": ("html", html_page(f"<article><h1>{TITLE}</h1><p>May 4, 2026</p>{paragraphs_html()}</article>")),
}


@pytest.mark.parametrize("case", LATER)
def test_a_date_after_the_receipt_is_no_date_of_publication(case: str) -> None:
    kind, text = LATER[case]
    page = raw_page(text, kind, "text/html") if kind == "html" else raw_page(text, "text", f"text/{kind}")
    page = replace(page, media_type=page.media_type.replace("text/text", "text/plain"))
    outcome = pipeline.run(page, lambda: 0.0)
    assert outcome.article.published_at is None
    assert outcome.article.title == TITLE
    assert "date after the receipt" in outcome.steps[1].note


@pytest.mark.parametrize("when", ["2026-03-15T11:59:59Z", "2026-03-15", "2026-03-15T01:00:00+14:00"])
def test_a_date_of_a_zone_ahead_is_kept(when: str) -> None:
    page = html_page(f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>", declared(when))
    article = pipeline.run(raw_page(page, "html", "text/html"), lambda: 0.0).article
    assert article.published_at is not None


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("<p>January 31, 2024</p>", date(2024, 1, 31)),
        ("<div>Von Mara Holt | 31. Januar 2024</div>", date(2024, 1, 31)),
        ("<p>Local</p><p>2024年1月31日 10時32分</p>", date(2024, 1, 31)),
        ("<p>Published 31 January 2024 | Updated 5 March 2026</p>", date(2024, 1, 31)),
        ("<p>Updated 5 March 2026</p><p>31.01.2024, 08:15 Uhr</p>", date(2024, 1, 31)),
    ],
)
def test_the_date_line_below_the_headline_is_the_day(line: str, day: date) -> None:
    body = f"<article><h1>{TITLE}</h1>{line}{paragraphs_html()}</article>{FOOTER}"
    found = published(body, url="https://news.example/2025/12/24/clock")
    assert found is not None
    assert found.date() == day


@pytest.mark.parametrize(
    "line",
    [
        "<figure><img src='a.jpg'><figcaption>31 January 2024</figcaption></figure>",
        "<div class='related-stories'><p>31 January 2024</p></div>",
        "<ol class='comment-list'><li>31 January 2024</li></ol>",
    ],
)
def test_dates_of_pictures_teasers_and_comments_are_not_the_day(line: str) -> None:
    body = f"<article><h1>{TITLE}</h1>{line}{paragraphs_html()}</article>"
    found = published(body, url="https://news.example/2025/12/24/clock")
    assert found == datetime(2025, 12, 24, tzinfo=UTC)


@pytest.mark.parametrize("printed", ["Nov 05, 2025", "November 5, 2025", "5 November 2025"])
def test_a_declared_day_in_words_gives_way_to_the_day_that_the_page_shows(printed: str) -> None:
    shown = f"<article><h1>{TITLE}</h1><p>January 31, 2024</p>{paragraphs_html()}</article>"
    bare = f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>"
    assert published(shown, declared(printed)) == datetime(2024, 1, 31, tzinfo=UTC)
    assert published(bare, declared(printed)) == datetime(2025, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize("word", ["東京都内で開かれた会議の参加者数", "a" * 24, "ब" * 24, "o'" * 12, "नमस्ते" * 5])
def test_long_words_in_place_of_a_byline_are_read_in_linear_time(word: str) -> None:
    text = f"{TITLE}\n\n{word * 2}1\n\n" + "\n\n".join(BODY)
    with at_most(seconds=2):
        read_text(text, Submission())
