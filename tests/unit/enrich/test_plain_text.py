# ruff: noqa: E501, PT017 (pages and their lines are data; a property may end in a refusal)
from __future__ import annotations

import textwrap
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain.decoding import clean
from services.enrich.domain.plain_text import read
from services.enrich.domain.reading import Reading
from shared.articles import Submission
from shared.errors import Permanent
from tests.material import seed_page
from tests.unit.enrich.pages import BODY, DEK, TEASERS, TITLE

NOTHING = Submission()


def visible(text: str) -> Counter[str]:
    return Counter("".join(text.split()))


def accounted(reading: Reading) -> Counter[str]:
    parts = [reading.dek, *reading.paragraphs, *(cut.text for cut in reading.cuts)]
    return visible(" ".join([*parts, "" if reading.title_derived else reading.title]))


def check(text: str, **given_fields: str) -> Reading:
    """Read, and check that nothing vanished."""
    reading = read(text, Submission(**given_fields))
    assert accounted(reading) == visible(clean(text))
    return reading


def page(*parts: str, gap: str = "\n\n") -> str:
    return gap.join(parts)


def rules(reading: Reading) -> list[str]:
    return [cut.rule for cut in reading.cuts]


FULL = page(TITLE, DEK, *BODY, "Tags: #Local #TownLife", "spot_img", "More from this stream", "Recomended",
            *(text for pair in TEASERS for text in pair))  # fmt: skip


def assert_whole(reading: Reading) -> None:
    assert reading.title == TITLE
    assert reading.dek == DEK
    assert reading.paragraphs == BODY


@pytest.mark.data
def test_the_model_page_is_read_exactly() -> None:
    text = seed_page()
    blocks = [block for block in text.split("\n\n") if block.strip()]
    reading = check(text)
    assert reading.title == blocks[0].strip()
    assert reading.dek == blocks[1].strip()
    assert list(reading.paragraphs) == [block.strip() for block in blocks[2:10]]
    assert reading.tags == ("Politics", "WorldNews")
    expected = [(blocks[i].strip(), blocks[i + 1].strip()) for i in range(14, 26, 2)]
    assert len(expected) == 6
    assert [(item.title, item.text) for item in reading.recommended] == expected
    body = "\n".join(reading.paragraphs)
    assert "spot_img" not in body
    assert not any(teaser in body for pair in expected for teaser in pair)


def test_the_layout_of_the_model_page() -> None:
    reading = check(FULL)
    assert_whole(reading)
    assert reading.tags == ("Local", "TownLife")
    assert [(item.title, item.text) for item in reading.recommended] == list(TEASERS)
    assert rules(reading)[:4] == ["tags", "ad-token", "stream-header", "recommended-header"]
    assert [cut.line for cut in reading.cuts][:4] == [13, 15, 17, 19]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\u2028", "\x0b"], ids=["crlf", "cr", "line-separator", "vertical-tab"])
def test_other_line_ends_make_the_same_article(end: str) -> None:
    reading = check(FULL.replace("\n", end))
    assert_whole(reading)
    assert len(reading.recommended) == 3


def test_a_page_without_blank_lines() -> None:
    reading = check(FULL.replace("\n\n", "\n"))
    assert_whole(reading)
    assert reading.tags == ("Local", "TownLife")
    assert [(item.title, item.text) for item in reading.recommended] == list(TEASERS)


def test_hard_wrapped_paragraphs_are_joined() -> None:
    wrapped = page(TITLE, DEK, *(textwrap.fill(text, 72) for text in BODY), "Tags: Local, Town life")
    reading = check(wrapped)
    assert_whole(reading)
    assert reading.tags == ("Local", "Town life")


def test_hard_wrapped_and_indented_without_blank_lines() -> None:
    lines = [TITLE, *(textwrap.fill(text, 68, initial_indent="    ") for text in BODY)]
    assert check("\n".join(lines)).paragraphs == BODY


def test_byline_and_date_are_fields_not_body() -> None:
    reading = check(page(TITLE, DEK, "By Jane Doe and John Roe | March 5, 2026 10:30 AM EST", "4 min read", *BODY))
    assert_whole(reading)
    assert reading.authors == ("Jane Doe", "John Roe")
    assert reading.published_at == datetime(2026, 3, 5, 15, 30, tzinfo=UTC)
    assert rules(reading) == ["byline", "share"]


def test_a_name_alone_before_a_date_is_the_author() -> None:
    reading = check(page(TITLE, "Jane Doe", "Published: 5 March 2026", "Last updated: 6 March 2026", *BODY))
    assert reading.authors == ("Jane Doe",)
    assert reading.published_at == datetime(2026, 3, 5, tzinfo=UTC)
    assert reading.paragraphs == BODY


def test_a_dek_with_a_full_stop_before_a_byline() -> None:
    reading = check(page(TITLE, DEK + ".", "By JANE DOE, Science Editor", *BODY))
    assert reading.dek == DEK + "."
    assert reading.authors == ("Jane Doe",)
    assert reading.paragraphs == BODY


def test_a_short_first_paragraph_is_body() -> None:
    lead = "The clock struck thirteen on Monday."
    reading = check(page(TITLE, lead, *BODY))
    assert reading.dek == ""
    assert reading.paragraphs == (lead, *BODY)


def test_a_section_over_the_headline_is_the_section() -> None:
    reading = check(page("Home > News > Local", "LOCAL NEWS", TITLE, *BODY))
    assert reading.section == "LOCAL NEWS"
    assert reading.title == TITLE
    assert rules(reading) == ["navigation", "kicker"]


FURNITURE = {
    "ad-token": ["ADVERTISEMENT", "Advertisement", "- Advertisement -", "[AD]", "Sponsored", "Sponsored content",
                 "Story continues below advertisement", "spot_img", "spot_img_2", "div-gpt-ad-1234-0", "Anzeige",
                 "Advertisement - scroll to continue", "header_ad_slot"],
    "share": ["Share this", "Share on Facebook", "Share this article via email", "Facebook", "Tweet", "Copy link",
              "Facebook Twitter WhatsApp", "12 comments", "Follow us on Instagram and YouTube", "Print", "3 min read"],
    "newsletter": ["Sign up for our weekly newsletter", "Subscribe now", "Enter your email address",
                   "Get our best stories in your inbox every morning"],
    "read-more": ["Read more: The crane that never creaked", "READ ALSO | Bakery to open again", "Continue reading",
                  "Watch: the bell rings thirteen times"],
    "legal": ["© 2026 The Aldermoor Post", "All rights reserved.", "About us | Contact | Privacy policy"],
    "credit": ["Photo: Jane Doe / Aldermoor Post", "(Photo by Jane Doe/Aldermoor Post)"],
    "separator": ["* * *", "-----"],
    "navigation": ["Skip to content", "Back to top"],
}  # fmt: skip


@pytest.mark.parametrize(("rule", "line"), [(rule, line) for rule, lines in FURNITURE.items() for line in lines])
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
        "Trending upwards for a year, the price fell.",
        "More from the same well would have emptied it.",
    ],
)
def test_sentences_about_such_things_stay(sentence: str) -> None:
    assert check(page(TITLE, BODY[0], BODY[1], sentence, BODY[2])).paragraphs == (*BODY[:2], sentence, BODY[2])


@pytest.mark.parametrize(
    "header",
    ["Recommended", "Recomended", "Reccomended for you", "RECOMMENDED ARTICLES:", "Related articles", "Realted Articles",
     "You may also like", "You might also like", "Read next", "Up Next", "More stories", "Most read", "Trending now",
     "More from The Aldermoor Post", "Editors' picks", "Mehr zum Thema", "— Related stories —"],
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


def test_a_page_without_a_title_gets_its_first_sentence() -> None:
    reading = check(page(*BODY))
    assert reading.title_derived
    assert reading.title.startswith("The clock of Aldermoor struck thirteen")
    assert len(reading.title) <= 120
    assert reading.paragraphs == BODY


def test_two_short_blocks_are_title_and_body() -> None:
    reading = check("Fog\n\nThe fog came at six.")
    assert (reading.title, reading.paragraphs) == ("Fog", ("The fog came at six.",))


def test_the_producers_title_finds_ours() -> None:
    reading = check(page(TITLE.upper(), *BODY), title=TITLE)
    assert reading.title == TITLE.upper()
    assert reading.paragraphs == BODY


def test_under_another_title_of_the_producer_a_paragraph_stays_body() -> None:
    reading = check(page("He was 84 and had wound it since he was 20.", "She is 81."), title="An obituary")
    assert reading.paragraphs == ("He was 84 and had wound it since he was 20.", "She is 81.")


@pytest.mark.parametrize("text", ["", " \n\n ", "***", "spot_img\n\nAdvertisement", "Tags: #one", "Share this\nTweet"])
def test_pages_without_body_are_refused(text: str) -> None:
    with pytest.raises(Permanent) as caught:
        read(text, NOTHING)
    assert caught.value.rule == "no-body"


LINES = st.one_of(
    st.text(max_size=80),
    st.sampled_from([TITLE, DEK, *BODY, *(text for pair in TEASERS for text in pair)]),
    st.sampled_from([line for lines in FURNITURE.values() for line in lines]),
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
        assert accounted(reading) == visible(clean(text))
