# ruff: noqa: E501 (pages and their lines are data)
"""Structure of pages: lists, code, tables, quotes and short text between paragraphs are body; dialogs are not."""

from __future__ import annotations

import re

import pytest

from services.enrich.domain.html.page import read
from services.enrich.domain.markup.blocks import html_blocks
from services.enrich.domain.markup.completion import complete_body
from services.enrich.domain.markup.tree import parse_page
from services.enrich.domain.text.plain_text import read as read_text
from shared.articles import Submission
from tests.unit.enrich.pages import BODY, TITLE, html_page, paragraphs_html

NAV = "<header><a href='/'>The Post</a><nav><ul><li><a href='/n'>News</a></li><li><a href='/t'>Tides</a></li></ul></nav></header>"
FOOTER = "<footer><p>© 2026 The Post. All rights reserved.</p><ul><li><a href='/c'>Contact us</a></li></ul></footer>"


def body(*parts: str) -> list[str]:
    """The paragraphs of a page with these parts between its first and its last paragraphs."""
    text = f"<p>{BODY[0]}</p><p>{BODY[1]}</p>{''.join(parts)}<p>{BODY[2]}</p><p>{BODY[3]}</p>"
    page = html_page(f"{NAV}<main><article><h1>{TITLE}</h1>{text}</article></main>{FOOTER}", f"<title>{TITLE}</title>")
    return list(read(page.encode(), "text/html", None).paragraphs)


def between(*parts: str) -> list[str]:
    found = body(*parts)
    assert (found[:2], found[-2:]) == (list(BODY[:2]), list(BODY[2:]))
    return found[2:-2]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<ul><li>Rope one<ul><li>is longer</li><li>is wet<ol><li>at night</li></ol></li></ul></li><li>Rope two</li></ul>",
         ["Rope one", "is longer", "is wet", "at night", "Rope two"]),
        ("<ol><li><p>Lift the wheel.</p><p>Slowly.</p></li><li><p>Wait.</p></li></ol>", ["Lift the wheel.", "Slowly.", "Wait."]),
        ("<ul><li><span tabindex=0>see the plans</span></li><li><span>object in writing</span></li></ul>",
         ["see the plans", "object in writing"]),
        ("<dl><dt>Cam</dt><dd>A small wheel</dd><dt>Bell</dt><dd>A large one</dd></dl>",
         ["Cam", "A small wheel", "Bell", "A large one"]),
    ],
)  # fmt: skip
def test_lists_keep_every_item(markup: str, expected: list[str]) -> None:
    assert between(markup) == expected


@pytest.mark.parametrize("text", ["He said nothing.", "“No.”", "Nobody laughed."])
def test_short_paragraphs_stay(text: str) -> None:
    assert between(f"<p>{text}</p>") == [text]


@pytest.mark.parametrize("level", [2, 3, 4])
def test_headings_with_and_without_links_stay(level: int) -> None:
    assert between(f"<h{level}>What it cost</h{level}><p>Thirty crowns, said the clerk.</p>")[0] == "What it cost"


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<pre>high  04:12\nlow   10:31  # &lt;-- wrong</pre>", "high  04:12\nlow   10:31  # <-- wrong"),
        ("<pre><code>a = 1\n\nif a:\n    b()</code></pre>", "a = 1\n\nif a:\n    b()"),
        (
            "<table><tr><td class='gutter'><pre>1\n2</pre></td><td class='code'><pre>if a:\n    b</pre></td></tr></table>",
            "if a:\n    b",
        ),
        (
            "<div class='highlight'><table><tr><td><pre>9\n10</pre></td><td><pre>x\ny</pre></td></tr></table></div>",
            "x\ny",
        ),
        ("<pre><span class='lineno'>1</span>SELECT a\n<span class='lineno'>2</span>FROM b</pre>", "SELECT a\nFROM b"),
    ],
)
def test_code_keeps_its_lines_and_loses_its_line_numbers(markup: str, expected: str) -> None:
    assert between(markup) == [expected]


def test_prose_in_pre_becomes_paragraphs() -> None:
    assert between(f"<pre>{BODY[0]}\n\n{BODY[3]} Again,\nsaid Ann.</pre>") == [BODY[0], f"{BODY[3]} Again, said Ann."]


@pytest.mark.parametrize(
    "markup",
    [
        "<aside class='pullquote'><p>the money would be found</p><span>The mayor</span></aside>",
        "<div class='pull-quote'>asked residents not to set their watches by the tower</div>",
        "<blockquote class='pullquote'><p>“A crowd of some four hundred people listening”</p><cite>The Post</cite></blockquote>",
        "<figure class='quote'><blockquote>the bakery sells a roll with thirteen seeds on it</blockquote></figure>",
    ],
)
def test_a_pull_quote_does_not_repeat_its_sentence(markup: str) -> None:
    assert between(markup) == []


@pytest.mark.parametrize(
    ("quote", "caption"),
    [
        ("<blockquote>Nobody waits for a bell.</blockquote>", "— Otto Brand, keeper"),
        ("<blockquote><p>We counted.</p><p>Twice.</p></blockquote>", "Mara Holt"),
        ("<blockquote cite='/q'><p>It was the cam.</p></blockquote>", "Ada Corlett, founder"),
    ],
)
def test_a_short_quote_in_a_figure_stays_with_its_attribution(quote: str, caption: str) -> None:
    found = between(f"<figure>{quote}<figcaption>{caption}</figcaption></figure>")
    assert " ".join(found) == f"{' '.join(re.findall(r'>([^<>]+)<', quote))} {caption}"


def test_a_pull_quote_in_a_figure_goes_with_its_attribution() -> None:
    quote = "<blockquote><p>the bakery sells a roll with thirteen seeds on it</p></blockquote>"
    assert between(f"<figure>{quote}<figcaption>The Post</figcaption></figure>") == []


@pytest.mark.parametrize(
    "markup",
    [
        "<p hidden>Hidden words that nobody sees on the page at all.</p>",
        "<p style='display: none'>Hidden words that nobody sees on the page.</p>",
        "<div style='display:none'><p>Hidden words that nobody sees on the page.</p><p>And more of them.</p></div>",
        "<p>To view this video please enable JavaScript, and consider upgrading to a web browser that plays it</p>",
        "<p>Your browser does not support the audio element.</p>",
    ],
)
def test_text_that_no_reader_sees_is_no_body(markup: str) -> None:
    assert between(markup) == []


@pytest.mark.parametrize(
    "attributes", ["class='paywall' aria-hidden='true'", "aria-hidden='true'", "id='p-4' aria-hidden='true'"]
)
def test_a_paragraph_that_only_screen_readers_skip_is_body(attributes: str) -> None:
    text = (
        "Behind the fold stands that the wheel was cast in 1911, and that nobody has opened the case of it since then."
    )
    assert between(f"<p {attributes}>{text}</p>") == [text]


@pytest.mark.parametrize(
    "header",
    [
        "Most watched News videos",
        "MOST READ NEWS",
        "Most read in Business",
    ],
)
def test_a_list_of_other_articles_at_the_end_is_no_body(header: str) -> None:
    titles = (
        "Moment crane lifts wheel from the tower of the clock",
        "Baker opens a second shop",
        "Who owns the meadow?",
    )
    share = f"Share or comment on this article: {TITLE}"
    listed = "".join(f"<p>{text}</p>" for text in (share, header, *titles))
    page = html_page(f"{NAV}<article><h1>{TITLE}</h1>{paragraphs_html()}{listed}</article>{FOOTER}")
    assert read(page.encode(), "text/html", None).paragraphs == BODY
    text = read_text("\n\n".join((TITLE, *BODY, share, header, *titles)), Submission())
    assert text.paragraphs == BODY
    # A sentence below the header: the article goes on.
    page = page.replace("<p>Baker", f"<p>{BODY[0][::-1]}.</p><p>Baker")
    assert titles[0] in read(page.encode(), "text/html", None).paragraphs


@pytest.mark.parametrize("attributes", ["class='footnotes'", "class='wp-block endnotes-list'", "role='doc-endnotes'"])
def test_footnotes_stay(attributes: str) -> None:
    notes = f"<section {attributes}><ol><li>Minutes of the council, page 12.</li></ol></section>"
    page = html_page(f"{NAV}<article><h1>{TITLE}</h1><p>{BODY[0]}</p><p>{BODY[1]}</p>{notes}</article>{FOOTER}")
    assert list(read(page.encode(), "text/html", None).paragraphs) == [*BODY[:2], "Minutes of the council, page 12."]


def test_a_quote_with_words_of_its_own_stays() -> None:
    assert "We never asked for a second clock in this town, and nobody did." in " ".join(
        between("<blockquote><p>We never asked for a second clock in this town, and nobody did.</p></blockquote>")
    )


def test_data_rows_are_joined_with_their_foot_and_layout_is_not() -> None:
    table = (
        "<table><thead><tr><th>Part</th><th>Cost</th></tr></thead><tbody><tr><td>Cam</td><td>30</td></tr>"
        "<tr><td>Crane</td><td>400</td></tr></tbody><tfoot><tr><td>Total</td><td>430</td></tr></tfoot></table>"
    )
    assert between(table) == ["Part | Cost", "Cam | 30", "Crane | 400", "Total | 430"]
    columns = f"<p>{BODY[0]}<p>{BODY[1]}<p>{BODY[2]}"
    page = f"<html><head><title>{TITLE}</title></head><body><table><tr><td><a href='/'>Home</a> <a href='/a'>Archive</a></td><td><h1>{TITLE}</h1>{columns}</td></tr></table></body></html>"
    assert list(read(page.encode(), "text/html", None).paragraphs) == list(BODY[:3])


CONSENT = (
    "<h2>We value your privacy</h2><p>We and our 842 partners store and access personal data, like cookies or unique "
    "identifiers, on your device. Selecting Accept enables tracking technologies to support the purposes shown.</p>"
    "<p>You can change your mind at any time by clicking Manage preferences at the bottom of the page.</p>"
)


@pytest.mark.parametrize(
    "dialog",
    [
        f"<div role='dialog'>{CONSENT}</div>",
        f"<section aria-modal='true'>{CONSENT}</section>",
        f"<div aria-label='Cookie banner'>{CONSENT}</div>",
        f"<div id='onetrust-consent-sdk'><div class='ot-sdk-row'>{CONSENT}</div></div>",
        f"<div class='qc-cmp2-container'>{CONSENT}</div>",
        f"<aside class='cookie-notice'>{CONSENT}</aside>",
        f"<div id='CybotCookiebotDialog'>{CONSENT}</div>",
        f"<form class='gdpr-form'>{CONSENT}</form>",
        f"<div class='bottom-bar'>{CONSENT}<button>Accept all</button></div>",
        f"<div id='lanyard_root'><div>{CONSENT}</div><div><button>Alle akzeptieren</button></div></div>",
        f"<section class='x1'>{CONSENT}<p><button>I agree</button></p></section>",
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_consent_dialogs_are_not_body(dialog: str, before: bool) -> None:
    article = f"<article><h1>{TITLE}</h1><p>{BODY[0]}</p><p>{BODY[1]}</p><p>{BODY[2]}</p></article>"
    page = html_page(f"{dialog}{NAV}{article}{FOOTER}" if before else f"{NAV}{article}{dialog}{FOOTER}")
    assert list(read(page.encode(), "text/html", None).paragraphs) == list(BODY[:3])


@pytest.mark.parametrize(
    "wrapper",
    ["<div class='cookie-notice-shown'>{}</div>", "<div role='dialog'>{}</div>", "<div class='cookie-recipe'>{}</div>"],
)
def test_an_article_inside_such_an_element_stays(wrapper: str) -> None:
    text = "".join(f"<p>{text} The cookies were eaten.</p>" for text in BODY)
    page = html_page(wrapper.format(f"<article><h1>{TITLE}</h1>{text}</article>"))
    assert len(read(page.encode(), "text/html", None).paragraphs) == len(BODY)


@pytest.mark.parametrize(
    "quote",
    [
        "<figure><blockquote><p>We built it.</p></blockquote><figcaption>— Mara Voss</figcaption></figure>",
        "<figure class='quote'><blockquote>We built it.</blockquote><figcaption><cite>— Mara Voss</cite></figcaption></figure>",
        "<div><figure class='wp-block-quote'><blockquote>We built it.</blockquote><figcaption>— Mara Voss</figcaption></figure></div>",
        "<blockquote><p>We built it.</p><footer>— Mara Voss</footer></blockquote>",
    ],
)
def test_a_short_quote_stands_with_its_attribution(quote: str) -> None:
    assert between(quote) == ["We built it.", "— Mara Voss"]


@pytest.mark.parametrize(
    "quote",
    [
        "<aside><figure><blockquote>We built it.</blockquote><figcaption>Mara Voss</figcaption></figure></aside>",
        f"<figure><blockquote>{BODY[0][:60]}</blockquote><figcaption>Mara Voss</figcaption></figure>",
        "<figure><blockquote><a href='/x'>More on the wheel</a></blockquote><figcaption>Mara Voss</figcaption></figure>",
        "<figure><img src='a.jpg'><figcaption>The wheel at night</figcaption></figure>",
    ],
)
def test_a_figure_that_is_no_quote_of_the_text_stays_out(quote: str) -> None:
    assert between(quote) == []


@pytest.mark.parametrize("name", ["cmp-text", "teaser cmp-teaser__description", "text cmp-richtext"])
def test_components_of_a_content_management_system_are_no_consent_dialogs(name: str) -> None:
    texts = [f"{text} Tracking costs and privacy were discussed, too." for text in BODY]
    parts = "".join(f"<div class='{name}'><p>{text}</p></div>" for text in texts)
    page = html_page(f"{NAV}<main><div class='cmp-container'><h1>{TITLE}</h1></div>{parts}</main>{FOOTER}")
    assert list(read(page.encode(), "text/html", None).paragraphs) == texts


@pytest.mark.parametrize(
    ("lines", "probability", "kept"), [(50, None, True), (50, 0.25, True), (2, 0.05, True), (50, 0.15, False)]
)
def test_code_between_paragraphs_stays_unless_it_is_long_and_clearly_not_body(
    lines: int, probability: float | None, kept: bool
) -> None:
    code = "\n".join(f"a{number} = {number}" for number in range(lines))
    page = f"<html><body><article><p>{BODY[0]}</p><pre>{code}</pre><p>{BODY[1]}</p></article></body></html>"
    blocks = html_blocks(parse_page(page)[1])
    assert complete_body(blocks, [0.9, probability, 0.9], [0, 2]) == ([0, 1, 2] if kept else [0, 2])
