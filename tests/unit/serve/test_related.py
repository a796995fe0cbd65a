"""Why an article is related, and which neighbours are shown."""

from __future__ import annotations

from services.serve.domain.related import diversify, reasons
from shared.articles import Tag
from tests.support.builders import make_article, make_card

STORY = "b" * 26


def test_the_story_comes_first_then_tags_then_terms() -> None:
    article = make_article(story_id=STORY)
    near = make_card(external_id="b", story_id=STORY, tags=(Tag(slug="transport", label="Transport"),))
    assert [tuple(reason) for reason in reasons(article, near, ("ferry", "bay"))] == [
        ("story", (STORY,)),
        ("tags", ("transport",)),
        ("terms", ("ferry", "bay")),
    ]


def test_two_articles_without_a_story_are_not_of_one() -> None:
    assert reasons(make_article(tags=()), make_card(external_id="b"), ()) == ()


def test_one_source_gives_way_to_others_that_are_near_and_fills_up_when_there_are_none() -> None:
    assert diversify(["a", "a", "a", "a", "b", "c"], 4) == [0, 1, 4, 5]
    assert diversify(["a", "a", "a", "a"], 4) == [0, 1, 2, 3]
    assert diversify([None, None, None, None], 3) == [0, 1, 2]
    assert diversify([], 3) == []
