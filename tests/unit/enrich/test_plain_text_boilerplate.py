# ruff: noqa: PT017 (a property may end in a refusal)
"""Plain text: what is cut around the body, by which rule, and that nothing else vanishes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain.decoding import clean
from services.enrich.domain.text.plain_text import read
from shared.articles import Submission
from shared.errors import Permanent
from tests.unit.enrich.pages import BODY, DEK, TEASERS, TITLE
from tests.unit.enrich.plain_pages import accounted, check, page, rules, visible

BOILERPLATE = {
    "ad-token": ["ADVERTISEMENT", "Advertisement", "- Advertisement -", "[AD]", "Sponsored", "Sponsored content",
                 "Story continues below advertisement", "spot_img", "spot_img_2", "div-gpt-ad-1234-0", "Anzeige",
                 "Advertisement - scroll to continue", "header_ad_slot"],
    "share": ["Share this", "Share on Facebook", "Share this article via email", "Facebook", "Tweet", "Copy link",
              "Facebook Twitter WhatsApp", "12 comments", "Follow us on Instagram and YouTube", "Print", "3 min read",
              "Share full article", "View image in fullscreen", "Scroll down for video", "45 shares", "Link copied!",
              "Get the coast's news on WhatsApp", "Följ oss på Facebook", "글자 크기 조절",
              "تابعوا قناتنا على واتساب", "हमारे व्हाट्सएप चैनल से जुड़ें", "Нашли опечатку? Выделите текст",
              "この記事についてツイート", "Reportar un error", "Réutiliser ce contenu"],
    "newsletter": ["Sign up for our weekly newsletter", "Subscribe now", "Enter your email address",
                   "Get our best stories in your inbox every morning"],
    "read-more": ["Read more: The crane that never creaked", "READ ALSO | Bakery to open again",
                  "【関連記事】橋は春まで通行止め",
                  "Continue reading",
                  "Watch: the bell rings thirteen times"],
    "legal": ["© 2026 The Aldermoor Post", "All rights reserved.", "About us | Contact | Privacy policy"],
    "credit": ["Photo: Jane Doe / Aldermoor Post", "(Photo by Jane Doe/Aldermoor Post)", "Photographs by Jane Doe",
               "Illustration by Jane Doe", "Fotos von Jana Doe"],
    "caption": ["The boat leaves the harbour © Theo Brandt", "Statek wypływa z portu (Fot. Teo Brandt / Agencja)",
                "港を出る図書館船（写真：港新聞社）", "图为图书馆船离港。陈涛 摄", "سفينة المكتبة (الصورة: رويترز)"],
    "consent": ["This website uses cookies. Learn more in our policy.", "We and our 842 partners store personal data.",
                "Wir verwenden Cookies, um die Seite zu verbessern.",
                "Nous utilisons des cookies pour mesurer l'audience."],
    "comments": ["Diskuse (8)", "Обсудить (8)", "Voir les 8 commentaires", "Kommentera artikeln",
                 "Klik hier om te reageren"],
    "separator": ["* * *", "-----"],
    "navigation": ["Skip to content", "Back to top"],
}  # fmt: skip


@pytest.mark.parametrize(("rule", "line"), [(rule, line) for rule, lines in BOILERPLATE.items() for line in lines])
def test_furniture_between_paragraphs_is_cut_by_its_rule(rule: str, line: str) -> None:
    reading = check(page(TITLE, BODY[0], BODY[1], line, BODY[2], BODY[3]))
    assert reading.paragraphs == BODY
    assert rules(reading) == [rule]


@pytest.mark.parametrize(
    "sentence",
    [
        "Advertisement revenue fell by a third last year.",
        "Share prices rose after the announcement on Tuesday.",
        "Sponsored by nobody, the club played on.",
        "Related to this was a second question that nobody asked.",
        "Subscribe to that view and you will soon be poor.",
        "By Monday the river had fallen below the mark.",
        "Topics: there were many, and none was settled before the meeting ended that night.",
        "Photographs of the wheel were shown.",
        "Join a Facebook group and you will hear of little else.",
        "Outrage spread on Facebook",
        "Our partners were late, and so were we.",
        "Cookies were sold at the bell's foot.",
        "Do you have a tip for a visit? The mayor has three.",
        "Trending upwards for a year, the price fell.",
        "More from the same well would have emptied it.",
    ],
)
def test_sentences_about_such_things_stay(sentence: str) -> None:
    assert check(page(TITLE, BODY[0], BODY[1], sentence, BODY[2])).paragraphs == (*BODY[:2], sentence, BODY[2])


@pytest.mark.parametrize(
    "header",
    ["Recommended", "Recomended", "Reccomended for you", "RECOMMENDED ARTICLES:", "Related articles",
     "Realted Articles", "You may also like", "You might also like", "Read next", "Up Next", "More stories",
     "Most read", "Trending now", "More from The Aldermoor Post", "Editors' picks", "Mehr zum Thema",
     "— Related stories —"],
)  # fmt: skip
def test_headers_over_a_recommended_list(header: str) -> None:
    reading = check(page(TITLE, *BODY, header, *(text for pair in TEASERS for text in pair)))
    assert reading.paragraphs == BODY
    assert [(item.title, item.text) for item in reading.recommended] == list(TEASERS)


def test_a_list_of_bare_titles_with_bullets_and_links() -> None:
    titles = [title for title, _ in TEASERS]
    listed = page(*(f"- {title}\nhttps://example.org/{i}" for i, title in enumerate(titles)))
    reading = check(page(TITLE, *BODY, "Related Articles", listed, "© 2026 The Aldermoor Post"))
    assert [(item.title, item.text, item.url) for item in reading.recommended] == [
        (title, "", f"https://example.org/{i}") for i, title in enumerate(titles)
    ]
    assert reading.paragraphs == BODY


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_box_in_the_middle_takes_no_body(size: int) -> None:
    box = [title for title, _ in TEASERS[:size]]
    reading = check(page(TITLE, BODY[0], BODY[1], "Related articles", *box, BODY[2], BODY[3]))
    assert reading.paragraphs == BODY
    assert [item.title for item in reading.recommended] == box


def test_a_stray_header_over_body_takes_nothing() -> None:
    reading = check(page(TITLE, BODY[0], "Most read", BODY[1], BODY[2], BODY[3]))
    assert reading.paragraphs == BODY
    assert reading.recommended == ()


def test_dates_between_teasers_are_theirs() -> None:
    items = [part for title, text in TEASERS for part in (title, text, "4 March 2026")]
    reading = check(page(TITLE, *BODY, "Read next", *items))
    assert reading.paragraphs == BODY
    assert reading.published_at is None


@pytest.mark.parametrize(
    ("lines", "tags"),
    [
        ("Tags: #Politics #WorldNews", ("Politics", "WorldNews")),
        ("Topics: Trade, Deep sea fishing; Law", ("Trade", "Deep sea fishing", "Law")),
        ("Filed under: Culture | Music", ("Culture", "Music")),
        ("#Trade #Fish", ("Trade", "Fish")),
        ("Tags:\n#Trade\n#Fish", ("Trade", "Fish")),
        ("TOPICS\nTrade\nDeep sea fishing", ("Trade", "Deep sea fishing")),
        ("Tags: Trade", ("Trade",)),
    ],
)
def test_tag_lines(lines: str, tags: tuple[str, ...]) -> None:
    reading = check(page(TITLE, *BODY, lines))
    assert reading.tags == tags
    assert reading.paragraphs == BODY


def test_ad_tokens_inside_a_paragraph_go() -> None:
    reading = check(page(TITLE, f"{BODY[0]} spot_img", *BODY[1:]))
    assert reading.paragraphs == BODY
    assert rules(reading) == ["ad-token"]


LINES = st.one_of(
    st.text(max_size=80),
    st.sampled_from([TITLE, DEK, *BODY, *(text for pair in TEASERS for text in pair)]),
    st.sampled_from([line for lines in BOILERPLATE.values() for line in lines]),
    st.sampled_from(
        [
            "Recomended",
            "More from this stream",
            "Tags:",
            "Tags: #a, b",
            "#x #y",
            "By Ann Lee",
            "5 May 2026",
            "LOCAL",
            "  indented",
        ]
    ),
)


@given(st.lists(LINES, max_size=30), st.sampled_from(["\n", "\n\n", "\r\n\r\n", "\r"]), st.sampled_from(["", TITLE]))
@settings(max_examples=300, deadline=None)
def test_no_page_crashes_the_reader_and_nothing_vanishes(lines: list[str], end: str, title: str) -> None:
    text = end.join(lines)
    try:
        reading = read(text, Submission(title=title or None))
    except Permanent as error:
        assert error.rule == "no-body"
    else:
        assert reading.paragraphs
        if reading.paragraphs != (title,):  # a page of nothing but its submitted title
            assert accounted(reading) == visible(clean(text))


@pytest.mark.parametrize(
    "line",
    [
        "Jane Doe is a reporter at the Aldermoor Post. She covers clocks.",
        "Jane Doe covers transport for the Aldermoor Post.",
        "About the author: Jane Doe is a freelance writer.",
        "Have a tip? Send us an email at tips@post.example.",
        "Do you have a news tip? Contact the desk.",
        "Follow Jane on X @janedoe",
        "You can reach Jane Doe at jane@post.example.",
        "(Reporting by Jane Doe; Editing by John Roe)",
        "((jane.doe@post.example; +44 20 5550 1234;))",
        "A version of this article appears in print on March 15, 2026, Section A.",
        "Jane Doe ist Redakteurin der Post und schreibt über Uhren.",
        "Jane Doe est journaliste au service Société.",
        "Jane Doe es periodista y escribe sobre relojes.",
    ],
)
def test_lines_about_the_author_at_the_end_are_no_body(line: str) -> None:
    byline = "By Jane Doe"
    assert check(page(TITLE, byline, BODY[0], BODY[1], line)).paragraphs == BODY[:2]
    assert check(page(TITLE, byline, BODY[0], BODY[1], "Have a story? Write to us.", line)).paragraphs == BODY[:2]
    assert check(page(TITLE, byline, BODY[0], line, BODY[1])).paragraphs == (BODY[0], line, BODY[1])


def test_the_same_words_of_somebody_else_are_body() -> None:
    line = "John Roe is a reporter at the Lower Gazette."
    assert check(page(TITLE, "By Jane Doe", BODY[0], line)).paragraphs == (BODY[0], line)


@pytest.mark.parametrize("count", ["17", "+4", "45", "1,204"])
def test_counts_beside_buttons_are_no_body(count: str) -> None:
    assert check(page(TITLE, "Share", count, BODY[0], "Share this article", count, BODY[1])).paragraphs == BODY[:2]


def test_a_list_of_links_ends_at_the_paragraph_below_its_buttons() -> None:
    box = "RELATED ARTICLES\nGoose stops traffic for an hour\nShare this article\nShare"
    assert check(page(TITLE, BODY[0], box, "He will retire in March, when it opens.", BODY[1])).paragraphs == (
        BODY[0],
        "He will retire in March, when it opens.",
        BODY[1],
    )
