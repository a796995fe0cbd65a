"""Response model of `/v1/stories/{id}`."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from services.serve.routes.schemas import Result


class StoryBody(BaseModel):
    """A story: `results` are its newest articles, `total` how many it has; copies are not counted."""

    status: str = "ok"
    id: str
    title: str
    slug: str
    language: str
    total: int
    first_at: datetime
    last_at: datetime
    lead: Result
    results: tuple[Result, ...]


class StoryResponse(BaseModel):
    """The envelope of `/v1/stories/{id}`."""

    response: StoryBody
