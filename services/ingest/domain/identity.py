"""Which article an input is, and whether it says anything new."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

from shared.articles import InputKind, Submission
from shared.ids import article_id
from shared.urls import page_key


def identify(submission: Submission, text: str) -> str:
    """The article id: by source and external id when both are given, else by the page of the URL, else by the text.

    `text` is the input as text; only its words count, so another line length is the same article.
    """
    if submission.source is not None and submission.external_id is not None:
        return article_id("external", submission.source, submission.external_id)
    if submission.url is not None:
        return article_id("url", page_key(submission.url))
    return article_id("text", hashlib.sha256(bare(text).encode("utf-8", "surrogatepass")).hexdigest())


def bare(text: str) -> str:
    """The text in composed form with every run of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def content_digest(kind: InputKind, data: bytes, submission: Submission) -> str:
    """Hex digest over all that would change the article: the same digest again is no new revision."""
    # A field that came later is left out while it is empty: the digests of what is stored stay true.
    later = {"correction"} if submission.correction is None else None
    return _digest([kind.value.encode(), data, submission.model_dump_json(exclude=later).encode()])


def fingerprint(method: str, path: str, params: Sequence[tuple[str, str]], media_type: str, body: bytes) -> str:
    """Hex digest of a request: the same idempotency key with another fingerprint is a conflict."""
    pairs = [part.encode() for pair in sorted(params) for part in pair]
    return _digest([method.encode(), path.encode(), media_type.encode(), body, *pairs])


def _digest(parts: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))  # so that no two lists of parts read the same
        digest.update(part)
    return digest.hexdigest()
