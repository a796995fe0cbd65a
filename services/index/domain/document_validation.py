"""Rejects documents that would fail a whole batch, before they are sent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from services.index.domain.document import BODY_CHARACTERS, FACET_VALUE_BYTES

INVALID: Final = "index-invalid"
"""Dead-letter rule of a document that is rejected before it is sent."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,511}")


class Document(Protocol):
    """The fields of an index document that are validated."""

    @property
    def id(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def authors(self) -> Sequence[str]: ...
    @property
    def entities(self) -> Sequence[str]: ...
    @property
    def section(self) -> str | None: ...
    @property
    def source(self) -> str | None: ...
    @property
    def language(self) -> str: ...
    @property
    def vector(self) -> Sequence[float] | None: ...


def validation_error(doc: Document, *, vector_length: int) -> str | None:
    """The first error of the document, naming the field; None if it is valid."""
    return next(_validation_errors(doc, vector_length), None)


def _validation_errors(doc: Document, vector_length: int) -> Iterator[str]:
    if not _ID.fullmatch(doc.id):
        yield f"id: {doc.id[:40]!r} is no primary key: 1 to 511 letters, digits, `_` or `-`"
    if len(doc.body) > BODY_CHARACTERS:
        yield f"body: {len(doc.body)} characters, more than {BODY_CHARACTERS}"
    for name in ("tags", "authors", "entities"):
        for value in getattr(doc, name):
            yield from _facet(name, value)
    for name in ("section", "source", "language"):
        yield from _facet(name, getattr(doc, name) or "")
    if doc.vector is not None:
        yield from _vector(doc.vector, vector_length)


def _facet(name: str, value: str) -> Iterator[str]:
    size = len(value.encode("utf-8", "replace"))
    if size > FACET_VALUE_BYTES:
        yield f"{name}: a value of {size} bytes, more than {FACET_VALUE_BYTES}"


def _vector(vector: Sequence[float], length: int) -> Iterator[str]:
    if len(vector) != length:
        yield f"vector: {len(vector)} numbers instead of {length}"
    elif not all(math.isfinite(number) for number in vector):
        yield "vector: a number in it is not finite"
