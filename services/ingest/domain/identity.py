"""Article identity and change detection of an input."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

from shared.articles import InputKind, Submission
from shared.ids import article_id
from shared.urls import page_key


def identify(submission: Submission, text: str) -> str:
    """The article id: by source and external id when both are given, else by the page of the URL, else by the text.

    `text` is the input as text, compared with white space normalised.
    """
    if submission.source is not None and submission.external_id is not None:
        return article_id("external", submission.source, submission.external_id)
    if submission.url is not None:
        return article_id("url", page_key(submission.url))
    return article_id("text", hashlib.sha256(normalize_space(text).encode("utf-8", "surrogatepass")).hexdigest())


def normalize_space(text: str) -> str:
    """The text in composed form with every run of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def content_digest(kind: InputKind, data: bytes, submission: Submission) -> str:
    """Hex digest of everything that can change the article. An equal digest means no new revision."""
    # Fields added later are excluded while empty, so that digests of stored articles stay valid.
    later = {"correction"} if submission.correction is None else None
    return _digest([kind.value.encode(), data, submission.model_dump_json(exclude=later).encode()])


def fingerprint(method: str, path: str, params: Sequence[tuple[str, str]], media_type: str, body: bytes) -> str:
    """Hex digest of a request. Reusing an idempotency key with another fingerprint is a conflict."""
    pairs = [part.encode() for pair in sorted(params) for part in pair]
    return _digest([method.encode(), path.encode(), media_type.encode(), body, *pairs])


def _digest(parts: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))  # length prefix: different part lists never collide
        digest.update(part)
    return digest.hexdigest()
