# ruff: noqa: E501 (pages and their lines are data; a property may end in a refusal)
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.enrich.domain.dates import names_day
from services.enrich.domain.html.page import read
from services.enrich.domain.titles import vote
from shared.errors import Permanent
from tests.support.effort import at_most
from tests.unit.enrich.pages import BODY, DEK, TEASERS, TITLE, html_page, paragraphs_html

HEAD = f"""
<meta charset="utf-8"><title>{TITLE} | The Aldermoor Post</title>
<meta property="og:title" content="{TITLE}"><meta property="og:site_name" content="The Aldermoor Post">
<meta name="description" content="{DEK}"><meta property="article:tag" content="Town clocks">
<meta property="article:section" content="Local">
<script type="application/ld+json">{{"@context": "https://schema.org", "@graph": [{{"@type": "WebPage"}},
{{"@type": "NewsArticle", "headline": "{TITLE}", "author": [{{"@type": "Person", "name": "Jane Doe"}}, {{"name": "John Roe"}}],
"datePublished": "2026-03-05T08:30:00+02:00", "keywords": ["Bells", "Clocks"]}}]}}</script>
"""


def test_a_news_page() -> None:
    nav = "<nav><ul><li><a href='/'>Home</a></li><li><a href='/local'>Local</a></li></ul></nav>"
    body = f"{nav}<article><h1>{TITLE}</h1>{paragraphs_html()}</article><footer><p>© 2026 The Post</p></footer>"
    reading = read(html_page(body, HEAD).encode(), "text/html", None)
    assert reading.title == TITLE
    assert reading.dek == DEK
    assert reading.paragraphs == BODY
    assert reading.authors == ("Jane Doe", "John Roe")
    assert reading.published_at == datetime(2026, 3, 5, 6, 30, tzinfo=UTC)
    assert reading.tags[:3] == ("Town clocks", "Bells", "Clocks")
    assert reading.section == "Local"
    assert reading.site == "The Aldermoor Post"
    assert reading.language == "en"
    assert "title-repeated" in [cut.rule for cut in reading.removed] or reading.paragraphs[0] == BODY[0]


def test_ad_tokens_and_share_lines_are_cut() -> None:
    middle = "<p>Advertisement</p><p>Share this article</p><p>spot_img</p>"
    text = (
        f"<article><h1>{TITLE}</h1><p>{BODY[0]}</p><p>{BODY[1]}</p>{middle}<p>{BODY[2]}</p><p>{BODY[3]}</p></article>"
    )
    reading = read(html_page(text).encode(), "text/html", None)
    assert reading.paragraphs == BODY


@pytest.mark.parametrize(
    "page",
    [
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0/EN"/>\n<html><body>{}</body></html>',
        '<html lang="en" />\n<body>{}</body></html>',
        "<html><body><form>{}</form></body></html>",
        "\x00<html><body>\x08{}</body></html>",
        "<main>{}</main>",
    ],
    ids=["doctype-with-slash", "closed-html", "form", "controls", "fragment"],
)
def test_odd_pages_are_read_whole(page: str) -> None:
    body = "".join(f"<p>{text}</p>" for text in BODY)
    assert read(page.format(body).encode(), "text/html", None).paragraphs == BODY


@pytest.mark.parametrize(
    ("times", "day"),
    [
        (["2026-03-05T08:30:00+02:00", "2026-03-05T11:00:00+02:00"], datetime(2026, 3, 5, 6, 30, tzinfo=UTC)),
        (["2026-03-05T08:30:00+02:00"], datetime(2026, 3, 5, 6, 30, tzinfo=UTC)),
        ([], datetime(2026, 3, 7, tzinfo=UTC)),
    ],
)
def test_the_times_of_an_article_are_believed_where_they_are_of_one_day(times: list[str], day: datetime) -> None:
    written = "".join(f"<time datetime='{time}'>then</time>" for time in times)
    text = f"<article><h1>{TITLE}</h1>{written}{paragraphs_html()}</article><p class='date'>Updated 7 March 2026</p>"
    assert read(html_page(text).encode(), "text/html", None).published_at == day


def test_a_year_alone_is_no_date_and_a_day_in_the_text_is_one() -> None:
    page = f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article><footer>{{}}</footer>"
    assert read(html_page(page.format("© 2019 The Post")).encode(), "text/html", None).published_at is None
    found = read(html_page(page.format("Last changed: 7 March 2019")).encode(), "text/html", None).published_at
    assert found == datetime(2019, 3, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "July 17, 2025",
        "17. Juli 2025",
        "le 1er juillet 2025",
        "17 de julio de 2025",
        "17.07.2025",
        "(2025-07-17)",
        "07/17/25",
        "2025年7月17日",
        "2025. július 17.",
    ],
)
def test_a_day_with_its_year_is_seen_in_any_form(text: str) -> None:
    assert names_day(text)
    assert names_day(f"Some words before {text}\nand after")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "© 2025 The Post",
        "In 2025 there were 17 ships",
        "2019-2025",
        "July 2025",
        "From 2019 to 2025",
        "call 2020 555 1234",
    ],
)
def test_a_year_without_its_day_is_none(text: str) -> None:
    assert not names_day(text)


def test_looking_for_a_day_takes_time_by_the_length_of_the_text() -> None:
    for piece in ("2025 ", "2025-", "1.1.", "a1 ", "17 de "):
        with at_most(3, f"looking for a day in {piece!r}"):
            names_day(piece * 20_000)


def test_markup_never_comes_through() -> None:
    hostile = (
        f"<article><h1>{TITLE}</h1><p>{BODY[0]}<script>alert(1)</script></p><p onclick='x()'>{BODY[1]}</p>"
        f"<style>@import 'x'</style><iframe srcdoc='<p>frame</p>'></iframe><svg onload='x()'></svg><p>{BODY[2]}</p></article>"
    )
    text = " ".join(read(html_page(hostile).encode(), "text/html", None).paragraphs)
    assert "alert" not in text
    assert "@import" not in text
    assert "<" not in text
    assert BODY[0] in text


def test_a_fragment_of_one_short_paragraph_is_read() -> None:
    assert read(b"<p>The bridge is open again.</p>", "text/html", None).paragraphs == ("The bridge is open again.",)


def test_a_short_page_is_still_an_article() -> None:
    reading = read(b"<h1>Fog</h1><p>The fog came at six and stayed until noon.</p>", "text/html", None)
    assert reading.title == "Fog"
    assert "The fog came at six and stayed until noon." in reading.paragraphs


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (html_page(f"<article><h1>Über Nacht</h1><p>Größe zählt für den Bürgermeister, und die Höhe der Türme auch.</p>{paragraphs_html()}</article>").encode("cp1252"), "text/html; charset=utf-8"),
        (html_page(f"<article><h1>Über Nacht</h1><p>Größe zählt für den Bürgermeister, und die Höhe der Türme auch.</p>{paragraphs_html()}</article>").encode("utf-16"), "text/html"),
        (html_page(f"<article><h1>Über Nacht</h1><p>Größe zählt für den Bürgermeister, und die Höhe der Türme auch.</p>{paragraphs_html()}</article>").encode("latin-1"), "text/html; charset=iso-8859-1"),
        (("<?xml version='1.0' encoding='ascii'?>" + html_page(f"<article><h1>Über Nacht</h1><p>Größe zählt für den Bürgermeister, und die Höhe der Türme auch.</p>{paragraphs_html()}</article>")).encode(), "application/xhtml+xml"),
    ],
    ids=["lie", "utf-16", "latin-1", "xml-declaration"],
)  # fmt: skip
def test_charsets(data: bytes, media_type: str) -> None:
    reading = read(data, media_type, None)
    assert reading.title == "Über Nacht"
    assert reading.paragraphs[0] == "Größe zählt für den Bürgermeister, und die Höhe der Türme auch."


def test_a_description_that_repeats_the_body_is_no_dek() -> None:
    head = f'<meta name="description" content="{BODY[0][:90]}…">'
    assert read(html_page(f"<h1>{TITLE}</h1>{paragraphs_html()}", head).encode(), "text/html", None).dek == ""


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "not-text"),
        (b"%PDF-1.7 blah", "not-text"),
        (b"", "no-body"),
        (b"<p> </p><br>", "no-body"),
        (b"<html><body></body></html>", "no-body"),
        (b"<html><body><script>var x</script></body></html>", "no-body"),
        (b"<html><body><p>Advertisement</p></body></html>", "no-body"),
    ],
)
def test_what_is_no_article_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises(Permanent) as caught:
        read(data, "text/html", None)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("candidates", "title"),
    [
        ([("h1", "Fog lifts"), ("og", "Fog lifts"), ("title", "Fog lifts | The Post")], "Fog lifts"),
        ([("h1", "The Post"), ("og", "Fog lifts at last"), ("json-ld", "Fog lifts at last"), ("title", "Fog lifts at last - The Post")], "Fog lifts at last"),
        ([("h1", "Fog - a history")], "Fog - a history"),
        ([("h1", "More news"), ("h1", "Fog lifts"), ("og", "Fog lifts")], "Fog lifts"),
        ([("og", "Fog &amp; ice")], "Fog & ice"),
        ([("h1", ""), ("og", "  "), ("title", "Fog")], "Fog"),
        ([], ""),
        ([("title", "🜁")], "🜁"),
    ],
)  # fmt: skip
def test_the_vote_over_titles(candidates: list[tuple[str, str]], title: str) -> None:
    assert vote(candidates) == title


@pytest.mark.parametrize(
    ("candidates", "title"),
    [
        ([("h1", "The Gazette"), ("og", "Fog closes the harbour")], "Fog closes the harbour"),
        ([("h1", "The Gazette"), ("title", "The Gazette » Fog closes the harbour")], "Fog closes the harbour"),
        ([("h1", "The Gazette"), ("title", "The Gazette")], "The Gazette"),
        (
            [("h1", "Fog clo\u00adses the har\u00adbour"), ("og", "Fog closes the harbour | The Gazette")],
            "Fog closes the harbour",
        ),
    ],
)
def test_the_name_of_the_site_is_a_title_only_where_nothing_else_is(
    candidates: list[tuple[str, str]], title: str
) -> None:
    assert vote(candidates, {"thegazette"}) == title


def test_teasers_of_an_aside_stay_out() -> None:
    aside = "<aside class='related'><h2>Related</h2><ul>" + "".join(f"<li><a href='/x'>{t}</a></li>" for t, _ in TEASERS) + "</ul></aside>"  # fmt: skip
    reading = read(
        html_page(f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>{aside}").encode(), "text/html", None
    )
    assert reading.paragraphs == BODY
