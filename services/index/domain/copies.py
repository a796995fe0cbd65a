"""Near-copy detection: the share of word triples of the shorter text that both have.

A common title is not sufficient: it has three triples among some hundred.
"""

from __future__ import annotations

from typing import Final

from services.index.domain.similarity import Profile
from shared.articles import Duplicate
from shared.claims import Claim

COPY: Final = 0.65
"""Minimum share of triples of a copy. Real copies have at least 0.84; two reports of one event at most 0.41."""
EXCERPT_TRIPLES: Final = 70
"""Texts with fewer triples may be the teaser of a longer one, ..."""
EXCERPT_SHARE: Final = 0.66
"""... if their length relative to it is at most this."""
_LEAST: Final = 8
"""Texts with fewer triples are too short for this comparison."""


def containment(left: Profile, right: Profile) -> float:
    """The share of the shorter one's word triples that the other has, in [0, 1], estimated from the two samples.

    Both samples are complete up to the lower of their largest hashes, so only hashes below it are counted.
    """
    below = min(_reach(left), _reach(right))
    a = {value for value in left.sample if value <= below}
    b = {value for value in right.sample if value <= below}
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def copy_of(article: Profile, earlier: Profile) -> Duplicate | None:
    """Relation of `article` to the `earlier` one: a copy, an excerpt, or None.

    None also if the earlier one is the excerpt: a full text is not a copy of its own teaser.
    """
    own, other = article.fingerprint.shingle_count, earlier.fingerprint.shingle_count
    if min(own, other) < _LEAST and own != other:
        return None
    score = containment(article, earlier)
    if score < COPY or is_excerpt(earlier, article):
        return None
    return Duplicate(article_id=earlier.id, score=round(score, 4), excerpt=is_excerpt(article, earlier))


def is_excerpt(article: Profile, whole: Profile) -> bool:
    """Whether it is so short, absolutely and relative to the other, that it may be a teaser of it."""
    own, other = article.fingerprint.shingle_count, whole.fingerprint.shingle_count
    return own < EXCERPT_TRIPLES and own <= EXCERPT_SHARE * other


def share_held(article: Profile, claim: Claim) -> float:
    """The share of the article's word triples that the claimed text holds, in [0, 1], estimated from both samples."""
    if not article.sample:
        return 1.0 if not claim.hashes else 0.0
    claimed_reach = claim.hashes[-1] if claim.hashes and claim.count > len(claim.hashes) else 2**32
    below = min(_reach(article), claimed_reach)
    own = {value for value in article.sample if value <= below}
    return len(own.intersection(claim.hashes)) / len(own) if own else 0.0


def _reach(profile: Profile) -> int:
    """The largest hash up to which the sample is complete; unlimited if the sample has all triples of the text."""
    sample = profile.sample
    if not sample:
        return -1
    return sample[-1] if profile.fingerprint.shingle_count > len(sample) else 2**32
