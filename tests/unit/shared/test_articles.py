"""Article values: what the public card shows, and which instant orders an article."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from shared.articles import Article, Card, Submission, Tag, card_of

FIRST = datetime(2031, 4, 2, 6, 0, tzinfo=UTC)
LATER = FIRST + timedelta(hours=2)


def article(**changes: object) -> Article:
    fields: dict[str, object] = {
        "id": "a" * 26,
        "rev": 2,
        "slug": "ferries-run-again",
        "title": "Ferries run again",
        "paragraphs": ("The ferries run again.", "Tickets cost the same."),
        "tags": (Tag(slug="ferries", label="Ferries"),),
        "received_at": LATER,
        "first_received_at": FIRST,
        **changes,
    }
    return Article.model_validate(fields)


def test_the_body_is_its_paragraphs() -> None:
    assert article().body == "The ferries run again.\n\nTickets cost the same."
    assert article(paragraphs=()).body == ""


@pytest.mark.parametrize(
    ("published_at", "expected"),
    [
        (None, FIRST),
        (FIRST - timedelta(days=400), FIRST - timedelta(days=400)),
        (LATER, LATER),
        (LATER + timedelta(seconds=1), FIRST),
        (datetime(9999, 1, 1, tzinfo=UTC), FIRST),
    ],
    ids=["no date", "past", "now", "a moment ahead", "far future"],
)
def test_a_date_in_the_future_does_not_pin_an_article_to_the_top(
    published_at: datetime | None, expected: datetime
) -> None:
    assert article(published_at=published_at).dated_at == expected


def test_the_card_is_the_article_without_its_body() -> None:
    made = article(dek="After a week.", section="local", published_at=FIRST, word_count=8)
    card = card_of(made)
    assert card.dated_at == made.dated_at
    assert card.tags == made.tags
    common = set(Card.model_fields) & set(Article.model_fields)
    assert {name: getattr(card, name) for name in common} == {name: getattr(made, name) for name in common}
    assert not {"paragraphs", "body", "recommended", "signature"} & set(Card.model_fields)


def test_values_are_frozen() -> None:
    with pytest.raises(ValidationError):
        article().title = "Something else"  # type: ignore[misc]


def test_a_stored_article_of_a_newer_release_is_still_read() -> None:
    made = article()
    newer = made.model_dump(mode="json") | {"mood": "calm"}
    assert Article.model_validate(newer) == made


def test_a_submission_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="titel"):
        Submission.model_validate({"titel": "A misspelt field must not vanish silently"})


@pytest.mark.parametrize("slug", ["", "two words", "a/b", "a#b", "a?b", "a%b", "a&b", "x" * 121])
def test_a_slug_is_safe_in_a_path(slug: str) -> None:
    with pytest.raises(ValidationError):
        Tag(slug=slug, label="x")
