"""Plain-text pages, and reading them so that nothing of them vanishes."""

from __future__ import annotations

from collections import Counter

from services.enrich.domain.decoding import clean
from services.enrich.domain.reading import Reading
from services.enrich.domain.text.plain_text import read
from shared.articles import Submission


def visible(text: str) -> Counter[str]:
    return Counter("".join(text.split()))


def accounted(reading: Reading) -> Counter[str]:
    parts = [reading.dek, *reading.paragraphs, *(cut.text for cut in reading.removed)]
    return visible(" ".join([*parts, "" if reading.title_derived else reading.title]))


def check(text: str, **given_fields: str) -> Reading:
    """Read, and check that nothing vanished."""
    reading = read(text, Submission(**given_fields))
    assert accounted(reading) == visible(clean(text))
    return reading


def page(*parts: str, gap: str = "\n\n") -> str:
    return gap.join(parts)


def rules(reading: Reading) -> list[str]:
    return [cut.rule for cut in reading.removed]
