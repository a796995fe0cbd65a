"""Whether one article is a near-copy of another: the share of the shorter one's word triples that both have.

Never by the title alone: a title is three triples among some hundred.
"""

from __future__ import annotations

from typing import Final

from services.index.domain.similarity import Profile
from shared.articles import Duplicate
from shared.claims import Claim

COPY: Final = 0.65
"""Share of triples from which it is a copy. Real copies have 0.84 and more; two reports of one event at most 0.41."""
EXCERPT_TRIPLES: Final = 70
"""Texts with fewer triples may be the teaser of a longer one ..."""
EXCERPT_SHARE: Final = 0.66
"""... when they are at most this long against it."""
_LEAST: Final = 8
"""Texts with fewer triples are too short to compare by them."""


def containment(left: Profile, right: Profile) -> float:
    """The share of the shorter one's word triples that the other has, in [0, 1], estimated from the two samples.

    Both samples hold all hashes up to the lower of their largest ones, so counting below it compares like with like.
    """
    below = min(_reach(left), _reach(right))
    a = {value for value in left.sample if value <= below}
    b = {value for value in right.sample if value <= below}
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def copy_of(article: Profile, earlier: Profile) -> Duplicate | None:
    """What `article` is of the `earlier` one: a copy, an excerpt of it, or None.

    None also where the earlier one is the excerpt: a full text is no copy of its own teaser.
    """
    own, other = article.fingerprint.shingle_count, earlier.fingerprint.shingle_count
    if min(own, other) < _LEAST and own != other:
        return None
    score = containment(article, earlier)
    if score < COPY or is_excerpt(earlier, article):
        return None
    return Duplicate(article_id=earlier.id, score=round(score, 4), excerpt=is_excerpt(article, earlier))


def is_excerpt(article: Profile, whole: Profile) -> bool:
    """Whether it is so short, in itself and against the other, that it may be no more than a teaser of it."""
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
    """Up to where the sample holds every hash; all the way when the text has no more triples than the sample."""
    sample = profile.sample
    if not sample:
        return -1
    return sample[-1] if profile.fingerprint.shingle_count > len(sample) else 2**32
