"""Which of two articles with one text is the original: no later text takes that place from another source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.enrich.domain.terms.fingerprint import fingerprint
from services.index.domain.grouping import Archive, Decision, decide
from services.index.domain.originals import Rule
from services.index.domain.similarity import Profile, profile_of
from shared.claims import Claim, Ruling
from shared.source_patterns import SourceTrust
from tests.support.builders import make_article
from tests.unit.index.test_grouping import FERRY, FERRY_ELSEWHERE, FILLER, GLACIER

SHORT = FERRY[:1]
JUNK = (*SHORT, *GLACIER, *(texts[0] for texts in FILLER[:4]))
EVERYONE = frozenset({"*"})


def profile(source: str | None, texts: tuple[str, ...], ident: str = "") -> Profile:
    name = ident or f"{source}-1"
    return profile_of(
        make_article(external_id=name, source=source, fingerprint=fingerprint("Lindmouth ferry", texts, "en"))
    )


def enter(archive: Archive, one: Profile) -> Decision:
    if one.id not in archive.articles:
        archive.note(one)
    decision = decide(one, archive)
    archive.apply(one, decision)
    return decision


def declare(archive: Archive, one: Profile, *, is_original: bool, sources: frozenset[str] = EVERYONE) -> Decision:
    """An editor's ruling, and the revision that it makes."""
    ruling = Ruling(is_original=is_original, sources=sources)
    archive.articles[one.id] = replace(archive.articles[one.id], ruling=ruling)
    return enter(archive, one)


def copied(archive: Archive) -> dict[str, str]:
    """Source of a copy -> source of its original."""
    sources = {ident: known.profile.source or "" for ident, known in archive.articles.items()}
    return {
        sources[ident]: sources[known.duplicate_of.article_id]
        for ident, known in archive.articles.items()
        if known.duplicate_of is not None
    }


@pytest.fixture
def archive() -> Archive:
    found = Archive()
    for number, texts in enumerate(FILLER):
        enter(found, profile("weather", texts, f"filler-{number}"))
    return found


class TestOtherSources:
    def test_a_later_text_that_contains_a_short_item_does_not_hide_it(self, archive: Archive) -> None:
        enter(archive, profile("bbc", SHORT))
        found = enter(archive, profile("thief", JUNK))
        assert found.copies == {}
        assert copied(archive) == {}

    def test_the_correction_of_a_short_item_is_no_excerpt_of_a_later_text_that_contains_it(
        self, archive: Archive
    ) -> None:
        enter(archive, profile("bbc", SHORT))
        enter(archive, profile("thief", JUNK))
        assert enter(archive, profile("bbc", (f"Update: {SHORT[0]}",))).duplicate_of is None

    def test_an_article_that_changes_into_an_earlier_text_becomes_its_copy(self, archive: Archive) -> None:
        thief = enter(archive, profile("thief", GLACIER))
        enter(archive, profile("bbc", FERRY))
        assert thief.duplicate_of is None
        found = enter(archive, profile("thief", FERRY))
        assert found.duplicate_of is not None
        assert (found.duplicate_of.article_id, found.rule) == (profile("bbc", FERRY).id, Rule.FIRST)
        corrected = enter(archive, profile("bbc", (*FERRY[:2], "The dockers' union wants the crews hired in town.")))
        assert corrected.duplicate_of is None
        assert copied(archive) == {"thief": "bbc"}

    def test_small_steps_into_another_text_keep_no_place(self, archive: Archive) -> None:
        words, target = " ".join(GLACIER).split(), " ".join(FERRY).split()
        enter(archive, profile("thief", (" ".join(words),)))
        enter(archive, profile("bbc", FERRY))
        for count in range(4, len(target) + 4, 4):  # four words of the other text a revision
            enter(archive, profile("thief", (" ".join((*target[:count], *words[count:])),)))
        enter(archive, profile("thief", FERRY))
        assert copied(archive) == {"thief": "bbc"}
        assert enter(archive, profile("bbc", (*FERRY, "A correction."))).duplicate_of is None

    def test_a_beginning_gives_no_claim_on_the_text_that_follows(self, archive: Archive) -> None:
        enter(archive, profile("thief", SHORT))
        enter(archive, profile("bbc", FERRY))
        enter(archive, profile("thief", FERRY))
        assert copied(archive) == {"thief": "bbc"}
        assert enter(archive, profile("bbc", (*FERRY, "A correction."))).duplicate_of is None

    def test_an_original_that_grows_stays_the_original_of_its_copies(self, archive: Archive) -> None:
        enter(archive, profile("bbc", FERRY[:2]))
        enter(archive, profile("agency", FERRY[:2]))
        assert copied(archive) == {"agency": "bbc"}
        assert enter(archive, profile("bbc", FERRY)).duplicate_of is None
        assert enter(archive, profile("bbc", (*FERRY, *FERRY_ELSEWHERE))).duplicate_of is None
        assert copied(archive) == {"agency": "bbc"}


class TestOneSource:
    def test_the_fuller_text_wins(self, archive: Archive) -> None:
        enter(archive, profile("bbc", SHORT, "teaser"))
        found = enter(archive, profile("bbc", FERRY, "full"))
        assert [copy.rule for copy in found.copies.values()] == [Rule.FULLER]

    def test_articles_without_a_source_are_of_one_source(self, archive: Archive) -> None:
        enter(archive, profile(None, SHORT, "teaser"))
        assert enter(archive, profile(None, FERRY, "full")).copies


class TestTrust:
    @pytest.mark.parametrize("texts", [FERRY, SHORT], ids=["near-equal", "excerpt"])
    def test_a_later_text_of_a_trusted_source_becomes_the_original(
        self, archive: Archive, texts: tuple[str, ...]
    ) -> None:
        archive.trust = SourceTrust.parse("reuters*=2, thief=-1")
        enter(archive, profile("thief", texts))
        found = enter(archive, profile("reuters-africa", FERRY))
        assert [copy.rule for copy in found.copies.values()] == [Rule.TRUST]
        assert copied(archive) == {"thief": "reuters-africa"}

    def test_a_trusted_source_is_never_a_copy_of_another(self, archive: Archive) -> None:
        archive.trust = SourceTrust.parse("reuters=1")
        enter(archive, profile("thief", FERRY))
        assert enter(archive, profile("reuters", SHORT)).duplicate_of is None

    def test_of_equal_ranks_the_first_stays(self, archive: Archive) -> None:
        archive.trust = SourceTrust.parse("bbc=1, reuters=1")
        enter(archive, profile("bbc", FERRY))
        assert enter(archive, profile("reuters", FERRY)).rule is Rule.FIRST

    @pytest.mark.parametrize(
        ("source", "rank"), [("bbc", 1), ("reuters", 2), ("reuters-uk", 5), ("other", 0), (None, 0)]
    )
    def test_the_exact_name_wins_then_the_longest_prefix(self, source: str | None, rank: int) -> None:
        assert SourceTrust.parse("bbc=1, b*=9, reuters=2,reuters*=3, reuters-*=5, bb*=8,").rank(source) == rank

    @pytest.mark.parametrize("text", ["bbc", "bbc=", "bbc=high", "=1", "a*b=1"])
    def test_what_is_no_rank_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"source|end only|whole number"):
            SourceTrust.parse(text)


class TestRulings:
    def test_an_article_that_an_editor_declares_no_copy_is_none(self, archive: Archive) -> None:
        enter(archive, profile("bbc", FERRY))
        enter(archive, profile("agency", FERRY))
        assert declare(archive, profile("agency", FERRY), is_original=False).duplicate_of is None
        assert copied(archive) == {}
        enter(archive, profile("bbc", (*FERRY, "A correction.")))
        assert copied(archive) == {}

    def test_the_declared_original_takes_the_place_of_an_earlier_one(self, archive: Archive) -> None:
        enter(archive, profile("thief", FERRY))
        enter(archive, profile("bbc", FERRY))
        assert copied(archive) == {"bbc": "thief"}
        found = declare(archive, profile("bbc", FERRY), is_original=True)
        assert [copy.rule for copy in found.copies.values()] == [Rule.EDITOR]
        assert copied(archive) == {"thief": "bbc"}
        enter(archive, profile("thief", (*FERRY, "Mine, all the same.")))
        enter(archive, profile("third", FERRY))
        assert copied(archive) == {"thief": "bbc", "third": "bbc"}

    def test_a_ruling_counts_over_trust_and_against_the_sources_of_the_key_only(self, archive: Archive) -> None:
        archive.trust = SourceTrust.parse("bbc=5")
        enter(archive, profile("bbc", FERRY))
        enter(archive, profile("thief", FERRY))
        own = frozenset({"thief*"})
        for is_original in (False, True):
            declare(archive, profile("thief", FERRY), is_original=is_original, sources=own)
            assert copied(archive) == {"thief": "bbc"}
        declare(archive, profile("thief", FERRY), is_original=True)
        assert copied(archive) == {"bbc": "thief"}


@pytest.mark.parametrize("claim", [Claim((), 0), Claim((1, 2**32 - 1), 2), Claim.of(range(100), 400)])
def test_a_claim_is_stored_and_read(claim: Claim) -> None:
    assert Claim.unpack(claim.pack()) == claim


@pytest.mark.parametrize("packed", [b"", b"abc", b"12345"])
def test_damaged_claims_and_rulings_are_none(packed: bytes) -> None:
    assert Claim.unpack(packed) is None
    assert Ruling.unpack(packed) is None
