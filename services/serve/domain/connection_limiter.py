"""Open streams counted by address and by key, so that neither can take them all."""

from __future__ import annotations

from collections import Counter
from typing import Final

RESERVED: Final = 0.1
"""The share of all seats that only callers with a key may take."""


class Seats:
    """Counts open streams, in all, by address and by key."""

    def __init__(self, *, per_address: int, per_key: int, total: int) -> None:
        self._per_address = per_address
        self._per_key = per_key
        self._total = total
        self._open_to_all = total - int(total * RESERVED)
        self._taken: Counter[str] = Counter()
        self.open = 0

    def take(self, address: str, key_id: str | None = None) -> bool:
        """Take a seat; False when there is none left for this address, for this key, or at all."""
        limit = self._open_to_all if key_id is None else self._total
        if self.open >= limit or self._taken[f"ip {address}"] >= self._per_address:
            return False
        if key_id is not None and self._taken[f"key {key_id}"] >= self._per_key:
            return False
        self.open += 1
        for name in _names(address, key_id):
            self._taken[name] += 1
        return True

    def leave(self, address: str, key_id: str | None = None) -> None:
        """Give the seat back."""
        self.open -= 1
        for name in _names(address, key_id):
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]


def _names(address: str, key_id: str | None) -> list[str]:
    return [f"ip {address}", *([f"key {key_id}"] if key_id is not None else [])]
