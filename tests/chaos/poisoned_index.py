"""The index service with documents that must not be indexed; for tests only.

Articles whose title begins with FAULTY get what a broken embedder would give them. Those with SPOILT are sent in a form
that passes every check of ours, and fails in the server once its task runs.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import orjson

from services.index import app
from services.index.adapters.documents import index_doc
from shared.articles import Article
from shared.search.meilisearch import writer
from shared.search.meilisearch.documents import Change
from shared.search.port import VECTOR_LENGTH, IndexDoc

FAULTY = "Faulty embedder"
SPOILT = "Spoilt on the way"

change_of = writer.change_of


def faulty(article: Article) -> IndexDoc:
    doc = index_doc(article)
    if not article.title.startswith(FAULTY):
        return doc
    even = int(article.title.rpartition(" ")[2]) % 2 == 0
    return replace(doc, vector=(math.nan,) * VECTOR_LENGTH if even else (1.0, 2.0))


def spoiling(doc: IndexDoc) -> Change:
    change = change_of(doc)
    if not doc.title.startswith(SPOILT):
        return change
    # By the article, not by the attempt: the same document fails in the same way each time.
    way = [{"id": "no primary key"}, {"_vectors": 5}, {"id": {"nested": 1}}][int(doc.title.rpartition(" ")[2]) % 3]
    return replace(change, line=orjson.dumps(orjson.loads(change.line) | way))


if __name__ == "__main__":
    app.with_vectors = lambda _: faulty
    writer.change_of = spoiling  # type: ignore[assignment]
    sys.exit(app.main())
