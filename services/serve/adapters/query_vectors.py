"""Query vectors from the model trained by the index service. The model is loaded on first use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from shared.observability import log_events
from shared.store.index_jobs.models import Models

if TYPE_CHECKING:
    from shared.search.lsa import LsaModel

log = structlog.get_logger(__name__)

MODEL: Final = "lsa"
FRESH_SECONDS: Final = 30.0
"""Seconds within which a new model is loaded after a rebuild; until then the previous one is used."""


class QueryVectors:
    """Keeps the newest saved model loaded."""

    def __init__(self, models: Models, *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._models = models
        self._fresh_seconds = fresh_seconds
        self._model: LsaModel | None = None
        self._version: str | None = None
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    async def model(self) -> LsaModel | None:
        """The newest model; None if none was trained. Raises StoreUnavailable."""
        clock = asyncio.get_running_loop().time
        async with self._looking:
            if clock() - self._looked >= self._fresh_seconds:
                await self._follow()
                self._looked = clock()
        return self._model

    async def _follow(self) -> None:
        from shared.search.lsa import BadModel, LsaModel

        version = await self._models.version(MODEL)
        if version == self._version:
            return
        data = await self._models.load(MODEL)
        try:
            self._model = None if data is None else await asyncio.to_thread(LsaModel.from_bytes, data)
        except BadModel as error:
            log.warning(log_events.EMBEDDER_UNUSABLE, reason=str(error))
            self._model = None
        self._version = version
