"""Parses bylines: names of persons without roles, places and dates; also nicknames and teams."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from services.enrich.domain.authors.honorifics import is_degree, without_honorifics
from services.enrich.domain.authors.unspaced import is_unspaced_byline, is_unspaced_name, unspaced_names
from services.enrich.domain.decoding import one_line
from services.enrich.domain.similar_text import plain_words

MAX_AUTHORS: Final = 50
_MAX_TEXT: Final = 400
_MAX_NAME: Final = 60
_MAX_WORDS: Final = 5
_LEAD: Final = re.compile(
    r"^(?:(?:written|words|story|text|reported|reporting|posted|published|article|reviewed|medically reviewed|"
    r"(?:view |see )?(?:all |more )?(?:posts|articles|stories)|(?:zeige )?alle (?:beiträge|artikel))\s+)?"
    r"(?:by|von|par|por|di|door|author|authors|autor|autorin|auteur|oleh|текст|автор)\b\s*[:：]?\s+",
    re.IGNORECASE,
)
_LEADS: Final = frozenset(
    "wr wo st te re po pu ar me vi se al mo ze by vo pa di do au ol те ав".split()  # noqa: SIM905 (in one line)
)
"""First letters of such prefixes, for a fast check that rejects most texts."""
_BETWEEN: Final = re.compile(
    r"\s*(?:[,;|•·&/]|\b(?:and|und|et|y|og)\b|\be\b(?=\s+[A-ZÀ-Þ])|\ben\b(?=\s+[A-Z])|\svs?\s)\s*"
)
_BRACKETS: Final = re.compile(r"\s*[(\[{<][^)\]}>]{0,80}[)\]}>]\s*")
_TAIL: Final = re.compile(r"\s+(?:in|aus|at|for|für|de notre|reporting|–|—|-)\s.*$|\s+[–—-]$|[.,:;]+$")
_DATE: Final = re.compile(
    r"\s+(?:on\s+)?(?:\d{1,2}[.\s/-]|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s+\d{1,2}\b|"
    r"\w{3,9}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}|\d{4}-).*$",
    re.IGNORECASE,
)
_NAME_WORD: Final = re.compile(r"^(?:[^\W\d_][^\W\d_'’.\-‑·]*(?:['’.\-‑·][^\W\d_]*)*\.?)$")
_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957"
    "\u0980-\u0983\u09bc-\u09cd\u0a01-\u0a03\u0a3c-\u0a4d\u0a81-\u0a83\u0abc-\u0acd\u0b3c-\u0b4d\u0bbe-\u0bcd"
    "\u0c3e-\u0c4d\u0cbc-\u0ccd\u0d3e-\u0d4d\u0dca-\u0ddf\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u102b-\u103e\u200c\u200d]"
)
"""Combining marks, which `\\w` leaves out: vowels of India and Thailand, tones of Yoruba and Vietnamese."""
_INITIALS: Final = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]{3,5}")
"""Consonants only, all capitals: a broadcaster, not a person."""
PARTICLES: Final = frozenset([
    "de", "da", "do", "dos", "das", "del", "della", "di", "van", "von", "der", "den", "ten", "ter", "la", "le", "les",
    "el", "al", "bin", "ibn", "y", "e", "af", "av", "zu", "zur", "und", "du", "wa", "bint", "ould", "ben", "abu", "abd",
    "dela", "degli", "dei", "dell", "los", "las", "vom", "zum", "ní", "nic", "ap", "ó", "ul", "ud",
])  # fmt: skip
"""Lower-case particles inside a name."""
_CREDENTIALS: Final = frozenset(["phd", "md", "ms", "ma", "rd", "jr", "sr", "esq", "mba", "cpa", "dds", "msc", "bsc"])
_NO_PERSON: Final = re.compile(
    r"\b(?:admin\w*|administrator|editor\w*|redaktion\w*|redacci[óo]n|r[ée]daction|redazione|redação|redactie|redaksi|"
    r"staff|team|desk|bureau|newsroom|news|nachrichten|noticias|press|presse|agency|agenc\w+|agentur|agence|agencia|"
    r"ajans\w*|magazine|journal|gazette|times|post|tribune|herald|daily|weekly|media|medien|group|gmbh|inc|llc|ltd|"
    r"feuerwehr|abteilung|polizei\w*|rotes kreuz|verein|verband|stiftung|police|gesellschaft|universit\w+|hochschule|"
    r"college|corporation|company|ministerium|foundation|institute|department|ministry|association|council|committee|center|centre|office|"
    r"contribut\w+|correspondent\w*|reporter\w*|journalist\w*|writer\w*|author\w*|autor\w*|columnist\w*|producer|"
    r"guest|user|webmaster|blog\w*|unknown|anonymous|anonym|none|null|undefined|test|website|online|"
    r"read|more|share|follow|view|posts?|articles?|profile|twitter|facebook|instagram|linkedin|email|subscribe|"
    r"published|updated|comments?|minutes?|ago|photo\w*|foto\w*|credit|image|video|copyright|reuters|afp|dpa|ap|"
    r"getty|epa|ansa|efe|tass|xinhua|wikipedia|wordpress|the|about|home|contact|click|log|sign|by|(?<!\S )von|and|with|"
    r"januar|february|september|october|oktober|"
    r"november|december|dezember|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b",
    re.IGNORECASE,
)  # fmt: skip


_ROLE: Final = re.compile(
    r"(?:(?:site |web )?(?:admin\w*|administrator|editor\w*|webmaster|moderator)|(?:by )?staff|team|redaktion|"
    r"redacci[óo]n|"
    r"r[ée]daction|redazione|redação|redactie|guest(?: \w+)?|user|unknown|anonymous|none|null|undefined|authors?|test|"
    r"default|root|web ?desk|news ?desk|(?:web|online)[- ]?redaktion|super ?user)",
    re.IGNORECASE,
)
_SITE_PARTS: Final = re.compile(r"\s+[|–—-]\s+|\s*:\s+")
_ENDING: Final = re.compile(r"\.[a-z]{2,6}$", re.IGNORECASE)
_ADDRESSED: Final = re.compile(r"^\S+@\S+\s+\(([^()]+)\)$")
"""The form of an author in RSS: `ada@courier.example (Ada Corlett)`."""
_SUFFIX: Final = re.compile(r"\b[JS]r\.$")
_PREFIXED: Final = re.compile(r"(?:d|l|dell|t|n|s|o)['’][^\W\d_a-z]")
"""A small letter before a capital one: `d'Ormesson`."""
_HANDLE: Final = re.compile(r"(?<!\w)@\w{1,40}")
_OWN_SITE: Final = re.compile(r"[(\[]\s*(?:https?://|www\.)[^)\]]*[)\]]")
"""`Example Times (www.example.org)` is a site."""
_OPENING: Final = re.compile(
    r"^(?:[^\W\d_]+[ :,]+){0,4}?(?:by|von|par|por|written by|author|autor(?:in)?|über|about(?: the author)?|text|"
    r"interview|redaktion|auteur|di|door)\b[\s:–—|]+(?=\S)",
    re.IGNORECASE,
)
"""Prefixes of a byline before the name: `A column by`, `Text:`."""
_NUMBERS: Final = re.compile(r"(?:^|\s)[\d(©].*$")
_NOBODY: Final = re.compile(
    r"\W*(?:(?:published|updated|written|posted)(?: by| on)?|by|von|par|autor(?:in)?|author|name|date|jan|feb|mar|apr|"
    r"may|jun|jul|aug|sept?|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|(?:mins?|minutes?)(?: read)?)\W*",
    re.IGNORECASE,
)
_MAX_CALLED: Final = 40
_ADDRESS: Final = re.compile(r"https?:|www\.|@|/")


def site_forms(names: Iterable[str], address: str) -> frozenset[str]:
    """Possible names of a site, lower case and letters only, from its declared names and its host."""
    try:
        labels = (urlsplit(address).hostname or "").removeprefix("www.").split(".")
    except ValueError:
        labels = []  # such as http://[ without an end
    hosts = (".".join(labels), *labels[-2:-1], *labels[:1]) if len(labels) > 1 else ()
    return frozenset(form for name in dict.fromkeys((*names, *hosts)) for form in _forms(name) if form)


def _forms(site: str) -> Iterator[str]:
    """Variants of a site name: `Peace | ZEITUNG` is also `ZEITUNG`, `TOUR-MAGAZIN.de` also `TOUR Magazin`."""
    for part in (site, *_SITE_PARTS.split(site)):
        yield "".join(plain_words(part))
        yield "".join(plain_words(_ENDING.sub("", part.strip())))


def declared_names(text: str) -> list[str]:
    """Names in the author field of structured data: also agencies and newsrooms, but no roles or URLs."""
    if not text.isascii() and (names := unspaced_names(one_line(html.unescape(text), _MAX_TEXT))):
        return list(names)
    parts = [part for part in _parts(text) if not _ROLE.fullmatch(part) and not _ADDRESS.search(part)]
    persons = [part for number, part in enumerate(parts) if not number or not is_degree(part)]
    return [name for part in persons if (name := _name(part) or _agency(part))]


def _agency(part: str) -> str:
    name = _TAIL.sub("", part).strip(" ,;:|•·–—-\"“”'")
    return name if 2 <= len(name) <= _MAX_NAME and len(name.split()) <= _MAX_WORDS and not name.isdigit() else ""


def starts_byline(text: str) -> bool:
    """Whether a text begins with `By`, `Von`, `Par` or the like, or has `記者` or a similar role next to a name."""
    return (text[:2].lower() in _LEADS and _LEAD.match(text) is not None) or (
        not text.isascii() and is_unspaced_byline(text)
    )


@lru_cache(maxsize=4_096)  # the same names occur in many places of a page
def names_in(text: str) -> tuple[str, ...]:
    """The persons' names in a byline, without roles, credentials, places and dates."""
    if not text.isascii() and (names := unspaced_names(one_line(html.unescape(text), _MAX_TEXT))):
        return names
    return tuple(name for part in _parts(text) if (name := _name(part)))


@lru_cache(maxsize=4_096)
def called(text: str) -> tuple[str, ...]:
    """The names in a byline; if none looks like a person, its first part: a nickname or a team."""
    if names := names_in(text):
        return names
    flat = _OPENING.sub("", _OWN_SITE.sub("", one_line(html.unescape(text), _MAX_TEXT)))
    if names := names_in(flat):
        return names
    if _ADDRESS.search(flat):
        return ()
    flat = _DATE.sub("", _BRACKETS.sub(" ", _LEAD.sub("", flat))).strip(" ,;|•·–—-")
    parts = (_NUMBERS.sub("", _TAIL.sub("", part)).strip(" ,;:|•·–—-\"“”'") for part in _BETWEEN.split(flat))
    return next(((part,) for part in parts if _may_be_called(part)), ())


def _may_be_called(part: str) -> bool:
    short = 2 <= len(part) <= _MAX_CALLED and len(part.split()) <= _MAX_WORDS
    return short and any(map(str.isalpha, part)) and not _NOBODY.fullmatch(part)


def _parts(text: str) -> list[str]:
    flat = _HANDLE.sub("", _ADDRESSED.sub(r"\1", one_line(html.unescape(text), _MAX_TEXT)))
    if _OWN_SITE.search(flat):
        return []
    flat = _DATE.sub("", _BRACKETS.sub(" ", _LEAD.sub("", flat))).strip(" ,;|•·–—-")
    return [part for part in _BETWEEN.split(flat) if part]


def _name(part: str) -> str:
    name = _TAIL.sub("", _LEAD.sub("", part.strip())).strip(" ,;:|•·–—-\"“”'")
    name = without_honorifics(name)
    half = name[: len(name) // 2]
    if " " in half and name == half * 2:  # two elements beside each other, without a blank between them
        name = half
    if _SUFFIX.search(part.strip()) and not name.endswith("."):
        name += "."
    words = name.split()
    while words and words[-1] in PARTICLES:  # the `le` of a date that was cut off
        name = " ".join(words := words[:-1])
    if len(words) > 1 and words[: len(words) // 2] == words[len(words) // 2 :]:  # written twice
        words = words[: len(words) // 2]
        name = " ".join(words)
    if (
        len(words) < 2
        or sum(word not in PARTICLES for word in words) > _MAX_WORDS
        or len(name) > _MAX_NAME
        or _NO_PERSON.search(name)
    ):
        return name if is_unspaced_name(name) else ""
    if words[0].strip(".").lower() in _CREDENTIALS:
        return ""
    bare = [_MARKS.sub("", word) for word in words]
    if not all(_NAME_WORD.match(word) for word in bare) or any(_INITIALS.fullmatch(word) for word in words):
        return ""
    big = [word for word in words if not word[0].islower() or _PREFIXED.match(word)]
    small = [word for word in words if word not in big and word.lower() not in PARTICLES]
    return _cased(name) if big and not small else ""


def _cased(name: str) -> str:
    return name.title() if name.isupper() and len(name) > 4 else name


@lru_cache(maxsize=4_096)
def is_generic(name: str) -> bool:
    """Whether a name contains a word that does not occur in names of people."""
    return _NO_PERSON.search(name) is not None


def is_role(name: str) -> bool:
    """Whether the text is a role, such as `Editor`."""
    return _ROLE.fullmatch(name) is not None
