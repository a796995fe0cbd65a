"""A page on its way to a parser child: the head of its frame. The data of the frame are the page's bytes."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from services.enrich.domain.reading import RawPage
from shared.articles import InputKind, Submission


class PageHead(BaseModel):
    """A page without its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    article_id: str
    rev: int
    kind: InputKind
    media_type: str
    submission: Submission
    received_at: str
    first_received_at: str

    @classmethod
    def of(cls, page: RawPage) -> PageHead:
        """The head of a page."""
        return cls(
            article_id=page.article_id,
            rev=page.rev,
            kind=page.kind,
            media_type=page.media_type,
            submission=page.submission,
            received_at=page.received_at.isoformat(),
            first_received_at=page.first_received_at.isoformat(),
        )

    def page(self, data: bytes) -> RawPage:
        """The page of this head."""
        return RawPage(
            article_id=self.article_id,
            rev=self.rev,
            kind=self.kind,
            media_type=self.media_type,
            data=data,
            submission=self.submission,
            received_at=datetime.fromisoformat(self.received_at),
            first_received_at=datetime.fromisoformat(self.first_received_at),
        )
