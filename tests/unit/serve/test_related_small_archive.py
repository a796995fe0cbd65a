"""What is related in an archive of a few articles, where the rarity of terms says nothing yet."""

from __future__ import annotations

import pytest

from services.serve.domain.related import MIN_SCORE, SMALL_ARCHIVE, SmallArchive, is_near_in_small_archive
from shared.articles import Tag
from tests.support.builders import make_article, make_card

TRANSPORT, CLIMATE, SCIENCE = (Tag(slug=name, label=name.title()) for name in ("transport", "climate", "science"))


@pytest.mark.parametrize(
    ("score", "articles", "shared", "near"),
    [
        (0.10, 8, (), True),  # a ferry and a tram of one town
        (0.08, 8, (), False),  # two pages about a valley with "made", "cook" and "upper" in common
        (0.06, 8, (TRANSPORT,), True),
        (0.03, 8, (TRANSPORT,), False),
        (0.02, 8, (CLIMATE, SCIENCE), True),
        (0.12, 20, (), False),
        (0.14, 20, (), True),
        (0.16, 60, (), False),
        (0.19, SMALL_ARCHIVE, (), False),
        (MIN_SCORE, SMALL_ARCHIVE, (), True),
        (MIN_SCORE, 1, (), True),
    ],
)
def test_the_threshold_grows_with_the_archive_and_tags_are_evidence(
    score: float, articles: int, shared: tuple[Tag, ...], near: bool
) -> None:
    article = make_article(tags=(*shared, Tag(slug="harbour", label="Harbour")))
    other = make_card(tags=(*shared, Tag(slug="schools", label="Schools")))
    assert is_near_in_small_archive(article, other, score, SmallArchive(articles, {})) is near


def test_the_threshold_meets_that_of_large_archives() -> None:
    article, other = make_article(tags=()), make_card(tags=())
    assert not is_near_in_small_archive(article, other, MIN_SCORE - 0.001, SmallArchive(SMALL_ARCHIVE, {}))


def test_a_tag_that_many_articles_carry_is_no_evidence() -> None:
    article, other = make_article(tags=(CLIMATE, SCIENCE)), make_card(tags=(CLIMATE, SCIENCE))
    for counts, near in (({"climate": 2, "science": 2}, True), ({"climate": 20, "science": 2}, False)):
        assert is_near_in_small_archive(article, other, 0.02, SmallArchive(40, counts)) is near
    assert is_near_in_small_archive(article, other, 0.1, SmallArchive(40, {"climate": 20, "science": 10}))
    assert not is_near_in_small_archive(article, other, 0.1, SmallArchive(40, {"climate": 20, "science": 20}))
