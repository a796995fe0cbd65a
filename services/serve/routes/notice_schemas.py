"""Responses for withdrawn articles."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel


class Notice(BaseModel):
    """Notice of a withdrawn article: title, reason and time."""

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
