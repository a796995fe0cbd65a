"""One identity for tags and languages: what is stored, and what every input compares it with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.enrich.domain.tags import normalise
from services.serve.domain import terms
from services.serve.domain.topics import parse as parse_topics
from shared.articles import Tag
from shared.identity.languages import canonical_language, language_range, language_ranges
from shared.identity.tag_names import ALIASES
from shared.identity.tags import label_from_slug, tag_of, tag_slug
from shared.query import article_facts, matches, parse
from shared.query.ast import Field
from tests.support.builders import NOON, make_article

FROZEN: dict[str, str | None] = json.loads(Path(__file__).with_name("tag_slugs.json").read_text())

_PIECES = [*"aBßéÉßǆÆ&#-_'’.\"(),/ 9+", "Mc", "NATO", "हिन्दी", "ไทย", "မြန်", "東京", " ", "WorldNews"]
_LETTERS = st.characters(categories=["Lu", "Ll", "Lt", "Lo", "Mn", "Mc", "Nd"])
labels = st.one_of(
    st.text(max_size=90),
    st.sampled_from(list(FROZEN)),
    st.lists(st.sampled_from(_PIECES), max_size=12).map("".join),
    st.lists(st.text(_LETTERS, min_size=1, max_size=6), max_size=4).map(" ".join),
)


@pytest.mark.parametrize(("label", "slug"), FROZEN.items())
def test_stored_slugs_stay_what_they_are(label: str, slug: str | None) -> None:
    tag = tag_of(label)
    assert (None if tag is None else tag.slug) == slug


@given(labels)
@example("ßab")
@example("FooBarAr (FBA)")
@example("C++")
def test_every_label_leads_to_the_slug_that_is_stored_for_it(label: str) -> None:
    tag = tag_of(label)
    if tag is None:
        return
    assert Tag.model_validate(tag.model_dump()) == tag
    for text in (label, tag.label, tag.slug, f"#{tag.label}", f" {tag.label} "):
        assert tag_slug(text) == tag.slug, text
    assert tag_slug(label_from_slug(tag.slug)) == tag.slug
    assert [each.slug for each in normalise([label])] == [tag.slug]


@given(labels)
def test_queries_and_filters_find_the_label_that_is_shown(label: str) -> None:
    tag = tag_of(label)
    if tag is None:
        return
    quoted = '"' + tag.label.replace("\\", "\\\\").replace('"', '\\"') + '"'
    query = parse(f"tag:{quoted}", now=NOON)
    assert query.root == Field("tag", tag.slug)
    assert parse(str(query), now=NOON) == query
    assert matches(query, article_facts(make_article(tags=(tag,))))
    assert terms.parse(quoted, normal=tag_slug).matches([tag.slug])


@pytest.mark.parametrize("label", ["R&D", "AC/DC", "Café Culture", "C++", "हिन्दी", "Women’s Rights"])
def test_topics_name_a_stream_by_its_label(label: str) -> None:
    assert parse_topics([f"/v1/streams/{label}"]).tags == {tag_slug(label)}


def test_other_names_lead_to_one_tag() -> None:
    for name, (slug, label) in ALIASES.items():
        assert tag_slug(name) == tag_slug(label) == tag_slug(slug) == slug


@pytest.mark.parametrize(
    ("text", "found", "held"),
    [
        ('"Washington, D.C."', ["washington-d-c"], True),
        ('"Washington, D.C."', ["washington", "d-c"], False),
        ('-"Washington, D.C."', ["washington-d-c"], False),
        ('sport|"A|B",-x', ["a-b"], True),
        ('The "Big" One', ["the-big-one"], True),
        ('"unclosed', ["unclosed"], True),
        (r'"say \"hi\", please"', ["say-hi-please"], True),
    ],
)
def test_a_quoted_value_may_hold_the_signs_of_an_expression(text: str, found: list[str], held: bool) -> None:
    assert terms.parse(text, normal=tag_slug).matches(found) is held


@pytest.mark.parametrize("text", ['""', '"a",', ",", '"a" "b",,c', '"' + "a,b" * 100])
def test_an_empty_value_or_too_many_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"empty|at most"):
        terms.parse(text)


@pytest.mark.parametrize(
    ("tag", "canonical"),
    [
        ("EN", "en"), ("en_us", "en-US"), ("PT-br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"),
        ("sr-LATN-rs", "sr-Latn-RS"), ("es-419", "es-419"), ("de-ch-1996", "de-CH-1996"), ("eng", "en"),
        ("iw", "he"),        ("und", "und"), ("english", None), ("", None), ("en-", None),
        ('xx-"><script>', None), ("a" * 36, None),
    ],
)  # fmt: skip
def test_a_language_has_one_form(tag: str, canonical: str | None) -> None:
    assert canonical_language(tag) == canonical


@pytest.mark.parametrize(
    ("wanted", "language", "held"),
    [
        ("pt", "pt-BR", True), ("PT-br", "pt-BR", True), ("pt_BR", "pt-br", True), ("pt-PT", "pt-BR", False),
        ("pt-BR", "pt", False), ("zh-hant", "zh-Hant-TW", True), ("zh-TW", "zh-Hant-TW", False), ("p", "pt", None),
        ("en", "eng", True), ("he", "iw", True), ("e n", "en", None), ("english", "en", False), ("no", "nob", False),
    ],
)  # fmt: skip
def test_a_range_finds_the_languages_that_it_names(wanted: str, language: str, held: bool | None) -> None:
    if held is None:
        with pytest.raises(ValueError, match="BCP 47"):
            language_range(wanted)
        return
    article = article_facts(make_article(language=language))
    assert matches(parse(f"lang:{wanted}", now=NOON), article) is held
    assert matches(parse(f"-lang:{wanted}", now=NOON), article) is not held
    assert terms.parse_choice(wanted, normal=language_range).matches(language_ranges(language)) is held


@given(st.from_regex(r"[a-zA-Z]{2,3}(-[A-Za-z]{4})?(-[A-Za-z]{2})?", fullmatch=True))
def test_every_language_is_found_by_itself_in_any_case(tag: str) -> None:
    canonical = canonical_language(tag)
    if canonical is not None:
        assert canonical_language(canonical) == canonical
        assert language_range(tag.upper()) in language_ranges(tag.lower())
