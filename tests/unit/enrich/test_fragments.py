# ruff: noqa: E501 (pages and their lines are data)
"""Markup without a page around it, as producers of feeds and JSON write it: all of its text is the article."""

from __future__ import annotations

import pytest

from services.enrich.domain.html.fragment import is_fragment
from services.enrich.domain.html.page import read
from services.enrich.domain.html.producer_lines import is_producer_line
from services.enrich.domain.reading import Reading
from shared.errors import Permanent
from tests.support.effort import at_most

GIVEN = "Given title"
SHORT = "The ferry leaves at six."


def fragment(markup: str, title: str | None = GIVEN) -> Reading:
    return read(markup.encode(), "text/html; charset=utf-8", None, title)


def texts(markup: str) -> list[str]:
    return list(fragment(markup).paragraphs)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>A</p><h2>B</h2><p>C</p><ul><li>d</li><li>e <b>f</b></li></ul>", ["A", "B", "C", "d", "e f"]),
        ("<h3>One</h3><ol><li>two</li></ol><h3>Three</h3><p>four</p>", ["One", "two", "Three", "four"]),
        ("<ul><li>a<ul><li>b<ol><li>c</li></ol></li></ul></li><li>d</li></ul>", ["a", "b", "c", "d"]),
        ("<div><div>Deep</div><span>inline</span></div>", ["Deep", "inline"]),
        ("<dl><dt>Term</dt><dd>What it is</dd></dl>", ["Term", "What it is"]),
        ("<blockquote>Only a quote.</blockquote>", ["Only a quote."]),
        ("<p><a href='/x'>A linked line</a></p><p>More follows.</p>", ["A linked line", "More follows."]),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", ["a | b", "1 | 2"]),
        ("<details><summary>Ask</summary>Answer</details>", ["Ask", "Answer"]),
    ],
)
def test_all_text_stays_in_document_order(markup: str, expected: list[str]) -> None:
    assert texts(markup) == expected


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (SHORT, [SHORT]),
        ("Profit < forecast", ["Profit < forecast"]),
        ("Profit <forecast and 5 > 3", ["Profit <forecast and 5 > 3"]),
        ("AT&amp;T &lt;grows&gt;", ["AT&T <grows>"]),
        ("One paragraph\n\nand another", ["One paragraph", "and another"]),
        (f"<a href='/x'>{SHORT}</a>", [SHORT]),
        (f"<img src='a.jpg' alt='A ferry at dawn'>{SHORT}", [SHORT]),
        ("<img src='a.jpg' alt='A ferry at dawn'>", ["A ferry at dawn"]),
        ("First.<br>Second.<br/>Third", ["First.", "Second.", "Third"]),
        ("First<br><br>second line<br>goes on", ["First", "second line goes on"]),
        ("Show notes:<br>00:00 Start<br>12:30 End", ["Show notes:", "00:00 Start", "12:30 End"]),
    ],
)
def test_text_without_block_elements_becomes_paragraphs(markup: str, expected: list[str]) -> None:
    assert texts(markup) == expected


def test_a_plain_sentence_needs_no_title() -> None:
    reading = fragment(SHORT, None)
    assert (reading.title, reading.paragraphs, reading.title_derived) == ("The ferry leaves at six", (SHORT,), True)


def test_a_title_alone_is_a_stub_and_nothing_is_refused() -> None:
    assert fragment("<p><img src='x.png'></p>").paragraphs == ()
    assert fragment("").title == GIVEN
    with pytest.raises(Permanent):
        fragment("<p> </p>", None)


@pytest.mark.parametrize(
    "line",
    [
        'The post <a href="/x">Ferries</a> appeared first on <a href="/">The Post</a>.',
        'The post <a href="/x">Ferries</a> first appeared on <a href="/">The Post</a>.',
        'Der Beitrag <a href="/x">Fähren</a> erschien zuerst auf <a href="/">Die Post</a>.',
        'L’article <a href="/x">Bacs</a> est apparu en premier sur <a href="/">La Poste</a>.',
        'La entrada <a href="/x">Barcos</a> se publicó primero en <a href="/">El Correo</a>.',
        '<a href="/x">Ferries</a> was originally published in <a href="/p">Boats</a> on Medium, where people are continuing the conversation by highlighting and responding to this story.',
        "<small>4 posts - 3 participants</small>",
        "1 post - 1 participant",
        "Statistics: Posted by <a href='/u'>ann</a> — Fri Nov 20, 2026 8:15 am",
        "submitted by <a href='/u'>ann</a> to <a href='/c'>boats</a><br>8 points | <a href='/p'>3 comments</a>",
        "<br>-- <br>Delivered by <a href='/f'>Feed43</a> service",
        "See Privacy Policy at https://art19.com/privacy and California Privacy Notice at https://art19.com/x.",
        "Сообщение <a href='/x'>Паром</a> появились сначала на <a href='/'>Газета</a>.",
        "Hosted on Acast. See <a href='/p'>acast.com/privacy</a> for more information.",
        "Learn more about your ad choices. Visit <a href='/m'>megaphone.fm/adchoices</a>",
        "Support this podcast: <a href='/s'>https://pod.example/support</a>",
        '<a href="/t">Read full topic</a>',
        'submitted by <a href="/u"> /u/jo_e </a> <br> <span><a href="/l">[link]</a></span> <span><a href="/c">[comments]</a></span>',
        "Thanks for reading Boats! Subscribe for free to receive new posts and support my work.",
        'Comments URL: <a href="https://n.example/1">https://n.example/1</a>',
    ],
)
def test_sentences_of_producers_leave_the_body(line: str) -> None:
    assert texts(f"<p>{SHORT}</p><p>{line}</p>") == [SHORT]
    assert [span.rule for span in fragment(f"<p>{SHORT}</p><p>{line}</p>").removed] == ["producer"]


ATTRIBUTIONS = [
    "文章<a href='/x'>{}</a>最先出现在<a href='/'>晚报</a>。",
    "<a href='/x'>{}</a> yazısı ilk önce <a href='/'>Gazete</a> üzerinde ortaya çıktı.",
    "ظهرت المقالة <a href='/x'>{}</a> أولاً على <a href='/'>الجريدة</a>.",
    "<a href='/x'>{}</a> 글은 <a href='/'>신문</a>에 처음 등장했습니다.",
]


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_a_last_line_that_links_the_title_and_the_site_is_no_body_in_any_language(line: str) -> None:
    assert texts(f"<p>{SHORT}</p><p>{line.format(GIVEN)}</p>") == [SHORT]
    assert len(texts(f"<p>{line.format(GIVEN)}</p><p>{SHORT}</p>")) == 2


def test_a_last_line_with_two_links_and_no_title_stays() -> None:
    line = "Ask <a href='/a'>Ann Lee</a> or the <a href='/b'>harbour board</a>."
    assert len(texts(f"<p>{SHORT}</p><p>{line}</p>")) == 2


@pytest.mark.parametrize("label", ["Comments", "Discuss on the forum", "View the original post"])
def test_a_link_to_the_page_alone_is_a_stub(label: str) -> None:
    assert texts(f"<p><a href='/c'>{label}</a></p>") == []
    assert fragment(f"<p><a href='/c'>{label}</a></p>", None).paragraphs == (label,)


@pytest.mark.parametrize(
    "text",
    [
        "The post office appeared first on the list of buildings to be sold.",
        "Her novel was originally published in 1961 by a small press in Leeds.",
        "The paper was submitted by two students of the school.",
        "Points: the visitors took three.",
    ],
)
def test_sentences_like_them_stay(text: str) -> None:
    assert texts(f"<p>{text}</p><p>{SHORT}</p>") == [text, SHORT]


def test_an_excerpt_loses_its_mark_and_its_suffix() -> None:
    suffix = 'The post <a href="/x">Ferries</a> appeared first on <a href="/">The Post</a>.'
    assert texts(f"The ferry leaves at six [&#8230;] {suffix}") == ["The ferry leaves at six…"]
    assert texts(f"<p>{SHORT} <a class='more-link' href='/x'>Continue reading <span>Ferries</span> →</a></p>") == [
        SHORT
    ]
    assert texts(f"<p>{SHORT} <a href='/x'>Read more…</a></p>") == [SHORT]
    assert texts(f"<p>{SHORT}&nbsp;<a href='/x'>[...]</a></p>") == [SHORT]
    assert texts(f"<p>{SHORT}</p><p>Read more at <a href='/x'>gazette.example</a></p>") == [SHORT]


@pytest.mark.parametrize(
    "block",
    [
        "<div class='blogger-post-footer'>From the Post, read on the web</div>",
        "<div class='sharedaddy sd-sharing-enabled'><h3>Share this:</h3><ul><li>Facebook</li></ul></div>",
        "<div id='jp-relatedposts' class='jp-relatedposts'><h3>Related</h3></div>",
        "<div class='subscription-widget-wrap'><p>Boats is free.</p><form><input></form></div>",
        "<p class='button-wrapper'><a class='button primary' href='/s'><span>Share</span></a></p>",
        "<div class='addtoany_share_save_container'><a href='/f'>Facebook</a></div>",
        "<div role='dialog' aria-label='Cookie consent'><p>We and our partners store cookies.</p></div>",
        "<h2>Comments</h2>",
        "<p><a href='/p'>Permalink</a> | <a href='/e'>Email this</a> | <a href='/c'>Comments</a></p>",
        "<p>Posted in <a href='/b'>Boats</a> | <a href='/c'>3 Comments</a></p>",
        "<p>Permalink | Comments (3)</p>",
        "<p>Filed under: <a href='/b'>Boats</a></p>",
        "<span class='field field--name-created'>Fri, 11/20/2026 - 08:15</span>",
    ],
)
def test_blocks_of_producers_leave_the_body(block: str) -> None:
    assert texts(f"<p>{SHORT}</p><h2>Why</h2><p>It is summer.</p>{block}") == [SHORT, "Why", "It is summer."]


def test_captions_of_pictures_are_removed_and_quotes_in_figures_stay() -> None:
    picture = "<figure><img src='a.jpg'><figcaption>The ferry. Photo: A. Holm</figcaption></figure>"
    quote = "<figure><blockquote>I can swim.</blockquote><figcaption>Pia Holm, rower</figcaption></figure>"
    assert texts(f"{picture}<p>{SHORT}</p>{quote}") == [SHORT, "I can swim.", "Pia Holm, rower"]
    assert texts(picture) == ["The ferry. Photo: A. Holm"]


def test_code_keeps_its_lines_and_characters() -> None:
    code = "if a &lt; b:\n\n    c  = 1  # &amp; so on"
    assert texts(f"<p>{SHORT}</p><pre><code>{code}</code></pre><p>End.</p>") == [
        SHORT,
        "if a < b:\n\n    c  = 1  # & so on",
        "End.",
    ]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>x</p>", True),
        ("plain", True),
        ("<article><h1>x</h1></article>", True),
        ("<main><p>x</p></main>", True),
        ("<svg><title>logo</title></svg><p>x</p>", True),
        ("<nav>toc</nav><p>x</p>", True),
        ("<!DOCTYPE html><p>x</p>", False),
        ("<title>x</title><p>y</p>", False),
        ("<HTML><p>y</p>", False),
        ("<header>Site</header><nav>menu</nav><p>x</p>", False),
    ],
)
def test_a_fragment_has_no_parts_of_a_page(markup: str, expected: bool) -> None:
    assert is_fragment(markup) is expected


def test_time_grows_with_the_length_of_the_text() -> None:
    with at_most(3, "matching sentences of producers"):
        for start in ("The post ", "submitted by /u/", "Der Beitrag ", "[link] ", "投稿 "):
            is_producer_line(start * 20_000, True)
            fragment(start * 5_000)


@pytest.mark.parametrize(
    "label", ["... Leggi tutto", "…Läs mer", "Seguir leyendo", "Подробнее →", "더 보기", "اقرأ المزيد", "Saiba mais »"]
)
def test_a_link_to_the_rest_leaves_the_end_of_a_paragraph_in_any_language(label: str) -> None:
    assert texts(f"<img src='a.jpg'><br>{SHORT} <a href='/x'>{label}</a>") == [SHORT]
