"""Spellings on every engine: what is written together is one thing, and joined, split and short spellings meet."""

from __future__ import annotations

import pytest

from shared.search.filters import Eq
from shared.search.port import SearchIndex, SearchQuery, Total
from shared.urls import url_key
from tests.contracts.search_contract import article, found, put


class TestTogether:
    @pytest.mark.parametrize(
        ("text", "together", "apart"),
        [
            ("北海道", "北海道で地震", "北京海关の道"),
            ("東京", "東京の塔", "京の東にある塔"),
            ("食べ物", "食べ物の値段", "食堂で物を並べる"),
            ("タワー", "タワーが再開", "ワタとーの話"),
            ("น้ำมัน", "ราคาน้ำมันขึ้น", "มันและน้ำ"),
            ("AT&T", "AT&T buys a network", "At the table with Mr T"),
            ("sea-wall", "A sea-wall is built", "The wall seen from the sea"),
        ],
    )
    async def test_what_is_written_together_stands_together(
        self, index: SearchIndex, text: str, together: str, apart: str
    ) -> None:
        await put(index, article("together", together), article("apart", apart))
        for typed in (text, f"{text} "):
            assert await found(index, typed) == ["together"], typed
        assert await found(index, text, mode="newest") == ["together"]
        assert (await index.search(SearchQuery(text))).total == Total(1, exact=True)

    @pytest.mark.parametrize("text", ["北海道地震", "東京タワー再開", "日本銀行金利"])
    async def test_a_long_run_may_be_two_words(self, index: SearchIndex, text: str) -> None:
        both = {
            "北海道地震": "北海道で大きな地震",
            "東京タワー再開": "東京の高いタワーが修理後に再開",
            "日本銀行金利": "日本銀行、政策金利を据え置き",
        }[text]
        await put(index, article("both", both), article("one", f"{text[:2]}の話"), article("whole", f"今日の{text}だ"))
        assert (await found(index, text))[:2] == ["whole", "both"]
        assert (await index.search(SearchQuery(text, facets=("source",)))).facets["source"]["gazette"] >= 2

    async def test_other_words_beside_a_run(self, index: SearchIndex) -> None:
        await put(index, article("a", "Sony 東京 opens"), article("b", "Sony 京東 opens"))
        assert await found(index, "sony 東京", strategy="all") == ["a"]
        assert await found(index, "-東京") == ["b"]


MEETING = [
    ("wifi", "Wi-Fi"),
    ("Wi-Fi", "wifi"),
    ("wi-fi", "Wi-Fi"),
    ("covid19", "COVID-19"),
    ("covid-19", "Covid19"),
    ("covid19", "COVID-19-related"),
    ("oneills", "O'Neill's"),
    ("oneill", "O’Neill’s"),
    ("O'Neill's", "O’Neill"),
    ("mcdonalds", "McDonald’s"),
    ("you tube", "YouTube"),
    ("youtube", "You Tube"),
    ("face book", "Facebook"),
    ("US", "U.S."),
    ("U.S.", "US"),
    ("usa", "U.S.A."),
    ("US", "U.S.-based"),
    ("U.N.", "UN"),
    ("1250", "1,250"),
    ("1,250", "1250"),
    ("1250000", "1.250.000"),
    ("1250", "1\u202f250"),
    ("coca cola", "Coca-Cola"),
    ("cocacola", "Coca‑Cola"),
    ("email", "e-mail"),
    ("ATT", "AT&T"),
    ("dont", "don't"),
    ("ceasefire", "cease-fire"),
    ("soft\u00adware", "software"),
    ("software", "soft\u00adware"),
    ("harb\u200bour", "har\u2060bour"),
]


class TestMeeting:
    @pytest.mark.parametrize(("text", "written"), MEETING)
    async def test_in_the_title_and_in_the_body(self, index: SearchIndex, text: str, written: str) -> None:
        await put(
            index, article("title", f"Talks about {written} go on"), article("body", "News", f"All of {written}.")
        )
        await put(index, article("other", "Nothing of note", "A quiet day in the valley."))
        for typed in (f"{text} ", text, f"{text} news"):
            assert {"title", "body"} <= set(await found(index, typed)), typed
            assert "other" not in await found(index, typed, strategy="all")

    @pytest.mark.parametrize(("text", "written"), [("3.14", "314"), ("2026-11-18", "20261118"), ("1,25", "125")])
    async def test_other_numbers_do_not(self, index: SearchIndex, text: str, written: str) -> None:
        await put(index, article("a", f"It is {written} now"))
        assert await found(index, text, strategy="all") == []

    async def test_a_typo_in_a_compound(self, index: SearchIndex) -> None:
        await put(index, article("a", "The Tokyo-based carrier"), article("b", "Tokyo and a base"))
        assert await found(index, "tokyo-baesd ", strategy="all") == ["a"]

    async def test_a_possessive_finds_the_name(self, index: SearchIndex) -> None:
        await put(index, article("a", "Japan raises rates"), article("b", "Jam is raised"))
        assert await found(index, "japan's ") == ["a"]

    async def test_an_elided_article_is_a_word_of_its_own(self, index: SearchIndex) -> None:
        await put(index, article("a", "Une économie solide"), article("b", "Le marché"))
        assert "a" in await found(index, "économie de l'économie")

    async def test_the_matches_are_marked(self, index: SearchIndex) -> None:
        await put(index, article("a", "The Wi-Fi and YouTube of O'Neill at 1,250 points"))
        for text, marked in (("wi-fi", "Wi-Fi"), ("wifi", "Wi-Fi"), ("you tube ", "YouTube"), ("o'neill", "O'Neill"),
                             ("oneill points", "O'Neill points"), ("1250", "1,250")):  # fmt: skip
            hits = (await index.search(SearchQuery(text, highlight=True))).hits
            assert " ".join(hits[0].highlights["title"].matches) == marked, text


class TestAddress:
    async def test_an_article_is_found_by_any_spelling_of_its_address(self, index: SearchIndex) -> None:
        long = "https://example.com/" + "a" * 3_000
        await put(
            index,
            article("a", "One", url=url_key("https://www.example.com/news/one?id=5&utm_source=x")),
            article("b", "Two", url=url_key(long)),
            article("c", "Three"),
        )
        for address in ("http://example.com/news/one?id=5", "example.com/news/one/?id=5&fbclid=9#top"):
            assert await found(index, filter=Eq("url", url_key(address) or "")) == ["a"]
        assert await found(index, filter=Eq("url", url_key(long + "#x") or "")) == ["b"]
        assert await found(index, filter=Eq("url", url_key("https://example.com/news/two") or "")) == []
        assert url_key("no address at all") is None


class TestTotals:
    async def test_below_a_thousand_they_are_exact(self, index: SearchIndex) -> None:
        docs = [article(f"a{n}", "Ferry line", "of the harbour") for n in range(30)]
        docs += [article(f"b{n}", "Ferri line", "of the harbour") for n in range(15)]
        docs += [article(f"c{n}", "Ferry dock", "of the valley") for n in range(20)]
        await put(index, *docs)
        for query in (SearchQuery("ferry line "), SearchQuery("ferry line ", mode="fresh"), SearchQuery("ferry")):
            pages = [await index.search(_page(query, offset)) for offset in range(0, 80, 10)]
            shown = [hit.card.id for page in pages for hit in page.hits]
            assert {page.total for page in pages} == {Total(len(set(shown)), exact=True)}
            assert len(shown) == len(set(shown)) == 65
        page = await index.search(SearchQuery("ferry line ", limit=2, facets=("source",)))
        assert page.facets["source"] == {"gazette": 65}


def _page(query: SearchQuery, offset: int) -> SearchQuery:
    return SearchQuery(query.text, mode=query.mode, offset=offset, limit=10)
