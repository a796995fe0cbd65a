"""`POST /v1/articles/bulk`: NDJSON in both directions, one result per line, then a summary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.ingest.adapters.bodies import reject_declared_length, stream_body
from services.ingest.domain.drafts import read_params
from services.ingest.domain.rejections import shown_name
from services.ingest.handlers import BulkUpload
from services.ingest.routes.examples import BULK_OPERATION, BULK_RESPONSES
from services.ingest.routes.requests import idempotency_key_of, media_type_of
from services.ingest.settings import IngestSettings
from shared.access import require
from shared.observability.metrics import INGEST_REQUESTS
from shared.problems import invalid_field
from shared.store.articles.port import Credential

NDJSON: Final = "application/x-ndjson"

router = APIRouter()


@router.post(
    "/v1/articles/bulk",
    summary="Post many articles",
    operation_id="postArticles",
    tags=["articles"],
    response_class=Response,
    responses=BULK_RESPONSES,
    openapi_extra=BULK_OPERATION,
)
async def post_articles(request: Request, credential: Annotated[Credential, Depends(require("ingest"))]) -> Response:
    """Post one JSON article per line; each line has the fields of `POST /v1/articles`.

    Results stream back during the upload, in line order. `accepted` means the line is on disk.
    An invalid line is rejected and the others continue. With an `Idempotency-Key` the same file can be sent
    again: lines already accepted are `replayed`.
    """
    settings: IngestSettings = request.app.state.settings
    media = media_type_of(request, (NDJSON, "application/ndjson", "application/jsonl"))
    if media.charset not in {None, "utf-8"}:
        raise invalid_field("Content-Type", "NDJSON is always UTF-8")
    if params := read_params(request.scope["query_string"]):
        raise invalid_field(shown_name(params[0][0]), "unknown parameter; each line has its own fields")
    reject_declared_length(request, settings.bulk_bytes)
    upload = BulkUpload(
        credential, idempotency_key_of(request), request.app.state.committer, line_limit=settings.line_bytes
    )
    return _DuplexResponse(request, upload, settings)


class _DuplexResponse(Response):
    """A response that reads the request body while it sends.

    Starlette's StreamingResponse waits for a disconnect message and would consume the upload.
    """

    media_type = NDJSON

    def __init__(self, request: Request, upload: BulkUpload, settings: IngestSettings) -> None:
        super().__init__(None, 200)
        del self.headers["content-length"]
        self._chunks = stream_body(request, limit=settings.bulk_bytes, idle_seconds=settings.body_seconds)
        self._upload = upload
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with asyncio.timeout(self._settings.bulk_seconds), aclosing(self._chunks):
            async for chunk in self._result_lines():
                async with asyncio.timeout(self._settings.body_seconds):  # disconnects a client that never reads
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _result_lines(self) -> AsyncIterator[bytes]:
        try:
            async for lines in self._upload.process(self._chunks):
                yield lines
        finally:
            for status, count in self._upload.counts.items():
                INGEST_REQUESTS.labels("bulk", status).inc(count)
