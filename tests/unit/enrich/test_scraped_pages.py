"""Scraped pages of many languages: every field where it belongs, and nothing else in body, dek or summary."""

from __future__ import annotations

import pytest

from services.enrich.domain.text.plain_text import read
from shared.articles import Submission
from tests.unit.enrich.pages import BODY, TITLE
from tests.unit.enrich.plain_pages import check, page
from tests.unit.enrich.scraped_layouts import BODIES, LAYOUTS, TITLES
from tests.unit.enrich.scraped_pages import PAGES, Scraped


@pytest.mark.parametrize("scraped", PAGES, ids=lambda one: one.name)
def test_a_scraped_page_is_read(scraped: Scraped) -> None:
    reading = check(scraped.page)
    assert reading.title == scraped.title
    starts = tuple(text[: len(wanted)] for text, wanted in zip(reading.paragraphs, scraped.body, strict=False))
    assert (starts, len(reading.paragraphs)) == (scraped.body, len(scraped.body))
    assert reading.authors == scraped.authors
    assert (reading.published_at.date().isoformat() if reading.published_at else None) == scraped.day
    assert (reading.dek, reading.tags) == (scraped.dek, scraped.tags)


@pytest.mark.parametrize("gap", ["\n\n", "\n"])
@pytest.mark.parametrize(("language", "layout", "authors", "day"), LAYOUTS, ids=lambda value: str(value)[:12])
def test_a_layout_is_read(language: str, layout: str, authors: tuple[str, ...], day: str | None, gap: str) -> None:
    title, (first, second) = TITLES[language], BODIES[language]
    text = layout.format(t=title, a=first, b=second)
    reading = check(text if gap == "\n\n" else text.replace("\n\n", "\n"))
    assert (reading.title, reading.dek, reading.paragraphs) == (title, "", (first, second))
    assert reading.authors == authors
    assert (reading.published_at.date().isoformat() if reading.published_at else None) == day


@pytest.mark.parametrize("gap", ["\n\n", "\n"])
@pytest.mark.parametrize("header", ["Read also:", "LEIA TAMBÉM", "Lesen Sie auch:", "Читайте также:", "関連記事"])
def test_a_read_also_line_never_takes_the_paragraph_after_it(header: str, gap: str) -> None:
    box = f"{header}\nThe crane that never creaked"
    assert check(page(TITLE, BODY[0], BODY[1], box, BODY[2], gap=gap)).paragraphs == BODY[:3]
    assert check(page(TITLE, BODY[0], box, BODY[1], BODY[2], gap=gap)).paragraphs == BODY[:3]
    assert check(page(TITLE, BODY[0], header, BODY[1], gap=gap)).paragraphs == BODY[:2]


@pytest.mark.parametrize(
    "text",
    ["The boat sails again on Monday.", "Fog", "Profit < forecast, costs > 9 percent", "if a<b then c", "ok 👍"],
)
def test_a_short_text_is_an_article(text: str) -> None:
    reading = read(text, Submission())
    assert reading.paragraphs == (text,)


@pytest.mark.parametrize("text", ["", TITLE, f"{TITLE}\n\nShare\n\n© 2026 The Post"])
def test_a_title_alone_is_a_stub(text: str) -> None:
    reading = read(text, Submission(title=TITLE))
    assert reading.paragraphs == (TITLE,)


def test_short_titles_over_a_dek_stay_titles() -> None:
    reading = check(page("Fog returns", "Ferries stopped for six hours on Monday", *BODY))
    assert (reading.title, reading.dek) == ("Fog returns", "Ferries stopped for six hours on Monday")


MARKDOWN = """---
title: "Ferry returns"
author: Jane Doe
date: 2026-11-19
tags: [Harbour, Ferries]
---

# Ferry returns to the *outer* islands

The [ferry](https://example.org/f) sails **again** on Monday, the `harbour` office said. It was
gone all winter.

![The stage](stage.jpg)

## Prices

- Adults: two crowns
- Children: free

| Boat | Time |
| --- | --- |
| First | 6:00 |

> We needed nine weeks.

Profit < forecast and a <stop> sign.
"""


def test_markdown_is_plain_text_without_its_marks() -> None:
    reading = read(MARKDOWN, Submission())
    assert reading.title == "Ferry returns to the outer islands"
    assert reading.authors == ("Jane Doe",)
    assert reading.tags == ("Harbour", "Ferries")
    assert reading.published_at is not None
    assert reading.paragraphs == (
        "The ferry sails again on Monday, the harbour office said. It was gone all winter.",
        "Prices",
        "Adults: two crowns",
        "Children: free",
        "Boat | Time",
        "First | 6:00",
        "We needed nine weeks.",
        "Profit < forecast and a <stop> sign.",
    )


@pytest.mark.parametrize(
    ("front", "authors"),
    [
        ('+++\ntitle = "Ferry returns"\ndate = 2026-11-19T08:20:00Z\nauthors = ["Jane Doe"]\n+++\n', ("Jane Doe",)),
        ("---\ntitle: Ferry returns\nauthors:\n- Jane Doe\n- name: Roe\ndate: 2026-11-19\n---\n", ("Jane Doe", "Roe")),
        ("---\ntitle: 'Ferry returns'\nauthor:\n- Jane Doe\npubdate: 19 Nov 2026\n---\n", ("Jane Doe",)),
    ],
)  # fmt: skip
def test_front_matter_of_other_generators(front: str, authors: tuple[str, ...]) -> None:
    reading = read(f"{front}\nThe boat sails again on Monday, said the office.\n", Submission())
    assert (reading.title, reading.authors) == ("Ferry returns", authors)
    assert reading.published_at is not None
    assert reading.paragraphs == ("The boat sails again on Monday, said the office.",)


@pytest.mark.parametrize("word", ["Next", "Contact", "Home"])
def test_a_heading_of_a_markdown_file_may_be_a_word_of_navigation(word: str) -> None:
    text = "The harbour opens again on Monday, and the council pays for the work on both of the piers this time."
    read_file = read(f"# Harbour news\n\n{text}\n\n## {word}\n\n{text[::-1]}.\n\n## {word}\n", Submission())
    assert read_file.paragraphs == (text, word, f"{text[::-1]}.")  # without text below it, it is navigation


@pytest.mark.parametrize(
    ("markdown", "paragraphs"),
    [
        ("<p>The boat <b>sails</b>.</p>\n\nOn Monday,<br>they say.", ("The boat sails.", "On Monday, they say.")),
        ("- [x] Pay the crew\n- [ ] Paint the boat", ("Pay the crew", "Paint the boat")),
        ("It sails.[^1]\n\n[^1]: At six.", ("It sails.", "At six.")),
        ("It sails.\n\n```py\nif tide:\n    sail()\n```", ("It sails.", "if tide:\n    sail()")),
        ("A <stop> sign and 2 < 3.\n\nThe end.", ("A <stop> sign and 2 < 3.", "The end.")),
    ],
)  # fmt: skip
def test_html_tasks_footnotes_and_code_in_markdown(markdown: str, paragraphs: tuple[str, ...]) -> None:
    assert read(f"# Harbour news\n\n{markdown}\n", Submission()).paragraphs == paragraphs


@pytest.mark.parametrize(
    "text",
    [
        "# Harbour opens\n\nThe harbour opened on Monday after the winter.\n\nBy Jane Doe",
        "Harbour opens\n===\n\nThe harbour **opened** on Monday.\n",
    ],
)
def test_markdown_headings_are_titles(text: str) -> None:
    reading = read(text, Submission())
    assert reading.title == "Harbour opens"
    assert reading.paragraphs[0].startswith("The harbour opened on Monday")


@pytest.mark.parametrize(
    "text", ["#one #two\n\nThe boat * sails * again.", "Costs rose 3*4 times_a_day [sic] (again)."]
)
def test_plain_text_with_such_characters_is_not_markdown(text: str) -> None:
    assert text.rpartition("\n\n")[2] in read(text, Submission()).paragraphs
