"""Which items of a feed are which articles: guids that are shared, missing or made up anew for each poll."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.ingest.domain.feeds.items import Candidates, candidates
from services.ingest.domain.feeds.model import FeedDocument, FeedItem

A, B, C = (f"https://gazette.example/{name}" for name in "abc")


def found(*items: FeedItem, kind: str = "rss", known: dict[str, tuple[str, str]] | None = None) -> Candidates:
    return candidates(FeedDocument(kind, items=tuple(reversed(items))), known or {})  # type: ignore[arg-type]


def ids(result: Candidates) -> list[str]:
    return [one.external_id for one in result.items]


def test_a_guid_that_items_share_is_worthless_and_the_link_decides() -> None:
    result = found(*(FeedItem(guid="post", link=link, title=link) for link in (A, B, C)))
    assert ids(result) == [A, B, C]
    assert (result.repeated, result.missing) == (0, 0)


def test_then_title_and_date_decide() -> None:
    result = found(
        *(FeedItem(guid="post", link=A, title=title) for title in ("One", "Two")), FeedItem(guid="9", link=A)
    )
    assert len(set(ids(result))) == 3
    assert len({one.mark for one in result.items}) == 3


def test_without_guids_the_date_tells_items_of_one_page_and_title() -> None:
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]
    assert len(set(ids(found(*(FeedItem(link=A, title="Alert", published=day) for day in days))))) == 3
    assert ids(found(*[FeedItem(link=A, title="Alert", published=days[0])] * 2)) == [A]
    assert ids(found(*(FeedItem(guid="1", link=A, title="Alert", published=day) for day in days))) == ["1"]


def test_items_that_link_to_the_front_page_are_told_by_their_guids() -> None:
    result = found(FeedItem(guid="1", link=A, title="One"), FeedItem(guid="2", link=A, title="Two"))
    assert ids(result) == ["1", "2"]
    known = {one.mark: (one.external_id, one.digest) for one in result.items}
    assert [known[one.mark] for one in found(*(c.item for c in result.items), known=known).items] == list(
        known.values()
    )


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_a_repeated_item_is_counted(kind: str) -> None:
    result = found(*[FeedItem(guid="1", link=A, title="One")] * 3, kind=kind)
    assert (ids(result), result.repeated) == (["1"], 2)


def test_atom_revisions_of_one_entry_are_one_article() -> None:
    result = found(FeedItem(guid="1", link=A, title="Old"), FeedItem(guid="1", link=A, title="New"), kind="atom")
    assert ([one.item.title for one in result.items], result.repeated) == (["New"], 1)


def test_an_item_without_guid_and_link_says_why_it_is_left_out() -> None:
    result = found(FeedItem(title="Lost"), FeedItem(guid="1", title="Kept"))
    assert (ids(result), result.missing) == (["1"], 1)
    assert result.missing_reason == "item 'Lost' has neither guid nor link"


def test_a_guid_made_up_for_each_poll_is_recognised_by_its_link() -> None:
    first = found(FeedItem(guid="x1", link=A, title="One"))
    known = {one.mark: (one.external_id, one.digest) for one in first.items}
    assert ids(found(FeedItem(guid="x2", link=A, title="One"), known=known)) == ["x1"]
