"""The protocol between parent and child: a frame is a u32 head length, a u32 data length, head, data.

Heads are JSON; nothing is unpickled. To the pool a result is bytes; the caller validates it like any untrusted input,
because the child has parsed hostile bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import orjson

from shared.errors import Permanent, Retryable

LENGTHS: Final = struct.Struct(">II")
MAX_FRAME: Final = 512 * 1024 * 1024
OUT_OF_MEMORY: Final = 77
"""Exit code of a child that reached its memory limit."""
MAX_ORDER: Final = 4096
"""Bytes of one command to the template."""
TIME: Final = "sandbox-time"
"""The rule of a document that used up its CPU time."""


class WallTimeExceeded(Retryable):
    """The parser reached its wall time without using its CPU time: the machine was busy, the document may be good."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one document: wall `seconds`, `cpu_seconds` (None: the same), `bytes` beyond an idle parser.

    A document that spends its CPU time or memory is rejected. One that only reaches its wall time is retried.
    """

    seconds: float = 10.0
    cpu_seconds: float | None = None
    """May be far below `seconds`: a busy machine delays every document but does not make it use more CPU."""
    bytes: int = 1024 * 1024 * 1024
    documents: int = 2000
    """Recycle a parser process after this many documents."""


@dataclass(frozen=True, slots=True)
class SlowLane:
    """The slow lane: a document that exceeds these limits is restarted in one of `children` separate parsers.

    A document that loops then delays only other slow documents.
    """

    children: int
    after_cpu_seconds: float
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A child's reply: a result, or the rule and reason of a Permanent."""

    said: str
    data: bytes = b""
    rule: str = ""
    reason: str = ""

    def frame(self) -> bytes:
        """The bytes of this reply."""
        head = {"said": self.said, "rule": self.rule, "reason": self.reason}
        return frame(orjson.dumps(head), self.data)

    @classmethod
    def read(cls, head: bytes, data: bytes) -> Reply:
        """The reply in a frame; an invalid one is a Permanent of the document. Raises JSONDecodeError."""
        members: Any = orjson.loads(head)
        if not isinstance(members, dict) or members.get("said") not in {"result", "permanent"}:
            return cls("permanent", rule="sandbox-crash", reason="the parser returned an invalid reply")
        return cls(members["said"], data, str(members.get("rule", "")), str(members.get("reason", "")))

    def result(self) -> bytes:
        """The result; raises the child's Permanent."""
        if self.said != "result":
            raise Permanent(self.reason, rule=self.rule or "sandbox-crash")
        return self.data


def frame(head: bytes, data: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return LENGTHS.pack(len(head), len(data)) + head + data
