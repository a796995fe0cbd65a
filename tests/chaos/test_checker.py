"""The checker itself: green on a good run, red on each planted fault. No processes here, so it runs every time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.checker import Evidence, LoggedEvent, LoggedStory, Stored, faults
from tests.chaos.ledger import Ack, Ledger


@pytest.fixture
def evidence() -> Evidence:
    """Twenty articles; every fourth was updated once, and one request was answered twice."""
    found = Evidence(Ledger(), [], {}, [])
    for number in range(20):
        ident = f"article-{number}"
        for rev in (1, 2) if number % 4 == 0 else (1,):
            title = f"Article {number} version {rev}"
            found.ledger.add(Ack(str(number), ident, rev, "accepted", title))
            kind = "article.published" if rev == 1 else "article.updated"
            found.log.append(LoggedEvent(ident, rev, kind, title))
            found.store[ident] = Stored(ident, rev, rev, title)
        found.index.append((ident, found.store[ident].rev))
        found.over_http[ident] = found.store[ident].rev
    found.ledger.add(replace(found.ledger.acks[0], status="replayed"))
    found.http_total = 20
    found.stories += [
        LoggedStory("story-a", "article-2", "story.created"),
        LoggedStory("story-b", "article-4", "story.created"),
        LoggedStory("story-a", "article-5", "story.merged", ("story-b",)),
    ]
    found.members = {"story-a": tuple(f"article-{n}" for n in range(1, 6)), "story-b": ()}
    for ident in found.members["story-a"]:
        found.store[ident] = replace(found.store[ident], story_id="story-a")
    return found


def test_a_good_run_is_green(evidence: Evidence) -> None:
    assert faults(evidence) == []


def test_a_revision_that_was_overtaken_before_its_announcement_is_not_lost(evidence: Evidence) -> None:
    evidence.log.remove(LoggedEvent("article-4", 1, "article.published", "Article 4 version 1"))
    place = evidence.log.index(LoggedEvent("article-4", 2, "article.updated", "Article 4 version 2"))
    evidence.log[place] = replace(evidence.log[place], type="article.published")
    assert faults(evidence) == []


def test_a_lost_event_is_red(evidence: Evidence) -> None:
    del evidence.log[7]
    assert any(fault.startswith("lost:") for fault in faults(evidence))


def test_a_lost_article_is_red(evidence: Evidence) -> None:
    del evidence.store["article-3"]
    assert any(fault.startswith("lost: article-3") for fault in faults(evidence))


def test_an_older_text_in_the_store_is_red(evidence: Evidence) -> None:
    evidence.store["article-4"] = replace(evidence.store["article-4"], title="Article 4 version 1")
    assert any(fault.startswith("lost: article-4") for fault in faults(evidence))


def test_a_lost_update_is_red(evidence: Evidence) -> None:
    evidence.store["article-4"] = replace(evidence.store["article-4"], rev=1)
    assert any(fault.startswith("lost: article-4") for fault in faults(evidence))


def test_a_duplicated_event_is_red(evidence: Evidence) -> None:
    evidence.log.append(evidence.log[5])
    assert any(fault.startswith("duplicate:") for fault in faults(evidence))


def test_a_reordered_event_is_red(evidence: Evidence) -> None:
    first, second = evidence.log.index(next(e for e in evidence.log if e.rev == 2)), 0
    evidence.log[first], evidence.log[second] = evidence.log[second], evidence.log[first]
    assert any(fault.startswith("reordered:") for fault in faults(evidence))


def test_an_announced_article_that_is_not_indexed_is_red(evidence: Evidence) -> None:
    del evidence.index[9]
    assert any(fault.startswith("unsearchable: article-9") for fault in faults(evidence))


def test_an_announced_update_that_is_indexed_at_the_old_revision_is_red(evidence: Evidence) -> None:
    evidence.index[4] = ("article-4", 1)
    assert any(fault.startswith("unsearchable: article-4") for fault in faults(evidence))


def test_a_document_that_the_store_does_not_know_is_red(evidence: Evidence) -> None:
    evidence.index.append(("stranger", 1))
    assert any(fault.startswith("index: stranger") for fault in faults(evidence))


def test_a_document_that_is_there_twice_is_red(evidence: Evidence) -> None:
    evidence.index.append(evidence.index[0])
    assert any("2 times" in fault for fault in faults(evidence))


def test_a_stale_page_is_red(evidence: Evidence) -> None:
    evidence.over_http["article-4"] = 1
    assert any(fault.startswith("http: article-4") for fault in faults(evidence))


def test_a_search_that_misses_some_is_red(evidence: Evidence) -> None:
    evidence.http_total = 19
    assert any(fault.startswith("http: search") for fault in faults(evidence))


def test_an_update_announced_as_new_is_red(evidence: Evidence) -> None:
    place = next(number for number, event in enumerate(evidence.log) if event.rev == 2)
    evidence.log[place] = replace(evidence.log[place], type="article.published")
    assert any(fault.startswith("mistyped:") for fault in faults(evidence))


@pytest.mark.parametrize("number", range(3))
def test_a_story_event_that_is_told_again_is_red(evidence: Evidence, number: int) -> None:
    evidence.stories.append(evidence.stories[number])
    assert any(fault.startswith("story:") and "was told" in fault for fault in faults(evidence))


def test_a_story_that_grows_before_it_began_is_red(evidence: Evidence) -> None:
    evidence.stories.insert(0, LoggedStory("story-a", "article-9", "story.extended"))
    assert any("when it was not known" in fault for fault in faults(evidence))


def test_twin_stories_are_red(evidence: Evidence) -> None:
    evidence.members["story-c"] = ("article-1", "article-2")
    assert any("is in 2 stories" in fault for fault in faults(evidence))


def test_an_article_that_names_another_story_is_red(evidence: Evidence) -> None:
    evidence.store["article-3"] = replace(evidence.store["article-3"], story_id=None)
    assert any("article-3 is in story-a and names None" in fault for fault in faults(evidence))


def test_a_merged_story_that_still_holds_articles_is_red(evidence: Evidence) -> None:
    evidence.members["story-b"] = ("article-7",)
    evidence.store["article-7"] = replace(evidence.store["article-7"], story_id="story-b")
    assert any("was merged and holds" in fault for fault in faults(evidence))
