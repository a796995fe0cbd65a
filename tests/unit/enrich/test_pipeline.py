# ruff: noqa: E501, PT017 (pages and their lines are data; a property may end in a refusal)
from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import pipeline
from shared.articles import Article
from shared.errors import Permanent
from tests.unit.enrich.pages import BODY, DEK, NOON, TITLE, html_page, paragraphs_html, raw_page

TEXT = "\n\n".join((TITLE, DEK, "By Jane Doe", *BODY, "Tags: #Local #TownLife"))


def run(*args: object, **kwargs: object) -> Article:
    return pipeline.run(raw_page(*args, **kwargs), itertools.count().__next__).article  # type: ignore[arg-type]


def test_every_step_is_recorded_with_its_time() -> None:
    outcome = pipeline.run(raw_page(TEXT), itertools.count().__next__)
    assert [step.name for step in outcome.steps] == [name for name, _, _ in pipeline.RECIPE]
    assert {step.took_ms for step in outcome.steps} == {1000.0}
    assert all(step.version for step in outcome.steps)
    assert outcome.steps[0].note == "text: 8 blocks; 4 paragraphs, 2 removed spans"
    assert [cut.rule for cut in outcome.removed] == ["byline", "tags"]


def test_the_article_of_a_text_page() -> None:
    article = run(TEXT, source="example-gazette", url="https://example.org/a")
    assert article.title == TITLE
    assert article.dek == DEK
    assert article.paragraphs == BODY
    assert [(tag.slug, tag.label) for tag in article.tags] == [("local", "Local"), ("town-life", "Town Life")]
    assert article.authors == ("Jane Doe",)
    assert article.language == "en"
    assert article.slug == "town-clock-strikes-thirteen-for-the-first-time-in-a-century"
    assert article.source == "example-gazette"
    assert article.url == "https://example.org/a"
    assert article.word_count == sum(len(text.split()) for text in BODY)
    assert article.reading_minutes == 1
    assert article.received_at == article.first_received_at == NOON
    assert 0 < len(article.summary.split()) <= 60
    assert article.summary.startswith(BODY[0].split(". ")[0])
    assert article.keyphrases[0].weight == 1.0
    assert all(0 < item.weight <= 1 for item in article.keyphrases)
    assert len(article.signature) <= 60
    assert all(term.islower() and count >= 1 for term, count in article.signature)
    assert "the" not in dict(article.signature)


@pytest.mark.parametrize("kind", ["text", "html", "json"])
def test_the_producers_fields_go_before_the_pages(kind: str) -> None:
    data = {
        "text": TEXT,
        "html": html_page(
            f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>", "<meta name='author' content='X Y'>"
        ),
        "json": json.dumps({"paragraphs": BODY}),
    }[kind]
    when = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    article = run(data, kind, "text/html", title="Given title", dek="Given dek", section="world", language="en_gb",
                  authors=("A. Given",), tags=("Given Tag",), published_at=when)  # fmt: skip
    assert (article.title, article.dek, article.section, article.language) == (
        "Given title",
        "Given dek",
        "world",
        "en-GB",
    )
    assert article.authors == ("A. Given",)
    assert [tag.slug for tag in article.tags] == ["given-tag"]
    assert article.published_at == when
    assert article.paragraphs == BODY


def test_an_overridden_title_is_kept_as_a_cut() -> None:
    outcome = pipeline.run(raw_page(TEXT, title="Something else"), itertools.count().__next__)
    assert outcome.article.title == "Something else"
    assert ("title-overridden", TITLE) in [(cut.rule, cut.text) for cut in outcome.removed]


@pytest.mark.parametrize(
    "fields",
    [{"text": "\n\n".join(BODY)}, {"paragraphs": BODY}, {"html": paragraphs_html()}, {"text": "\n".join(BODY)}],
)
def test_json_as_given(fields: dict[str, object]) -> None:
    article = run(json.dumps(fields), "json", "application/json", title=TITLE)
    assert article.title == TITLE
    assert article.paragraphs == BODY


def test_json_text_with_a_title_is_not_cleaned() -> None:
    body = [*BODY, "Advertisement", "Related articles", "Share this"]
    assert run(json.dumps({"text": "\n\n".join(body)}), "json", title=TITLE).paragraphs == tuple(body)


@pytest.mark.parametrize(
    ("data", "rule"),
    [("[]", "bad-json"), ("{", "bad-json"), ('{"text": 3}', "bad-json"),
     ('{"paragraphs": "x"}', "bad-json"), ('{"paragraphs": [1]}', "bad-json"), ("[" * 100_000, "bad-json"), ("\ud800".encode("utf-8", "surrogatepass"), "bad-json")],
)  # fmt: skip
def test_bad_json_is_refused(data: str | bytes, rule: str) -> None:
    with pytest.raises(Permanent) as caught:
        run(data, "json", "application/json", title="T")
    assert caught.value.rule == rule


@pytest.mark.parametrize("data", ["{}", '{"text": "  "}', '{"html": ""}', '{"html": "<p></p>"}', '{"paragraphs": []}'])
def test_a_json_title_alone_is_a_stub_and_nothing_at_all_is_refused(data: str) -> None:
    article = run(data, "json", "application/json", title="Ferry leaves at six", url="https://example.org/1")
    assert (article.title, article.paragraphs, article.word_count) == ("Ferry leaves at six", (), 0)
    with pytest.raises(Permanent) as caught:
        run(data, "json", "application/json")
    assert caught.value.rule == "no-body"


@pytest.mark.parametrize(
    "data",
    [
        '{"paragraphs": ["Ferry leaves at six."]}',
        '{"text": "FERRY LEAVES AT SIX"}',
        '{"html": "<h1>Ferry leaves at six</h1>"}',
    ],
)
def test_a_body_that_only_repeats_the_title_is_a_stub(data: str) -> None:
    article = run(data, "json", "application/json", title="Ferry leaves at six", url="https://example.org/1")
    assert (article.title, article.paragraphs) == ("Ferry leaves at six", ())


def test_a_single_sentence_that_resembles_the_title_is_the_body() -> None:
    text = "The ferry leaves at six today"
    assert run(f'{{"text": "{text}"}}', "json", "application/json", title="Ferry leaves at six").paragraphs == (text,)


RUSSIAN = "Паром снова ходит через канал, сообщила мэр города."
HINDI = "शहर ने गुरुवार को नहर पर बने अपने एकमात्र पुल के पुनर्निर्माण के लिए मतदान किया।"
GERMAN = (
    "Die Stadt stimmte am Donnerstag für den Wiederaufbau ihrer einzigen Brücke über den Kanal. Die Arbeiten beginnen "
    "im März und sollen vierzehn Monate dauern, sagte die Bürgermeisterin. Bis dahin "
    "fährt alle zehn Minuten eine Fähre von der alten Mühle zum Marktplatz und wieder zurück."
)


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        (RUSSIAN, "en-US", "ru"),
        (HINDI, "en", "hi"),
        (GERMAN, "en-us", "de"),
        (TEXT, "en-GB", "en-GB"),
        ("Brücke zu", "en", "en"),
        (GERMAN, "fr", "fr"),
        (GERMAN, "de-AT", "de-AT"),
        (f"{TEXT} {RUSSIAN}", "en-GB", "en-GB"),
    ],
)
def test_english_that_is_declared_by_default_gives_way_to_the_language_of_the_text(
    text: str, declared: str, expected: str
) -> None:
    data = json.dumps({"text": text})
    assert run(data, "json", "application/json", title="ABC", language=declared).language == expected


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "https://example.org/\nx", "//example.org"])
def test_no_link_but_http(url: str) -> None:
    assert run(TEXT, url=url).url is None


def test_invisible_characters_go() -> None:
    article = run("A \u202etitle\u200b\x00 here\n\nThe\ufeff bo\x07dy of it, with a combining e\u0301.")
    assert article.title == "A title here"
    assert article.paragraphs == ("The body of it, with a combining \u00e9.",)


def test_many_cuts_are_bounded_and_say_so() -> None:
    outcome = pipeline.run(raw_page("\n".join([TITLE, *BODY, *["Advertisement"] * 3000])), itertools.count().__next__)
    assert len(outcome.removed) == 1001
    assert outcome.removed[-1].text == "2000 more removed spans"


@given(st.binary(max_size=400), st.sampled_from(["text", "html", "json"]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_end_in_an_article_or_a_rule(data: bytes, kind: str) -> None:
    try:
        article = run(data, kind, "text/html")
    except Permanent as error:
        assert error.rule in {"no-body", "not-text", "not-html", "bad-json"}
    else:
        assert article.title
        assert article.paragraphs
        assert Article.model_validate_json(article.model_dump_json()) == article
