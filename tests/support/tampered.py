"""Meilisearch through a client that changes what is sent and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.search.meilisearch import MeiliClient, MeiliIndex
from shared.search.meilisearch.client import ConnectionBroke
from tests.support.meilisearch import Meilisearch


class Tampered(MeiliClient):
    """The real client; `spoil` may change what is sent, `answer` what comes back, `cut` ends the connection over it."""

    def __init__(self, server: Meilisearch) -> None:
        super().__init__(server.url, server.key)
        self.spoil: Callable[[bytes], bytes] = lambda body: body
        self.answer: Callable[[str, Any], Any] = lambda path, answer: answer
        self.cut: Callable[[bytes], bool] = lambda body: False
        self.sent: list[int] = []

    async def send(self, method: str, path: str, **rest: Any) -> Any:
        if rest.get("kind") == "application/x-ndjson":
            rest["body"] = self.spoil(rest["body"])
            self.sent.append(rest["body"].count(b"\n") + 1)
            if self.cut(rest["body"]):
                raise ConnectionBroke("cut")
        return self.answer(path, await super().send(method, path, **rest))


async def listed(index: MeiliIndex) -> dict[str, int]:
    """Every article of the index and its revision."""
    return dict([pair async for pair in index.documents()])
