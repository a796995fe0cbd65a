"""Every layout of `layouts.py` is read as its author meant it, and what was taken out of a text is a cut."""

from __future__ import annotations

from datetime import UTC

import pytest

from services.enrich.domain.html import page as html_page
from services.enrich.domain.reading import Reading
from services.enrich.domain.text import plain_text
from shared.articles import Submission
from tests.unit.enrich.layouts import HTML, TEXT, Layout


@pytest.mark.parametrize("layout", HTML, ids=lambda layout: layout.name)
def test_html_layouts(layout: Layout) -> None:
    _check(html_page.read(layout.page.encode(), "text/html; charset=utf-8", "https://news.example/ferry"), layout)


@pytest.mark.parametrize("layout", TEXT, ids=lambda layout: layout.name)
def test_text_layouts(layout: Layout) -> None:
    reading = plain_text.read(layout.page, Submission())
    _check(reading, layout)
    assert all(any(text in cut.text for cut in reading.removed) for text in layout.lost)


def test_pictures_are_references_with_their_captions() -> None:
    (gallery,) = (layout for layout in HTML if layout.name == "gallery")
    images = html_page.read(gallery.page.encode(), "text/html", "https://news.example/ferry").images
    assert [(image.url, image.caption) for image in images] == [
        ("https://news.example/pictures/0.jpg", "The stage at dawn."),
        ("https://news.example/pictures/1.jpg", "Lorries wait."),
    ]


def test_the_page_names_its_own_address() -> None:
    (amp,) = (layout for layout in HTML if layout.name == "AMP")
    assert (
        html_page.read(amp.page.encode(), "text/html", "https://news.example/amp/ferry").url
        == "https://news.example/ferry"
    )


def _check(reading: Reading, layout: Layout) -> None:
    assert reading.title == layout.title
    body = "\n".join(reading.paragraphs)
    assert [text for text in layout.kept if text not in body] == []
    assert [text for text in layout.lost if text in body] == []
    assert reading.authors == layout.authors
    assert (reading.published_at.astimezone(UTC).date().isoformat() if reading.published_at else None) == layout.day
