"""Names of people, organisations and places."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain.names.entities import entities
from shared.articles import EntityKind
from tests.support.material import seed_page

PERSON, ORGANISATION, PLACE = EntityKind.PERSON, EntityKind.ORGANISATION, EntityKind.PLACE


def _found(*paragraphs: str, language: str = "en") -> set[tuple[EntityKind, str]]:
    return {(entity.kind, entity.name) for entity in entities(paragraphs, language)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Mayor Anna Lind opened the bridge.", {(PERSON, "Anna Lind")}),
        ("According to historian Oskar Brandt the bell is old.", {(PERSON, "Oskar Brandt")}),
        ("The Harbour Research Institute paid for it.", {(ORGANISATION, "Harbour Research Institute")}),
        ("It was shown at the University of Westmark on Monday.", {(ORGANISATION, "University of Westmark")}),
        ("Ministers met in Lisbon and in France.", {(PLACE, "Lisbon"), (PLACE, "France")}),
        ("In Lisbon Monday Theresa May spoke to T. J. Lind.", {(PLACE, "Lisbon"), (PERSON, "Theresa May")}),
        ("NATO said nothing.", {(ORGANISATION, "NATO")}),
        ("They crossed the Ember River at night.", {(PLACE, "Ember River")}),
        ("Nothing here is a name. However, this is late. Every Monday they meet.", set()),
        ("", set()),
    ],
)
def test_names_in_english(text: str, wanted: set[tuple[EntityKind, str]]) -> None:
    assert _found(text) == wanted


def test_a_surname_alone_is_the_person_named_in_full() -> None:
    (one,) = entities(("President Anna Maria Lind spoke.", "Later Lind left. “Enough,” Lind's aide said."), "en")
    assert (one.id, one.name, one.mentions) == ("person:anna-maria-lind", "Anna Maria Lind", 3)


def test_the_id_of_a_place_does_not_depend_on_the_way_it_is_written() -> None:
    ids = {entities((f"They met in {name}.",), "en")[0].id for name in ("the UK", "Britain", "United Kingdom")}
    assert len(ids) == 1


@pytest.mark.parametrize("language", ["de", "ja", "ar", "und"])
def test_capitals_of_other_languages_are_no_names(language: str) -> None:
    text = "Der Alte Turm steht am Neuen Markt. Die Grosse Glocke schlug, und Alle Kinder sangen."
    assert _found(text, language=language) == set()


@given(st.text(alphabet=string.ascii_letters + " .,'’-\n«”É", max_size=400))
def test_any_text_gives_names_of_its_own(text: str) -> None:
    for entity in entities((text,), "en"):
        assert entity.mentions >= 1
        assert entity.id.partition(":")[0] == entity.kind.value


@pytest.mark.data
def test_the_names_of_the_seed_page() -> None:
    text = seed_page().partition("Tags:")[0]
    found = _found(*text.split("\n\n")[1:])
    assert (PERSON, "Vladimir Putin") in found
    assert (PERSON, "Alexei Levinson") in found
    assert (ORGANISATION, "Levada Centre") in found
    assert {name for kind, name in found if kind is PLACE} == {"Kursk", "Ukraine", "Russia"}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("The European Union agreed on Monday.", ["organisation:european-union"]),
        ("British Airways cancelled the flight.", ["organisation:british-airways"]),
        ("The American Civil Liberties Union sued.", ["organisation:american-civil-liberties-union"]),
        ("The Union said so on Monday, and Union leaders met.", []),
        ("He moved to Union, New Jersey.", ["place:geonames-5105608", "place:geonames-5101760"]),
        ("County Coroner William Lind said so.", ["person:william-lind"]),
        ("The geologist Petra Quist was there.", ["person:petra-quist"]),
    ],
)
def test_names_with_adjectives_roles_and_places(text: str, ids: list[str]) -> None:
    assert sorted(one.id for one in entities((text,), "en")) == sorted(ids)
