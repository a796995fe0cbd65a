"""Meaning that is learned from an archive: topics without shared words come together, and bad bytes are refused."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.search.learning import LEAST, learn
from shared.search.lsa import BadModel, LsaModel
from shared.search.port import VECTOR_LENGTH
from shared.search.signatures import Near, likeness, one_per_story, ranked
from shared.search.vectors import cosine, packed, unpacked

TOPICS = {
    "sea": ["harbour", "ferry", "tide", "pier", "sailor", "anchor", "gull", "lighthouse", "mooring", "buoy"],
    "bread": ["flour", "oven", "loaf", "dough", "yeast", "baker", "crust", "wheat", "mill", "sourdough"],
}


def archive(size: int) -> list[list[tuple[str, float]]]:
    """Articles of two topics, five words each."""
    chance = random.Random(1)
    topics = list(TOPICS.values())
    return [[(word, 1.0) for word in chance.sample(topics[number % 2], 5)] for number in range(size)]


@pytest.fixture(scope="module")
def model() -> LsaModel:
    found = learn(archive(400))
    assert found is not None
    return found


def test_words_of_a_topic_lie_together_without_sharing_one(model: LsaModel) -> None:
    ferry, gull, oven = (model.of_text(text) for text in ("Ferry at the harbour", "gull, lighthouse", "oven and yeast"))
    assert ferry is not None
    assert gull is not None
    assert oven is not None
    assert cosine(ferry, ferry) == pytest.approx(1.0, abs=1e-3)
    assert cosine(ferry, gull) > 0.1 > abs(cosine(ferry, oven))


def test_a_vector_has_one_length_whatever_was_learned(model: LsaModel) -> None:
    vector = model.vector([("ferry", 2.0), ("nobody-knows", 9.0)])
    assert vector is not None
    assert len(vector) == VECTOR_LENGTH
    assert unpacked(packed(vector)) == pytest.approx(vector, abs=1e-3)


def test_unknown_words_have_no_meaning(model: LsaModel) -> None:
    assert model.vector([]) is None
    assert model.vector([("zzz", 1.0)]) is None
    assert model.vector([("ferry", 0.0)]) is None
    assert model.of_text("?!") is None


def test_the_same_archive_teaches_the_same(model: LsaModel) -> None:
    again = learn(archive(400))
    assert again is not None
    assert again.version == model.version
    other = learn(archive(402))
    assert other is not None
    assert other.version != model.version


def test_a_small_archive_teaches_nothing() -> None:
    assert learn(archive(LEAST - 1)) is None
    assert learn([[] for _ in range(LEAST)]) is None


def test_it_comes_back_from_bytes(model: LsaModel) -> None:
    back = LsaModel.from_bytes(model.to_bytes())
    assert back.version == model.version
    assert back.of_text("ferry tide") == model.of_text("ferry tide")


def test_cut_bytes_are_no_model(model: LsaModel) -> None:
    data = model.to_bytes()
    for size in (0, 1, len(data) // 2, len(data) - 1):
        with pytest.raises(BadModel):
            LsaModel.from_bytes(data[:size])


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadModel):
        LsaModel.from_bytes(data)


def test_both_cosines_count_and_a_missing_vector_counts_nothing() -> None:
    assert likeness(0.4, None, "best") == likeness(0.4, None, "meaning") == likeness(0.4, 0.9, "terms") == 0.4
    assert likeness(0.4, 0.9, "meaning") == 0.9
    assert 0.4 < likeness(0.4, 0.9, "best") < 0.9
    assert likeness(1.0, 1.0, "best") == 1.0
    assert likeness(0.4, -1.0, "best") == pytest.approx(0.28)


def test_one_of_each_story_and_all_that_are_in_none() -> None:
    rows = [("a", 1), (None, 2), ("a", 3), ("b", 4), (None, 5)]
    assert [number for _, number in one_per_story(rows, lambda row: row[0])] == [1, 2, 4, 5]


def test_the_nearest_have_a_say_in_what_an_article_means(model: LsaModel) -> None:
    """An article between two topics is drawn to that of the articles that share its words."""
    sea, tide, bread = (model.of_text(text) for text in ("ferry harbour gull", "tide anchor mooring", "oven yeast"))
    between = model.vector([("pier", 1.0), ("flour", 1.0)])
    assert sea is not None
    assert tide is not None
    assert bread is not None
    assert between is not None
    found = [Near(0.3, ("pier",), sea, "sea"), Near(0.2, ("pier",), tide, "tide")]
    found.append(Near(0.05, ("mill",), bread, "bread"))
    scores = {near.row: score for score, near in ranked(between, found, "best")}
    assert scores["sea"] > likeness(0.3, cosine(between, sea), "best")
    assert scores["sea"] - scores["bread"] > likeness(0.3, cosine(between, sea), "best") - likeness(
        0.05, cosine(between, bread), "best"
    )
    assert [near.row for _, near in ranked(None, found, "best")] == ["sea", "tide", "bread"]
    assert ranked(between, [Near(0.0, (), sea, "nothing shared")], "best") == []
    assert [score for score, _ in ranked(between, found, "terms")] == [0.3, 0.2, 0.05]
