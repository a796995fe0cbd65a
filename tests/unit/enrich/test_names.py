"""Names that a model found: written like those of the rules, and put together with them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from services.enrich.domain import pipeline
from services.enrich.domain.names.completion import CombinedFinder
from services.enrich.domain.names.entities import MAX_ENTITIES, entities
from services.enrich.domain.names.names import Name, normalise_name
from services.enrich.domain.names.rules import RULES
from shared.articles import EntityKind
from tests.unit.enrich.pages import raw_page

PERSON, ORGANISATION, PLACE = EntityKind.PERSON, EntityKind.ORGANISATION, EntityKind.PLACE


class Marker:
    """A model that marks the given names, each as often as it stands in the text."""

    version = "marker 1.0"

    def __init__(self, *names: tuple[str, EntityKind], language: str = "en") -> None:
        self.names = [Name(tuple(text.split()), kind) for text, kind in names]
        self.language = language

    def supports(self, language: str) -> bool:
        return language.partition("-")[0] == self.language

    def find(self, text: str, language: str) -> Sequence[Name]:
        return [name for name in self.names for _ in range(text.count(name.text))]


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("the United Nations", ORGANISATION, "United Nations"),
        ("The Harbour Times", ORGANISATION, "Harbour Times"),
        ("President Lind’s", PERSON, "Lind"),
        ("General Widgets", ORGANISATION, "General Widgets"),
        ("“Anna Lind,”", PERSON, "Anna Lind"),
        ("Anna\n Maria   Lind's", PERSON, "Anna Maria Lind"),
        ("T. J. Lind", PERSON, "T. J. Lind"),
        ("the U.S.", PLACE, "U.S."),
        ("U.S.'s", PLACE, "U.S."),
        ("Harbour Widgets Inc.", ORGANISATION, "Harbour Widgets Inc"),
        ("von der Linden", PERSON, "Linden"),
        ("中国", PLACE, "中国"),
    ],
)
def test_a_marked_name_is_written_as_the_rules_write_theirs(text: str, kind: EntityKind, wanted: str) -> None:
    found = normalise_name(text, kind)
    assert found is not None
    assert (found.text, found.kind) == (wanted, kind)


@pytest.mark.parametrize("text", ["", "  ", "the", "President", "2024", "'s", "—", "x" * 200, "a widget"])
def test_a_mark_without_a_name_is_none(text: str) -> None:
    assert normalise_name(text, PERSON) is None


def test_a_model_names_what_the_rules_leave_open() -> None:
    text = "Reporters met Brandt in the harbour. Brandt left early with the Rovings."
    model = Marker(("Brandt", PERSON), ("Rovings", ORGANISATION))
    assert entities((text,), "en") == ()
    found = {(one.id, one.mentions) for one in entities((text,), "en", CombinedFinder(model))}
    assert found == {("person:brandt", 2), ("organisation:rovings", 1)}


def test_what_the_rules_know_stands_against_the_model() -> None:
    text = "Mayor Anna Lind met the Harbour Research Institute in Lisbon. Lind smiled."
    model = Marker(("Lisbon", PERSON), ("Harbour Research", PERSON), ("Lind", ORGANISATION))
    assert entities((text,), "en", CombinedFinder(model)) == entities((text,), "en")


def test_a_surname_and_a_place_of_the_model_get_the_ids_of_the_rules() -> None:
    model = Marker(("Oru Brandt", PERSON), ("Brandt", PERSON), ("U.K.", PLACE))
    found = entities(("The visitor was oru Oru Brandt of the U.K. once. Brandt left.",), "en", CombinedFinder(model))
    (britain,) = entities(("They met in Britain.",), "en")
    assert {(one.id, one.mentions) for one in found} == {("person:oru-brandt", 2), (britain.id, 1)}


def test_a_model_speaks_in_its_own_languages_only() -> None:
    model = Marker(("Alte Turm", ORGANISATION), ("中国", PLACE), language="zh")
    assert entities(("Der Alte Turm und 中国",), "de", CombinedFinder(model)) == ()
    assert [one.id for one in entities(("在中国和中国",), "zh-Hans", CombinedFinder(model))] == ["place:中国"]


def test_names_of_a_model_are_capped_like_the_others() -> None:
    names = [f"Q{number}xy" for number in range(MAX_ENTITIES * 2)]
    model = Marker(*((name, PERSON) for name in names))
    assert len(entities((" ".join(names),), "en", CombinedFinder(model))) == MAX_ENTITIES
    beyond = Marker(("Brandt", PERSON))
    assert entities(("it rained " * 3_000 + "Brandt",), "en", CombinedFinder(beyond)) == ()


def test_the_trace_says_which_model_and_where_the_rules_were_alone() -> None:
    steps = pipeline.recipe(CombinedFinder(Marker(("Rovings", ORGANISATION))))

    def entity_step(language: str) -> tuple[str, str]:
        page = raw_page("A day out\n\nThe old Rovings came late that day, and nobody minded.", language=language)
        outcome = pipeline.run(page, itertools.count().__next__, steps)
        return next((step.version, step.note) for step in outcome.steps if step.name == "entities")

    assert entity_step("en") == ("2; marker 1.0", "1 names: Rovings")
    assert entity_step("de") == ("2; marker 1.0", "0 names by the rules alone")


def test_the_version_of_the_pipeline_follows_the_model() -> None:
    def version(recipe: pipeline.Recipe) -> str:
        return pipeline.version_of((name, number) for name, number, _ in recipe)

    assert version(pipeline.recipe()) == version(pipeline.recipe(RULES)) == pipeline.PIPELINE_VERSION
    assert version(pipeline.recipe(CombinedFinder(Marker()))) != pipeline.PIPELINE_VERSION
