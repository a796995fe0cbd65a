"""Time to read a feed grows with its size, whatever it repeats: no pattern reads characters again and again."""

from __future__ import annotations

import time

import pytest

from services.ingest.domain.feeds.xml import read_xml

URL = "https://gazette.example/feed"
SIZE = 400_000


def feed_of(element: str, text: str) -> str:
    """A feed of one item with about `SIZE` characters in this element."""
    body = f"<{element}><![CDATA[{text * (SIZE // len(text))}]]></{element}>"
    return f"<rss version='2.0'><channel><title>T</title><item><title>A</title>{body}</item></channel></rss>"


def cpu_seconds(feed: str) -> float:
    """The fastest of three readings."""
    times = []
    for _ in range(3):
        started = time.process_time()
        read_xml(feed, URL)
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("description", "<img src="),
        ("description", "<img src" + " " * 20),
        ("description", "<img src" + " " * 3),
        ("author", "a" + " " * (SIZE - 2) + "b"),
    ],
    ids=["open images", "spaces in images", "few spaces in images", "spaces in a name"],
)
def test_a_hostile_text_takes_little_more_time_than_an_ordinary_one(element: str, text: str) -> None:
    ordinary = cpu_seconds(feed_of(element, "<b>word "))
    assert cpu_seconds(feed_of(element, text)) < 2 * ordinary


@pytest.mark.parametrize(
    "markup",
    [
        "<p>Text <img src='/a.jpg'></p>",
        '<img alt="x > y" ><IMG width=1 SRC = "/a.jpg" />',
        "<img><img alt='none'><img class='b' src='/a.jpg'>",
        "<img alt='" + "words " * 100 + "' src='/a.jpg'>",
    ],
)
def test_the_first_image_with_a_source_is_the_image_of_the_item(markup: str) -> None:
    feed = f"<rss><channel><item><title>A</title><description><![CDATA[{markup}]]></description></item></channel></rss>"
    assert read_xml(feed, URL).items[0].image == "https://gazette.example/a.jpg"
