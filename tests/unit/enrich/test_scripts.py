"""Words, phrases, sentences and reading times of scripts with combining marks or without spaces."""

from __future__ import annotations

import re
import unicodedata

import pytest

from services.enrich.domain import pipeline
from services.enrich.domain.terms import words
from services.enrich.domain.terms.keyphrases import keyphrases
from services.enrich.domain.terms.summary import sentences, summarise
from tests.unit.enrich.pages import raw_page


@pytest.mark.parametrize(
    "word",
    ["हिन्दी", "बांग्लादेश", "বাংলাদেশ", "ক্রিকেট", "தமிழ்நாடு", "မြန်မာ", "తెలుగు", "cafe\u0301", "می\u200cخواهم", "ภาษาไทย"],
)
def test_marks_belong_to_words(word: str) -> None:
    assert words.tokens(f"x1 {word}, {word}.") == ["x1", word, word]
    found = keyphrases(f"{word}\n\n{word}, abc, {word}.", "und")
    assert word in {one.phrase for one in found}


@pytest.mark.parametrize(
    ("text", "language", "number"),
    [
        ("It's a well-known fact", "en", 4),
        ("東京の朝", "ja", 3),
        ("北京海关公告北海道", "zh", 4),
        ("नगर परिषद ने पुल बनाया।", "hi", 5),
        ("어제 서울에 비가 왔다", "ko", 4),
    ],
)
def test_counts_of_words(text: str, language: str, number: int) -> None:
    assert words.count(text, language) == number


def test_thai_words_are_estimated_by_letters() -> None:
    assert words.count("วันนี้อากาศดีมาก", "th") in range(3, 6)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("町" * 1_015, (2, 3)),
        ("文" * 2_000, (4, 4)),
        ("한국어 " * 500, (3, 3)),
        ("ไทย" * 1_000, (5, 7)),
        ("word " * 690, (3, 3)),
    ],
)
def test_reading_time_by_characters_where_they_are_read(text: str, minutes: tuple[int, int]) -> None:
    assert minutes[0] <= words.reading_minutes(text) <= minutes[1]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("पहला वाक्य है। दूसरा वाक्य है। तीसरा?", 3),
        ("প্রথম বাক্য। দ্বিতীয় বাক্য।", 2),
        ("پہلا جملہ۔ دوسرا جملہ۔", 2),
        ("ما هذا؟ هذا جسر.", 2),
        ("一つ目の文。二つ目の文。", 2),
        ("ပထမ ဝါကျ။ ဒုတိယ ဝါကျ။", 2),
    ],
)
def test_sentence_ends(text: str, number: int) -> None:
    assert len(sentences(text)) == number


def test_a_hindi_summary_is_not_the_whole_text() -> None:
    paragraph = "नगर परिषद ने गुरुवार को नहर पर बने एकमात्र पुल को फिर से बनाने का निर्णय लिया। " * 6
    assert len(summarise("पुल", (paragraph,), "hi")) < len(paragraph) / 2


def test_chinese_keyphrases_are_words_of_the_text() -> None:
    text = "北京海关发布公告\n\n北京海关周四发布公告，北海道的渔船可以入港。公告说，渔船须先登记。"
    found = [one.phrase for one in keyphrases(text, "zh")]
    assert {"北京", "海关", "公告"} <= set(found)
    assert all(phrase in text and len(phrase) <= 4 for phrase in found)


def test_a_japanese_page_through_the_whole_pipeline() -> None:
    page = "港町の灯台、夜間公開を再開へ\n\n" + "港町の灯台が来週から夜間も公開される。町が木曜日に発表した。" * 40
    article = pipeline.run(raw_page(page), lambda: 0.0).article
    assert article.language == "ja"
    assert article.reading_minutes in {2, 3}
    assert all(re.search(r"[\u3400-\u9fff\u30a0-\u30ff]", one.phrase) for one in article.keyphrases)


@pytest.mark.parametrize(
    ("kind", "wrap"),
    [
        ("text", "{0}\n\n{1}\n"),
        ("html", "<!doctype html><title>{0}</title><article><h1>{0}</h1><p>{1}</p></article>"),
        ("html", "<p>{1}</p><p>{0}</p>"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "Hội đồng quyết định xây lại cây cầu duy nhất.",
        "Fähre fährt über den Fluß nach Málaga.",
        "한글 자모로 쓴 문장이다.",
    ],
)
def test_accents_written_apart_are_joined(text: str, kind: str, wrap: str) -> None:
    page = unicodedata.normalize("NFD", wrap.format(text[:-1], f"{text} {text}"))
    article = pipeline.run(raw_page(page, kind, f"text/{'plain' if kind == 'text' else kind}"), lambda: 0.0).article
    assert f"{text} {text}" in article.paragraphs
    assert unicodedata.is_normalized("NFC", article.title)
