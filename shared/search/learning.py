"""Trains the vector model on the archive: hashed TF-IDF, then truncated SVD (latent semantic analysis)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from shared.search.lsa import FEATURES, LsaModel, Signature, weighted
from shared.search.port import VECTOR_LENGTH

LEAST: Final = 200
"""Minimum articles for training; below it related articles are ranked by terms only."""
MAX_SIGNATURES: Final = 50_000
"""Maximum articles for training; more do not improve the model."""
_ITERATIONS: Final = 4
_SEED: Final = 0


def learn(signatures: Iterable[Signature]) -> LsaModel | None:
    """Train a model; None if the archive is too small. Blocks; about 0.2 ms of CPU per article.

    Deterministic: the seed is fixed.
    """
    # Imported here: only a rebuild needs these libraries, which take a second and 100 MB to load.
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer

    rows, starts = [], [0]
    for signature in signatures:
        if counts := weighted(signature):
            rows.append(counts)
            starts.append(starts[-1] + len(counts))
    if len(rows) < LEAST:
        return None
    columns = np.fromiter((number for counts in rows for number in counts), dtype=np.int32, count=starts[-1])
    values = np.fromiter((value for counts in rows for value in counts.values()), dtype=np.float32, count=starts[-1])
    counted = csr_matrix((values, columns, starts), shape=(len(rows), FEATURES))
    used = np.flatnonzero(np.bincount(columns, minlength=FEATURES))
    rarity = TfidfTransformer().fit(counted)
    width = min(VECTOR_LENGTH, len(used) - 1)
    projection = TruncatedSVD(width, n_iter=_ITERATIONS, random_state=_SEED).fit(rarity.transform(counted))
    return LsaModel(
        features=used.astype(np.uint32),
        rarity=rarity.idf_[used].astype(np.float32),
        directions=projection.components_.T[used].astype(np.float16),
    )
