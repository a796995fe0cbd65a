"""Lines between headline and body: bylines, places, dates, captions and buttons in the order that sites put them."""

from __future__ import annotations

import pytest

from tests.unit.enrich.plain_pages import check

HEAD = "Library boat sails again after six years"
TEXTS = (
    "The library boat of Valport sailed again on Thursday, with 1,400 books and a dog on board.",
    "According to the librarian the first book borrowed was a manual of knots.",
)
DEK = "A dog is part of the crew"


@pytest.mark.parametrize(
    ("lines", "authors", "day"),
    [
        ("RENATA CALDAS\nValport\nUpdated: 19/11/2026 10:02. Published: 19/11/2026 08:30", ("Renata Caldas",), 19),
        ("Posted on 19 November 2026 by Renata Caldas", ("Renata Caldas",), 19),
        ("Share full article\n17\nBy Renata Caldas and Bram Oud\nNov. 19, 2026", ("Renata Caldas", "Bram Oud"), 19),
        ("By Renata Caldas, Bram Oud, and Ada Lee\n19 November 2026", ("Renata Caldas", "Bram Oud", "Ada Lee"), 19),
        ("By RENATA CALDAS FOR VALPORT MAIL ONLINE\nPUBLISHED: 10:32 EST, 19 November 2026", ("Renata Caldas",), 19),
        ("Renata Caldas Transport correspondent\nThu 19 Nov 2026 11.02 GMT", ("Renata Caldas",), 19),
        ("By our reporter Renata Caldas\nToday at 08:15", ("Renata Caldas",), None),
        ("By Renata Caldas, Valport Press\n19 November 2026", ("Renata Caldas",), 19),
        ("By Renata Caldas | The Valport Herald | 19 November 2026", ("Renata Caldas",), 19),
        ("By Renata Caldas, 19 November 2026", ("Renata Caldas",), 19),
        ("Renata Caldas\nValport - 19 Nov 2026 - 09:45 CET", ("Renata Caldas",), 19),
        ("The boat leaves the harbour © Theo Brandt\nBy Renata Caldas\nNov 19, 2026", ("Renata Caldas",), 19),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dek", ["", DEK, f"{DEK}."])
def test_what_stands_between_headline_and_body(lines: str, authors: tuple[str, ...], day: int | None, dek: str) -> None:
    head = "\n\n".join(filter(None, (HEAD, dek, lines)))
    reading = check(f"{head}\n\n{TEXTS[0]}\n\n{TEXTS[1]}\n")
    assert (reading.title, reading.dek, reading.paragraphs) == (HEAD, dek, TEXTS)
    assert reading.authors == authors
    assert (reading.published_at.day if reading.published_at else None) == day


@pytest.mark.parametrize("line", ["关键词：渡船 运河", "キーワード：渡し船 運河", "标签: 渡船　运河 大桥"])
def test_labels_of_unspaced_scripts_end_at_spaces(line: str) -> None:
    assert len(check(f"{HEAD}\n\n{TEXTS[0]}\n\n{TEXTS[1]}\n\n{line}\n").tags) == line.replace("　", " ").count(" ") + (
        "：" in line
    )
