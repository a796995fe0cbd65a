"""Copies and stories: pure decisions over what is known."""

from __future__ import annotations

from services.enrich.domain.terms.fingerprint import fingerprint
from services.index.domain.copies import copy_of
from services.index.domain.grouping import Archive, Decision, decide
from services.index.domain.similarity import Profile, profile_of
from tests.support.builders import make_article

FERRY = (
    "The harbour council of Lindmouth voted on Tuesday to reopen the ferry line that closed nineteen years ago.",
    (
        "Two electric boats will cross the bay every twenty minutes, Mayor Ines Okoro said after the vote in the old "
        "customs house, and a ticket will cost two crowns for anyone who lives on either shore."
    ),
    "The dockers' union under Piet Halloran wants the crews hired in Lindmouth and had threatened to block the quay.",
)
FERRY_ELSEWHERE = (
    "Lindmouth is getting its ferry back: Mayor Ines Okoro won a narrow vote in the harbour council on Tuesday.",
    (
        "Piet Halloran, who leads the dockers' union, called the decision to buy electric boats brave but late, and "
        "said that his members would not block the quay as long as crews from Lindmouth are hired."
    ),
)
GLACIER = (
    "Geologists on the Hornspitz measured a new lake below the glacier that did not exist in the spring.",
    "The village of Oberalm has closed two bridges and asks hikers to stay out of the gorge until the water falls.",
)
FILLER = tuple(
    (f"Report number {n} of the weather station tells of rain, wind and {word} over the {word} hills and {word}ton.",)
    for n, word in enumerate(("amber", "birch", "cobalt", "dune", "ember", "fjord", "gorse", "heath", "inlet", "jade"))
)


def profile(ident: str, title: str, texts: tuple[str, ...]) -> Profile:
    return profile_of(make_article(external_id=ident, fingerprint=fingerprint(title, texts, "en")))


def enter(archive: Archive, one: Profile) -> Decision:
    archive.note(one)
    decision = decide(one, archive)
    archive.apply(one, decision)
    return decision


def an_archive() -> Archive:
    archive = Archive()
    for number, texts in enumerate(FILLER):
        enter(archive, profile(f"filler-{number}", f"Weather {number}", texts))
    return archive


def test_a_copy_with_a_footer_leads_to_the_first_one_and_is_no_story() -> None:
    archive = an_archive()
    first = profile("a", "Ferry to return", FERRY)
    enter(archive, first)
    found = enter(archive, profile("b", "Boats again", (*FERRY, "Sign up for our daily letter from the harbour.")))
    assert found.duplicate_of is not None
    assert found.duplicate_of.article_id == first.id
    assert not found.duplicate_of.excerpt
    assert found.story is None


def test_a_copy_of_a_copy_leads_to_the_original() -> None:
    archive = an_archive()
    first = profile("a", "Ferry to return", FERRY)
    for one in (first, profile("b", "Boats again", FERRY)):
        enter(archive, one)
    found = enter(archive, profile("c", "Third time", FERRY))
    assert found.duplicate_of is not None
    assert found.duplicate_of.article_id == first.id


def test_a_teaser_is_an_excerpt_and_a_full_text_is_no_copy_of_its_teaser() -> None:
    whole, teaser = profile("a", "Ferry to return", FERRY), profile("b", "Ferry to return", FERRY[:1])
    found = copy_of(teaser, whole)
    assert found is not None
    assert found.excerpt
    assert copy_of(whole, teaser) is None


def test_one_title_over_two_texts_is_no_copy() -> None:
    assert copy_of(profile("a", "Weather report", FERRY), profile("b", "Weather report", GLACIER)) is None


def test_texts_without_words_are_no_copies_of_each_other() -> None:
    assert copy_of(profile("a", "", ("Yes.",)), profile("b", "", ("No.",))) is None


def test_a_story_begins_with_its_second_article_and_its_id_does_not_depend_on_who_decides() -> None:
    stories = []
    for _ in range(2):
        archive = an_archive()
        first, second = profile("a", "Ferry to return", FERRY), profile("b", "Lindmouth ferry", FERRY_ELSEWHERE)
        assert enter(archive, first).story is None
        found = enter(archive, second)
        assert found.new
        assert found.moved == (first.id,)
        assert found.story is not None
        assert found.story.members == (first.id, second.id)
        assert enter(archive, profile("c", "New lake", GLACIER)).story is None
        stories.append(found.story.id)
    assert stories[0] == stories[1]


def test_a_copy_is_shown_with_the_story_of_its_original_and_is_none_of_its_articles() -> None:
    archive = an_archive()
    enter(archive, profile("a", "Ferry to return", FERRY))
    began = enter(archive, profile("b", "Lindmouth ferry", FERRY_ELSEWHERE))
    found = enter(archive, profile("c", "Ferry to return", FERRY))
    assert began.story is not None
    assert found.story == began.story
    assert found.duplicate_of is not None


def test_an_edited_article_stays_in_its_story() -> None:
    archive = an_archive()
    enter(archive, profile("a", "Ferry to return", FERRY))
    began = enter(archive, profile("b", "Lindmouth ferry", FERRY_ELSEWHERE))
    found = decide(profile("b", "All about a lake", GLACIER), archive)
    assert began.story is not None
    assert found.story == began.story
    assert not found.new
    assert not found.moved


def test_an_exact_copy_has_score_one() -> None:
    found = copy_of(profile("b", "Ferry to return", FERRY), profile("a", "Ferry to return", FERRY))
    assert found is not None
    assert found.score == 1.0


def test_a_full_text_that_comes_after_its_teaser_takes_its_place() -> None:
    archive = an_archive()
    teaser, whole = profile("a", "Ferry to return", FERRY[:1]), profile("b", "Ferry to return", FERRY)
    again = profile("c", "Ferry to return", FERRY[:1])
    assert enter(archive, teaser).duplicate_of is None
    assert enter(archive, again).duplicate_of is not None
    found = enter(archive, whole)
    assert found.duplicate_of is None
    assert set(found.copies) == set(found.moved) == {teaser.id, again.id}
    for one in (teaser, again):
        linked = archive.articles[one.id].duplicate_of
        assert linked is not None
        assert (linked.article_id, linked.excerpt) == (whole.id, True)


def test_a_full_text_takes_the_place_of_its_teaser_in_a_story_and_the_teaser_stays_linked_when_it_is_edited() -> None:
    archive = an_archive()
    teaser, whole = profile("a", "Ferry to return", FERRY[:2]), profile("c", "Ferry to return", (*FERRY, *GLACIER))
    enter(archive, teaser)
    began = enter(archive, profile("b", "Lindmouth ferry", FERRY_ELSEWHERE))
    assert began.story is not None
    found = enter(archive, whole)
    assert found.story is not None
    assert (found.story.id, found.story.members) == (began.story.id, (whole.id, began.story.members[1]))
    assert archive.articles[teaser.id].story == began.story.id
    edited = decide(profile("a", "Ferry returns", FERRY[:2]), archive)
    assert edited.duplicate_of is not None
    assert edited.duplicate_of.article_id == whole.id


def test_the_teaser_of_another_text_stays_with_it() -> None:
    archive = an_archive()
    first, teaser = profile("a", "Ferry to return", FERRY), profile("b", "Ferry to return", FERRY[:1])
    enter(archive, first)
    enter(archive, teaser)
    enter(archive, profile("c", "Lake and ferry", (*GLACIER, *FERRY[:1])))
    linked = archive.articles[teaser.id].duplicate_of
    assert linked is not None
    assert linked.article_id == first.id
