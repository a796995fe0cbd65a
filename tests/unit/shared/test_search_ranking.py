"""The tiers of the ranking cannot overlap: more words, then fewer typos, then nearness, whatever the bonuses say."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from shared.search.embedded import EmbeddedIndex, query
from shared.search.embedded.query_text import parse
from shared.search.embedded.ranking import RankedQuery
from shared.search.embedded.schema import WORD_FIELDS
from shared.search.port import SearchQuery, Total
from tests.contracts.search_contract import SPEC, article

_FORMS = {
    "commission": ("commission", "comission", "comision", ""),
    "parliament": ("parliament", "parlament", "parlment", ""),
    "federation": ("federation", "fedration", "fedrtion", ""),
}


def _rank(forms: tuple[int, ...]) -> tuple[int, int]:
    """(words kept, minus typos) of a document that holds the words in these forms; 3 means not at all."""
    kept = forms.index(3) if 3 in forms else len(forms)
    return kept, -sum(forms[:kept])


@pytest.mark.parametrize("size", [2, 3])
async def test_words_then_typos(tmp_path: Path, size: int) -> None:
    index = EmbeddedIndex(tmp_path / "index", writer=True)
    await index.ensure(SPEC)
    words = list(_FORMS)[:size]
    docs = []
    for forms in product(range(4), repeat=size):
        text = [_FORMS[word][form] for word, form in zip(words, forms, strict=True)]
        # The worse a document matches, the better its place: in the title, side by side, and often.
        title, body = (" ".join(text), " ".join(text * 9)) if sum(forms) else ("x", " and so on it went ".join(text))
        docs.append(article("d" + "".join(map(str, forms)), title or "x", body, dek=title, summary=title))
    await index.upsert(docs, op_id="op")
    page = await index.search(SearchQuery(" ".join(words) + " ", limit=200))
    ranks = [_rank(tuple(map(int, hit.card.id[1:]))) for hit in page.hits]
    assert len(ranks) == 3 * 4 ** (size - 1)  # all that hold the first word
    assert ranks == sorted(ranks, reverse=True)
    await index.aclose()


@pytest.mark.parametrize("limit", [2, 3, 20])
async def test_counting_first_finds_what_ranking_first_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    index = EmbeddedIndex(tmp_path / "index", writer=True)
    await index.ensure(SPEC)
    titles = ("River council votes on ferry", "Ferry votes: river council", "River council voted", "River counsel")
    await index.upsert([article(f"d{at}", title, "and so on") for at, title in enumerate(titles)], op_id="op")
    wanted = SearchQuery("river council votes ferry ", limit=limit)
    found = []
    for many in (1, 99):  # always counted first, and never
        monkeypatch.setattr(query, "_MANY_WORDS", many)
        page = await index.search(wanted)
        found.append((page.hits, page.total))
    assert found[0] == found[1]
    assert len(page.hits) == min(limit, 4)
    assert page.total == Total(4, exact=True)  # also where all words as typed fill the page
    await index.aclose()


def test_no_score_is_above_the_best() -> None:
    tiers = RankedQuery(parse("one two three four five six seven eight nine ten "), tuple(WORD_FIELDS.values()))
    assert 5_000 < tiers.best < 10_000  # an f32 still tells steps of 0.001 apart


def test_more_like_this_is_never_called() -> None:
    package = Path(__file__).resolve().parents[3] / "shared" / "search" / "embedded"
    assert [path.name for path in package.glob("*.py") if "more_like_this" in path.read_text("utf-8")] == []
