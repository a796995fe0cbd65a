"""Control frames of a stream, for each transport: start position, gaps, current position.

Over SSE these are named events and id-only frames; over a WebSocket they are CloudEvents.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from services.serve.domain import sse
from services.serve.domain.wire_format import WireFormat, frame_body, text_frame

RETRY_MS: Final = 3_000
_HEARTBEAT: Final = sse.comment("hb")


@dataclass(frozen=True, slots=True)
class ControlFrames:
    """Control frames for one wire format; `source` is the absolute URI of this publication."""

    wire_format: WireFormat
    source: str

    def hello(self, cursor: str, head: str) -> bytes:
        """The first frame: the cursor the stream starts after, and the head of the log."""
        data = {"from": cursor, "head": head}
        if self.wire_format is WireFormat.SOCKET:
            return self._message("stream.hello", cursor, data)
        return sse.frame(data=json.dumps(data), event="hello", cursor=cursor, retry_ms=RETRY_MS)

    def gap(self, requested: str, resumed_from: str, reason: str, *, cursor: str) -> bytes:
        """The requested position is not in the log: `reason` is unknown, future or trimmed."""
        data = {"requested": requested, "resumed_from": resumed_from, "reason": reason}
        if self.wire_format is WireFormat.SOCKET:
            return self._message("stream.gap", cursor, data)
        return sse.frame(data=json.dumps(data), event="gap")

    def heartbeat(self, cursor: str, *, moved: bool) -> bytes:
        """A heartbeat; with the cursor when events were filtered out since the last position sent."""
        if self.wire_format is WireFormat.SOCKET:  # protocol pings are the heartbeat there
            return self._message("stream.position", cursor, {"position": cursor}) if moved else b""
        return frame_body(_HEARTBEAT + sse.frame(cursor=cursor) if moved else _HEARTBEAT, self.wire_format)

    def opening(self, *parts: bytes) -> bytes:
        """The first write, framed as one."""
        return frame_body(b"".join(parts), self.wire_format)

    def _message(self, kind: str, cursor: str, data: dict[str, Any]) -> bytes:
        return text_frame(json.dumps(control_event(kind, cursor, data, source=self.source)).encode())


def control_event(kind: str, cursor: str, data: dict[str, Any], *, source: str) -> dict[str, Any]:
    """A control CloudEvent. Its id is unique within the connection only."""
    return {
        "specversion": "1.0",
        "id": f"{kind}:{cursor}",
        "source": source,
        "type": f"org.broadsheet.{kind}.v1",
        "datacontenttype": "application/json",
        "dataschema": f"{source}/v1/schemas/{kind}.v1",
        "sequence": cursor,
        "data": data,
    }
