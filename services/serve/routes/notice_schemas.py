"""What the API answers of a withdrawn article."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel


class Notice(BaseModel):
    """What stands in the place of a withdrawn article: its title, why it was taken back, and when."""

    id: str
    rev: int
    title: str
    reason: str
    at: datetime


class NoticeBody(BaseModel):
    """A withdrawn article."""

    status: str = "withdrawn"
    notice: Notice


class NoticeResponse(BaseModel):
    """The envelope of `/v1/articles/{id}` of a withdrawn article."""

    response: NoticeBody
