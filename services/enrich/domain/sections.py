"""Canonical section names: maps what a page calls its section to one list.

A submitted section is never changed. An unknown section is kept as the page spells it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from shared.identity.slugs import slugify

_MAX_PARTS: Final = 12
_BREAKS: Final = re.compile(r"\s*[>/|,»›:•·]\s*")
_NAMES: Final[dict[str, str]] = {
    "world": "world-news worldnews international foreign global ausland welt monde internacional mundo esteri mondo "
    "buitenland internazionale europe europa africa afrika asia asien americas middle-east amerique afrique",
    "national": "nation inland nacional interni binnenland uk-news us-news",
    "politics": "politik politique politica politiek polityka policy elections us-politics uk-politics government",
    "business": "wirtschaft economie economia economy business-news finance finanzen finances finanzas negocios money "
    "markets companies unternehmen entreprises economia-y-negocios economy-business",
    "local": "lokales local-news regional region regions community localnews",
    "opinion": "meinung opinions opinione opiniones kommentar kommentare commentary comment editorial editorials "
    "column columns columnists views debats debate commentisfree opiniao",
    "sport": "sports deportes esporte esportes sportnachrichten football soccer fussball futbol calcio foot tennis "
    "basketball cricket rugby",
    "culture": "kultur cultura cultuur arts art books feuilleton arts-and-culture culture-arts literature film films "
    "music musik theatre",
    "entertainment": "unterhaltung showbiz celebrity celebrities tv espectaculos divertissement",
    "lifestyle": "life leben style mode fashion gesellschaft vida vie family familie",
    "travel": "reise reisen voyage voyages viajes viaggi tourism viagem",
    "food": "food-and-drink recipes rezepte essen cuisine gastronomia kochen",
    "science": "wissen wissenschaft sciences ciencia scienza wetenschap science-news",
    "technology": "tech technik technologie tecnologia digital netzwelt technology-news sci-tech",
    "health": "gesundheit sante salud salute saude gezondheid health-news wellness medizin medicine",
    "environment": "umwelt klima climate planete medio-ambiente ambiente climate-change environnement",
    "education": "bildung educacion educacao scuola higher-education",
    "crime": "kriminalitaet justice justiz blaulicht courts policiales",
    "weather": "wetter meteo tiempo",
    "motoring": "auto autos cars mobilitaet mobility automobile motor",
}
"""Canonical section -> slugs of its names in other languages and wordings."""

SECTIONS: Final = tuple(_NAMES)
_KNOWN: Final = {name: section for section, names in _NAMES.items() for name in (section, *names.split())}


def canonical(name: str) -> str | None:
    """The canonical section for a name or for a part of a breadcrumb such as `News > Politik`; None if unknown."""
    parts = [name, *_BREAKS.split(name)[:_MAX_PARTS]]
    return next((found for part in parts if (found := _KNOWN.get(slugify(part, empty="")))), None)


def resolve(name: str | None, url: str | None) -> tuple[str | None, str]:
    """The section and the reason for it: the name on the page, else the path of the URL."""
    if name:
        found = canonical(name)
        return (found, f"{name} is {found}") if found else (name, f"{name} is not in the list")
    for part in _path(url):
        if found := _KNOWN.get(part):
            return found, f"{part} in the URL path is {found}"
    return None, "no section found"


def _path(url: str | None) -> Sequence[str]:
    """Slugs of the URL path segments except the last, which names the article."""
    try:
        parts = unquote(urlsplit(url or "").path[:2_000]).strip("/").split("/")
    except ValueError:
        return ()
    return [slugify(part, empty="") for part in parts[:-1][:_MAX_PARTS]]
