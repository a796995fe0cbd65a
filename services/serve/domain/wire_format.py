"""Encodes one event for each transport, once for all clients.

`WireFormat` is how the bytes are framed on the socket: SSE in an HTTP/1.1 chunked body, SSE in a body that ends with
the connection (HTTP/1.0), or WebSocket text frames.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from services.serve.domain import sse
from shared.events import StreamEvent
from shared.query import Facts

_SHORT: Final = 125
_MEDIUM: Final = 0xFFFF
_TEXT_FRAME: Final = 0x81
"""FIN and opcode 1 (RFC 6455 section 5.2); a server's frames are not masked."""


class WireFormat(Enum):
    """Framing of a stream on its socket."""

    CHUNKED = auto()
    PLAIN = auto()
    SOCKET = auto()


def chunk(body: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def text_frame(payload: bytes) -> bytes:
    """One WebSocket text frame."""
    size = len(payload)
    if size <= _SHORT:
        head = bytes((_TEXT_FRAME, size))
    elif size <= _MEDIUM:
        head = bytes((_TEXT_FRAME, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_TEXT_FRAME, 127)) + size.to_bytes(8, "big")
    return head + payload


def frame_body(frame: bytes, wire_format: WireFormat) -> bytes:
    """SSE bytes as they go out in this form of HTTP body."""
    return chunk(frame) if wire_format is WireFormat.CHUNKED else frame


@dataclass(slots=True)
class EncodedEvent:
    """One event ready to be sent: its cursor, also in sortable form, the event for filters, its CloudEvent as JSON."""

    cursor: str
    position: tuple[int, int]
    event: StreamEvent
    text: str
    facts: Facts | None = None
    """Facts of the whole article for query matching; None until a subscriber has a query."""
    _sse: bytes = b""
    _frame: bytes = b""

    @property
    def sse(self) -> bytes:
        """The event as an SSE frame."""
        if not self._sse:
            self._sse = sse.frame(data=self.text, cursor=self.cursor)
        return self._sse

    @property
    def socket_frame(self) -> bytes:
        """The event as a WebSocket text frame."""
        if not self._frame:
            self._frame = text_frame(self.text.encode("utf-8", "replace"))
        return self._frame


def join_events(events: Iterable[EncodedEvent], wire_format: WireFormat) -> bytes:
    """Several events in one write."""
    if wire_format is WireFormat.SOCKET:
        return b"".join(event.socket_frame for event in events)
    body = b"".join(event.sse for event in events)
    return frame_body(body, wire_format) if body else b""
