"""Errors of the search port."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import Permanent, Retryable


class SearchUnavailable(Retryable):
    """The engine cannot be reached, or answered that it is overloaded; see `retry_after`."""


class QueueFull(Retryable):
    """Back-pressure: the engine accepts no more writes for now."""


class IndexMissing(Retryable):
    """There is no index: `ensure` or a reindex has to create one first."""


class InvalidQuery(Permanent):
    """The query cannot be answered by any engine; `field` names the parameter at fault."""

    def __init__(self, reason: str, *, field: str = "q") -> None:
        super().__init__(reason, rule="invalid-query")
        self.field = field


class Rejected(Permanent):
    """The engine will never accept these documents."""

    def __init__(self, reason: str, ids: Sequence[str]) -> None:
        super().__init__(reason, rule="index-rejected")
        self.ids = tuple(ids)
