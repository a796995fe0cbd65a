"""The two kinds of failure. Every error that a service raises on purpose derives from one of them.

`Retryable`: the same work may succeed later; the entry stays pending and is redelivered after a back-off.
`Permanent`: the same work will fail again; the entry is dead-lettered at once, with rule and reason.
"""

from __future__ import annotations


class BroadsheetError(Exception):
    """Base of both kinds."""


class Retryable(BroadsheetError):
    """The same work may succeed later, for example when Redis or the search engine is available again.

    `retry_after`: seconds requested by the callee; None if not given.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Permanent(BroadsheetError):
    """The same work will fail again: invalid bytes, a violated contract, a rejected document.

    `rule` is a short stable code such as `no-body` or `sandbox-time`; operators filter dead letters by it.
    """

    def __init__(self, reason: str, *, rule: str = "permanent") -> None:
        super().__init__(reason)
        self.rule = rule


class StoreUnavailable(Retryable):
    """Redis cannot read or write now: down, LOADING, READONLY, MISCONF or out of memory."""


class CorruptRecord(Permanent):
    """A stored blob does not match its sha256 or cannot be decoded. It must not be served."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, rule="corrupt-record")


class UnsupportedServer(Permanent):
    """The server is older than the minimum version (Redis 7.0, Valkey 7.2)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, rule="unsupported-server")
