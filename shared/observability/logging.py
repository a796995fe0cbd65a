"""One event, one line: JSON for machines or text for people, on stderr, safe against hostile values."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, Literal, Protocol

import structlog

_LONGEST: Final = 512
_DEEPEST: Final = 4
_SECRET_NAMES: Final = ("authorization", "api_key", "apikey", "password", "secret", "token")
_KEY_MARK: Final = "bsk_"


class LogSettings(Protocol):
    """The two settings that matter here."""

    @property
    def log_level(self) -> Literal["DEBUG", "INFO", "WARNING", "ERROR"]: ...

    @property
    def log_format(self) -> Literal["json", "text"]: ...


def configure_logging(settings: LogSettings, *, service: str = "") -> None:
    """Send structlog and the standard library's logging to stderr; `service` is put into every line."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _name(service),
        safe_values,
    ]
    render = _as_json if settings.log_format == "json" else _as_text
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render], foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))  # libraries speak only when something is wrong


def safe_values(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide secrets, escape control characters and cut long values; a line can never be faked from inside a value."""
    for name, value in event.items():
        hidden = any(part in name.lower() for part in _SECRET_NAMES)
        limit = _LONGEST * 16 if name == "exception" else _LONGEST
        event[name] = "[hidden]" if hidden else _safe(value, limit, _DEEPEST)
    return event


def escape(text: str, limit: int = _LONGEST) -> str:
    """Printable ASCII and letters as they are, everything that could move a cursor or end a line as `\\uXXXX`."""
    if _KEY_MARK in text:
        text = text.partition(_KEY_MARK)[0] + "[hidden key]"
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)


def _safe(value: Any, limit: int, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth and isinstance(value, Mapping):
        return {escape(str(key)): _safe(item, limit, depth - 1) for key, item in list(value.items())[:50]}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_safe(item, limit, depth - 1) for item in list(value)[:50]]
    return escape(str(value), limit)


def _name(service: str) -> Any:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if service:
            event.setdefault("service", service)
        return event

    return add


def _as_json(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, default=str)


def _as_text(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    head = f"{event.pop('timestamp', '')} {str(event.pop('level', '')).upper():<8}{event.pop('event', '')}"
    pairs = " ".join(f"{name}={value}" for name, value in event.items())
    return f"{head} {pairs}".rstrip()
