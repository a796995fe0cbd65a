"""Forms of address before a name and degrees after it, which are no part of the name of an author."""

from __future__ import annotations

import re
from typing import Final

_FORMS: Final = (
    r"dr\.-ing\.|dipl\.-[a-zäöü]{2,6}\.|univ\.-prof\.|priv\.-doz\.|dott\.?ssa|sig\.ra|أ\.د\.|"
    r"(?:drs?|dra|profs?|profa|mr|mrs|ms|mx|mme|mlle|dott|doç|sra|srta|д-р|проф|डॉ|डा|प्रो)(?:\.|(?=\s))|"
    r"(?:sr|sig|ing|mag|rev|hon|د)\.|"
    r"(?:professor(?:in)?|professeure?|profesora?|doctor|doktor|miss|herr|frau|monsieur|madame|señora?|श्री|श्रीमती|"
    r"الدكتور|الدكتورة|دکتر)(?=\s)"
)
_HONORIFICS: Final = re.compile(
    rf"(?:(?:{_FORMS})\s*(?:(?:med|dent|vet|rer|nat|phil|jur|pol|iur|oec|theol|h|c|habil|em)\.\s*)*)+", re.IGNORECASE
)
_CAPITALS: Final = re.compile(r"M[SRX]\s|DRA?\s")
"""Initials (`MS Dhoni`), not a form of address; a line that is all in capitals has both, and keeps both."""
_DEGREE: Final = re.compile(r"(?:ph\.?\s?d|m\.?d|d\.?d\.?s|m\.?sc|b\.?sc|mba|esq|m\.?p\.?h)\.?", re.IGNORECASE)
_DEGREE_AFTER: Final = re.compile(r",?\s+(?:Ph\.?\s?D|M\.?D|MBA|M\.?Sc|Esq)\.?$")


def without_honorifics(name: str) -> str:
    """`Ada Corlett` for `Prof. Dr. Ada Corlett PhD`. What leaves one word only keeps it: `Dr. Seuss`."""
    match = _HONORIFICS.match(name) if not _CAPITALS.match(name) else None
    bare = name[match.end() :].strip() if match else name
    shorter = _DEGREE_AFTER.sub("", bare)
    return next((form for form in (shorter, bare) if " " in form), name)


def is_degree(text: str) -> bool:
    """Whether the text is an academic degree and nothing else: `PhD`, `M.D.`."""
    return _DEGREE.fullmatch(text.strip()) is not None
