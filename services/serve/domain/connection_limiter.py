"""Limits open streams per key, per address of callers without a key, and in total."""

from __future__ import annotations

from collections import Counter
from typing import Final

RESERVED: Final = 0.1
"""Fraction of all connections reserved for callers with a key."""


class ConnectionLimiter:
    """Counts open streams and refuses more than the limits. Not thread-safe: one event loop only.

    A caller with a key counts for the key alone: the readers of one site share the address of its servers.
    """

    def __init__(self, *, per_address: int, per_key: int, total: int) -> None:
        self._per_address = per_address
        self._per_key = per_key
        self._total = total
        self._anonymous_total = total - int(total * RESERVED)
        self._open_by: Counter[str] = Counter()
        self.open = 0

    def acquire(self, address: str, key_id: str | None = None) -> bool:
        """Reserve one connection; False when the limit of the address, of the key or of the process is reached."""
        limit = self._anonymous_total if key_id is None else self._total
        own_limit = self._per_address if key_id is None else self._per_key
        name = _name(address, key_id)
        if self.open >= limit or self._open_by[name] >= own_limit:
            return False
        self.open += 1
        self._open_by[name] += 1
        return True

    def release(self, address: str, key_id: str | None = None) -> None:
        """Release one reserved connection."""
        self.open -= 1
        name = _name(address, key_id)
        self._open_by[name] -= 1
        if not self._open_by[name]:
            del self._open_by[name]


def _name(address: str, key_id: str | None) -> str:
    return f"ip {address}" if key_id is None else f"key {key_id}"
