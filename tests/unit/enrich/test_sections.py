"""Sections: one list for all pages; what a producer says and what nobody knows stays as it is."""

from __future__ import annotations

import time

import pytest

from services.enrich.domain import pipeline
from services.enrich.domain.sections import SECTIONS, canonical, resolve
from shared.identity.tag_names import ALIASES
from shared.identity.tags import tag_slug
from tests.support.material import seed_page
from tests.unit.enrich.pages import TITLE, html_page, paragraphs_html, raw_page

ARTICLE = f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>"
CRUMBS = """<script type="application/ld+json">{"@type": "BreadcrumbList", "itemListElement": [
{"position": 1, "name": "Home"}, {"position": 2, "item": {"name": "Wissenschaft"}}, {"position": 3, "name": "Clocks"}]}
</script>"""


@pytest.mark.parametrize(
    ("named", "section"),
    [
        ("Politik", "politics"),
        ("News > Politique", "politics"),
        ("World news", "world"),
        ("Économie", "business"),
        ("Arts & Culture", "culture"),
        ("Home", None),
        ("Clockmaking", None),
        ("", None),
        (">" * 5_000, None),
    ],
)
def test_the_section_that_a_page_means(named: str, section: str | None) -> None:
    assert canonical(named) == section


@pytest.mark.parametrize(
    ("named", "url", "section"),
    [
        ("Sports", "https://example.org/politik/a", "sport"),
        (None, "https://example.org/de/politik/2026/a", "politics"),
        (None, "https://example.org/politik", None),  # the last part is the article's own
        (None, "https://example.org/%C3%A9conomie/a", "business"),
        ("Clockmaking", "https://example.org/politik/a", "Clockmaking"),
        (None, "http://[", None),
        (None, None, None),
    ],
)
def test_what_is_named_goes_before_the_address(named: str | None, url: str | None, section: str | None) -> None:
    assert resolve(named, url)[0] == section


def test_every_section_is_its_own_name() -> None:
    assert [canonical(section) for section in SECTIONS] == list(SECTIONS)


@pytest.mark.parametrize(
    ("head", "given", "section", "note"),
    [
        (CRUMBS, None, "science", "Wissenschaft is science"),
        (CRUMBS + "<meta property='article:section' content='Local'>", None, "local", "Local is local"),
        (CRUMBS, "Our Own Section", "Our Own Section", "given"),
    ],
)
def test_the_step_says_how_a_section_was_told(head: str, given: str | None, section: str, note: str) -> None:
    outcome = pipeline.run(raw_page(html_page(ARTICLE, head), "html", "text/html", section=given), time.perf_counter)
    assert outcome.article.section == section
    assert next(step.note for step in outcome.steps if step.name == "section") == note


@pytest.mark.data
def test_the_tags_of_the_seed_page_stay_as_they_are() -> None:
    tags = pipeline.run(raw_page(seed_page()), time.perf_counter).article.tags
    assert [tag.slug for tag in tags] == ["politics", "world-news"]


def test_other_names_of_a_tag_lead_to_one_tag_and_to_no_third() -> None:
    targets = {slug for slug, _ in ALIASES.values()}
    assert targets.isdisjoint(ALIASES)
    assert tag_slug("USA") == tag_slug("#us") == "united-states"
    assert tag_slug("harbours") == "harbours"
