"""Limits open streams per address, per key and in total."""

from __future__ import annotations

from collections import Counter
from typing import Final

RESERVED: Final = 0.1
"""Fraction of all connections reserved for callers with a key."""


class ConnectionLimiter:
    """Counts open streams and refuses more than the limits. Not thread-safe: one event loop only."""

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
        if self.open >= limit or self._open_by[f"ip {address}"] >= self._per_address:
            return False
        if key_id is not None and self._open_by[f"key {key_id}"] >= self._per_key:
            return False
        self.open += 1
        for name in _names(address, key_id):
            self._open_by[name] += 1
        return True

    def release(self, address: str, key_id: str | None = None) -> None:
        """Release one reserved connection."""
        self.open -= 1
        for name in _names(address, key_id):
            self._open_by[name] -= 1
            if not self._open_by[name]:
                del self._open_by[name]


def _names(address: str, key_id: str | None) -> list[str]:
    return [f"ip {address}", *([f"key {key_id}"] if key_id is not None else [])]
