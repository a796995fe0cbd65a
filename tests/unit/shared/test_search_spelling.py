"""The table of the words of an index: it finds what the engine's automata find, no word more and none less."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from rapidfuzz.distance import OSA

from shared.search.embedded import EmbeddedIndex, spelling
from shared.search.embedded.generations import Generations
from shared.search.embedded.reader import IndexReader
from shared.search.embedded.spelling import SpellingDictionary
from shared.search.port import SearchQuery
from tests.contracts.search_contract import SPEC, article
from tests.support.builders import wait_until

_LETTERS = "aaeenrst" + "\u00f8\u0436\u0430\uac00\u0e01"
_ASKED = (
    "reste",
    "tartaren",
    "nesterass",
    "sternenraste",
    "\u0436\u0430\u0436\u0430\u0436",
    "a\uac00a\uac00a",
    "rastenrastenen",
)


def _words(chance: random.Random) -> list[str]:
    made = {"".join(chance.choices(_LETTERS, k=chance.randint(1, 15))) for _ in range(1_500)}
    for word in _ASKED:  # random words are seldom near to anything: these are
        for _ in range(300):
            made.add(_misspelt(word, chance.randint(0, 3), chance) + chance.choice(("", "", "s", "ssea")))
    return sorted(made)


def _misspelt(word: str, typos: int, chance: random.Random) -> str:
    for _ in range(typos):
        at = chance.randrange(len(word))
        other = chance.choice(_LETTERS)
        word = chance.choice(
            (
                word[:at] + other + word[at + 1 :],
                word[:at] + other + word[at:],
                word[:at] + word[at + 1 :] or other,
                word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
            )
        )
    return word


def _near(word: str, words: list[str], budget: int, *, prefix: bool) -> dict[str, int]:
    found = {}
    for other in words:
        starts = range(1, len(other) + 1) if prefix else (len(other),)
        typos = min(OSA.distance(word, other[:size]) for size in starts)
        if 0 < typos <= budget:
            found[other] = typos
    return found


@pytest.mark.parametrize("few", [0, 10**9])  # with the second filter before the comparison, and without
@pytest.mark.parametrize("prefix", [False, True])
def test_it_finds_what_comparing_every_word_finds(monkeypatch: pytest.MonkeyPatch, prefix: bool, few: int) -> None:
    monkeypatch.setattr(spelling, "_COMPARE_ALL_BELOW", few)
    words = _words(random.Random(11))
    table = SpellingDictionary([("title", words)])
    for word in _ASKED:
        for budget in (1, 2):
            if budget == 2 and len(word) < 9:
                continue
            expected = _near(word, words, budget, prefix=prefix)
            assert len(expected) > 5
            assert table.near(word, budget, prefix=prefix) == expected


def test_no_words_at_all() -> None:
    assert SpellingDictionary([("title", [])]).near("anything", 1, prefix=True) == {}


def test_it_names_the_fields_that_hold_a_word() -> None:
    table = SpellingDictionary([("title", ["harbour"]), ("dek", []), ("tag_words", ["harbour", "ferry"])])
    assert table.fields("harbour") == ("title", "tag_words")
    assert table.fields("ferry") == ("tag_words",)


@pytest.mark.parametrize("text", ["harbor master", "harbor mast", "mater harbour", "harbourr masterz ferri", "ferri"])
async def test_a_search_finds_the_same_before_and_after_the_table_is_made(tmp_path: Path, text: str) -> None:
    """A larger index is searched by automata until its table is there: same hits, same order, same scores."""
    index = EmbeddedIndex(tmp_path / "index", writer=True)
    await index.ensure(SPEC)
    docs = [
        article(f"d{number}", title, body)
        for number, (title, body) in enumerate(
            (title, body)
            for title in ("Harbour master", "Harbor masters", "A ferry", "Mastering ferries", "Ferris", "Nothing")
            for body in ("harbour", "the harbour master spoke", "ferry", "masters of harbors", "Hafen")
        )
    ]
    await index.upsert(docs, op_id="op")
    reader = IndexReader(Generations(tmp_path / "index"))
    automata = EmbeddedIndex(tmp_path / "index", writer=False)
    automata._reader._spellings._making = True  # one is being made for ever
    large = [article(f"x{number}", "Something else", "of no weight") for number in range(spelling._BUILD_INLINE_BELOW)]
    await index.upsert(large, op_id="more")
    for query in (
        SearchQuery(text, limit=20, highlight=True),
        SearchQuery(f"{text} ", limit=20),
        SearchQuery(text, mode="newest"),
    ):
        first = await automata.search(query)
        reader.view().spelling()
        await wait_until(lambda: reader.view().spelling() is not None)
        index._reader._spellings = reader.view().spellings
        second = await index.search(query)
        assert first.hits
        assert (first.hits, first.total) == (second.hits, second.total)
    await automata.aclose()
    await index.aclose()
