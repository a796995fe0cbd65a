"""What an article is compared by."""

from __future__ import annotations

from services.enrich.domain.terms.fingerprint import SAMPLE, TERMS, fingerprint
from shared.fingerprints import TermKind
from shared.stems import stem

TEXT = (
    "The harbour council of Lindmouth voted on Tuesday to reopen the ferry line that closed nineteen years ago.",
    "Two electric boats will cross the bay every twenty minutes, Mayor Ines Okoro said on 14 March 2026.",
)


def test_the_same_text_has_the_same_fingerprint_in_any_case() -> None:
    once, again = fingerprint("Ferry returns", TEXT, "en"), fingerprint("FERRY RETURNS", TEXT, "en")
    assert once == fingerprint("Ferry returns", TEXT, "en")
    assert once.shingles == again.shingles


def test_names_numbers_and_the_beginning_are_marked() -> None:
    terms = {item.term: item for item in fingerprint("", TEXT, "en").terms}
    assert terms["okoro"].kind is TermKind.NAME
    assert terms["2026"].kind is TermKind.NUMBER
    assert terms["ferry"].kind is TermKind.WORD
    assert terms["lindmouth"].lead == 1
    assert "the" not in terms


def test_a_date_is_read_only_when_it_exists() -> None:
    found = fingerprint("", (*TEXT, "On February 31, 2026 and on 2026-02-30 nothing happened."), "en")
    assert found.days == (314,)
    assert len(found.written_on) == 1


def test_a_long_text_is_sampled_and_a_script_without_spaces_is_not_one_word() -> None:
    long = fingerprint("", (" ".join(f"word{number}" for number in range(5_000)),), "en")
    assert len(long.shingles) == SAMPLE * 8
    assert long.shingle_count == 4_998
    assert len(long.terms) == TERMS
    assert fingerprint("", ("東京都議会は渡船の再開を決めた。",), "ja").shingle_count > 5


def test_an_empty_text_has_an_empty_fingerprint() -> None:
    assert fingerprint("", (), "en").shingle_count == 0
    assert fingerprint("", ("!!! ...",), "und").shingles == ""


def test_plurals_are_one_term_with_their_word() -> None:
    assert [stem(word) for word in ("ferries", "boats", "gas", "class", "news")] == [
        "ferry",
        "boat",
        "gas",
        "class",
        "new",
    ]
