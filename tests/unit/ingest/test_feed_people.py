"""Authors of feed items: several in one element, bylines, e-mail addresses, roles and accounts."""

from __future__ import annotations

import orjson
import pytest

from services.ingest.domain.feeds.items import article_of, candidates
from services.ingest.domain.feeds.reading import read_feed

RSS = (
    "<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' "
    "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><channel><title>T</title>"
    "<item><guid>1</guid><title>A headline</title>{}</item></channel></rss>"
)


def authors(data: str) -> list[str]:
    (one,) = candidates(read_feed(data.encode(), url="https://gazette.example/feed"), {}).items
    names: list[str] = orjson.loads(article_of("gazette", one)).get("authors", [])
    return names


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Ann Lee, Ben Roa and Cy van Dole", ["Ann Lee", "Ben Roa", "Cy van Dole"]),
        ("Ann Lee &amp; Ben Roa", ["Ann Lee", "Ben Roa"]),
        ("Ann Lee; Ben Roa", ["Ann Lee", "Ben Roa"]),
        ("Иван Петров и Анна Смирнова", ["Иван Петров", "Анна Смирнова"]),
        ("张三、李四", ["张三", "李四"]),
        ("ann@g.example (Ann Lee), ben@g.example (Ben Roa)", ["Ann Lee", "Ben Roa"]),
        ("By Ann Lee, Staff Writer", ["Ann Lee"]),
        ("@ann Ann Lee", ["Ann Lee"]),
        ("Ann Lee | The Gazette", ["Ann Lee"]),
        ("Lee, Ann", ["Lee, Ann"]),
        ("Anna Roth, Berlin", ["Anna Roth, Berlin"]),
        ("Food and Drug Administration", ["Food and Drug Administration"]),
        ("Reuters and AFP", ["Reuters and AFP"]),
        ("https://gazette.example/author/ann", []),
        ("admin", []),
        ("noreply@blogger.com (Unknown)", []),
        ("noreply@blogger.com", []),
        ("<name>Ann Lee</name><email>ann@gazette.example</email>", ["Ann Lee"]),
    ],
)
@pytest.mark.parametrize("element", ["author", "dc:creator"])
def test_one_element_names_each_of_its_authors(element: str, written: str, names: list[str]) -> None:
    assert authors(RSS.format(f"<{element}>{written}</{element}>")) == names


def test_an_author_named_twice_is_one() -> None:
    both = "<dc:creator>Ann Lee</dc:creator><author>ann@gazette.example (Ann Lee)</author>"
    assert authors(RSS.format(both)) == ["Ann Lee"]
