"""Content negotiation: selects the transport by `Accept` (RFC 9110 section 12.5.1)."""

from __future__ import annotations

from typing import Final

SSE: Final = "text/event-stream"
NDJSON: Final = "application/x-ndjson"
BATCH: Final = "application/cloudevents-batch+json"
_OFFERED: Final = (SSE, NDJSON, BATCH)
_MAX_RANGES: Final = 20


def preferred_media_type(accept: str | None) -> str | None:
    """The offered media type with the highest preference; server-sent events on a tie, None if none is acceptable."""
    if accept is None or not accept.strip():
        return SSE
    ranges = [_range(part) for part in accept.split(",", _MAX_RANGES)[:_MAX_RANGES]]
    best, quality = None, 0.0
    for offered in _OFFERED:
        likes = [(len(name.rstrip("*")), q) for name, q in ranges if _covers(name, offered)]
        q = max(likes)[1] if likes else 0.0  # the most specific range decides
        if q > quality:
            best, quality = offered, q
    return best


def _covers(accepted: str, offered: str) -> bool:
    return accepted in {offered, "*/*", f"{offered.partition('/')[0]}/*"}


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    try:
        q = float(quality)
    except ValueError:
        q = 0.0
    return name, q if 0 <= q <= 1 else 0.0
