"""Where an article belongs: what a page calls its section, in the words of one list for all pages.

A section that the producer gives is never touched. One that is not in the list stays as the page writes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from services.enrich.domain.slug import slugify

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
"""Section, and the slugs of its other names in the languages of news."""

SECTIONS: Final = tuple(_NAMES)
_KNOWN: Final = {name: section for section, names in _NAMES.items() for name in (section, *names.split())}


def canonical(named: str) -> str | None:
    """The section of the list that a page means by this, or by a part of it such as `News > Politik`; else None."""
    parts = [named, *_BREAKS.split(named)[:_MAX_PARTS]]
    return next((found for part in parts if (found := _KNOWN.get(slugify(part, empty="")))), None)


def settle(named: str | None, url: str | None) -> tuple[str | None, str]:
    """The section and in a few words how it was told: by what the page names, else by the path of its address."""
    if named:
        found = canonical(named)
        return (found, f"{named} is {found}") if found else (named, f"{named} is not in the list")
    for part in _path(url):
        if found := _KNOWN.get(part):
            return found, f"{part} of the address is {found}"
    return None, "nothing names one"


def _path(url: str | None) -> Sequence[str]:
    """The folders of an address as slugs; the last part is the article's own."""
    try:
        parts = unquote(urlsplit(url or "").path[:2_000]).strip("/").split("/")
    except ValueError:
        return ()
    return [slugify(part, empty="") for part in parts[:-1][:_MAX_PARTS]]
