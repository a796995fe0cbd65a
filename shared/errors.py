"""The two kinds of failure. Every error a service raises on purpose derives from one of them.

`Retryable` means the same work may succeed later: the entry stays pending and comes back with back-off.
`Permanent` means it never will: the entry moves to the dead-letter stream at once, with the reason.
"""

from __future__ import annotations


class BroadsheetError(Exception):
    """Base of both kinds."""


class Retryable(BroadsheetError):
    """The same work may succeed later, for example when Redis or the search engine is back.

    `retry_after` is a hint in seconds, or None when the callee gave none.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Permanent(BroadsheetError):
    """The same work will fail again: bad bytes, a violated contract, a refused document.

    `rule` is a short stable code such as `no-body` or `sandbox-cpu`; operators filter dead letters by it.
    """

    def __init__(self, reason: str, *, rule: str = "permanent") -> None:
        super().__init__(reason)
        self.rule = rule


class StoreUnavailable(Retryable):
    """Redis cannot take or give data now: down, LOADING, READONLY, MISCONF or out of memory."""


class CorruptRecord(Permanent):
    """A stored blob does not match its own sha256 or cannot be decoded; it must never be served."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, rule="corrupt-record")


class UnsupportedServer(Permanent):
    """The Redis or Valkey that answered is older than the command floor (Redis 7.0, Valkey 7.2)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, rule="unsupported-server")
