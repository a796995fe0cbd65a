"""What parent and parser child say to each other: a frame is a u32 head length, a u32 data length, head, data.

Heads are JSON, nothing is ever unpickled. Answers are validated like any input: the child has parsed hostile bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from services.enrich.domain.pipeline import Outcome
from services.enrich.domain.reading import RawPage
from shared.articles import InputKind, Submission
from shared.errors import Permanent

LENGTHS: Final = struct.Struct(">II")
MAX_FRAME: Final = 512 * 1024 * 1024
OUT_OF_MEMORY: Final = 77
"""Exit code of a child that reached its memory limit."""


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


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take. `seconds` holds for wall and CPU time, `bytes` beyond an idle parser."""

    seconds: float = 10.0
    bytes: int = 1024 * 1024 * 1024
    documents: int = 2000
    """Documents after which a parser is replaced."""


class Answer(BaseModel):
    """An outcome, or the rule and reason of a Permanent, or the sign that the child is ready."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    said: Literal["ready", "outcome", "permanent"]
    outcome: Outcome | None = None
    rule: str = ""
    reason: str = ""

    def result(self) -> Outcome:
        """The outcome; raises the Permanent that the child met."""
        if self.outcome is None:
            raise Permanent(self.reason, rule=self.rule or "sandbox-crash")
        return self.outcome


def frame(head: bytes, data: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return LENGTHS.pack(len(head), len(data)) + head + data


def page_frame(page: RawPage) -> bytes:
    """A page as a frame."""
    head = PageHead(
        article_id=page.article_id,
        rev=page.rev,
        kind=page.kind,
        media_type=page.media_type,
        submission=page.submission,
        received_at=page.received_at.isoformat(),
        first_received_at=page.first_received_at.isoformat(),
    )
    return frame(head.model_dump_json().encode(), page.data)
