"""Fingerprints for the detection of copies and stories: computed by enrich, compared by index."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict


class TermKind(IntEnum):
    """How a term is written in the text."""

    WORD = 0
    NUMBER = 1
    NAME = 2
    """With a capital inside a sentence."""


class FingerprintTerm(NamedTuple):
    """A term of a fingerprint. Its weight is the sum over its mentions; early ones and names weigh more."""

    term: str
    weight: float
    lead: int
    """Mentions at the beginning of the text."""
    kind: TermKind


class Fingerprint(BaseModel):
    """The fingerprint of one text."""

    # Readers are tolerant: during a rolling upgrade an older service meets the fields of a newer one.
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")

    shingles: str = ""
    """Hex of the smallest 32-bit hashes of its distinct word triples, ascending, 8 digits each, at most 256."""
    shingle_count: int = 0
    """How many distinct word triples the text has."""
    terms: tuple[FingerprintTerm, ...] = ()
    """Heaviest first."""
    written_on: tuple[int, ...] = ()
    """Full dates near the top of the text, as proleptic ordinals."""
    days: tuple[int, ...] = ()
    """Days that the text names, as month * 100 + day."""


EMPTY_FINGERPRINT: Final = Fingerprint()
"""Fingerprint of a text without words, and of articles of older versions."""
