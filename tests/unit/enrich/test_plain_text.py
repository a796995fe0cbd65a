"""Reading plain text: the layouts of pages, and their fields."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime

import pytest

from services.enrich.domain.reading import Reading
from services.enrich.domain.text.plain_text import read
from shared.articles import Submission
from shared.errors import Permanent
from tests.support.material import seed_page
from tests.unit.enrich.pages import BODY, DEK, TEASERS, TITLE
from tests.unit.enrich.plain_pages import check, page, rules

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
    assert [cut.line for cut in reading.removed][:4] == [13, 15, 17, 19]


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
        read(text, Submission())
    assert caught.value.rule == "no-body"
