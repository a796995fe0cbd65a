"""Parses feeds in sandboxed child processes."""

from __future__ import annotations

import asyncio
from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from services.ingest.domain.feeds.model import FeedDocument
from shared.errors import Permanent
from shared.sandbox import Limits, Pool

_MODULE: Final = "services.ingest.adapters.feed_child"
_DOCUMENT: Final = TypeAdapter(FeedDocument)
FEED_LIMITS: Final = Limits(seconds=8.0, bytes=256 * 1024 * 1024, documents=500)


class FeedParser(Pool):
    """Pool of `size` feed parser processes, started by the first `read`."""

    def __init__(self, size: int, limits: Limits = FEED_LIMITS) -> None:
        super().__init__(size, limits, module=_MODULE)
        self._starting: asyncio.Task[None] | None = None

    async def read(self, data: bytes, *, url: str = "", content_type: str = "") -> FeedDocument:
        """The feed in these bytes. Raises Permanent with a `feed-` or `sandbox-` rule, or Retryable."""
        if self._starting is None:
            self._starting = asyncio.create_task(self.start())
        await asyncio.shield(self._starting)
        answer = await self.ask(orjson.dumps({"url": url, "content_type": content_type[:200]}), data)
        try:
            return _DOCUMENT.validate_json(answer)
        except ValidationError as error:
            raise Permanent("the parser returned an invalid document", rule="sandbox-crash") from error
