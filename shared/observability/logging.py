"""Structured logging to stderr: one event per line, as JSON or text. Values cannot forge lines or leak secrets."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

import orjson
import structlog

_MAX_CHARACTERS: Final = 512
_MAX_EXCEPTION_CHARACTERS: Final = 16 * _MAX_CHARACTERS
_MAX_DEPTH: Final = 4
_SECRET_NAMES: Final = ("authorization", "api_key", "apikey", "password", "secret", "token")
_API_KEY_PREFIX: Final = "bsk_"


class LogSettings(Protocol):
    """The settings that `configure_logging` reads."""

    @property
    def log_level(self) -> Literal["DEBUG", "INFO", "WARNING", "ERROR"]: ...

    @property
    def log_format(self) -> Literal["json", "text"]: ...


def configure_logging(settings: LogSettings, *, service: str = "") -> None:
    """Send structlog and the standard library's logging to stderr; every line carries `service`."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _add_service(service),
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
    root.setLevel(max(level, logging.WARNING))  # of libraries, only warnings and errors


def safe_values(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide secrets, escape control characters and truncate long values."""
    for name, value in event.items():
        if _is_secret(name):
            event[name] = "[hidden]"
        elif not (value is None or isinstance(value, bool | int | float)):
            limit = _MAX_EXCEPTION_CHARACTERS if name == "exception" else _MAX_CHARACTERS
            event[name] = _safe(value, limit, _MAX_DEPTH)
    return event


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return any(part in lowered for part in _SECRET_NAMES)


def escape(text: str, limit: int = _MAX_CHARACTERS) -> str:
    """Truncated to `limit` characters, with every character that could move a cursor or end a line as `\\uXXXX`."""
    if _API_KEY_PREFIX in text:
        text = text.partition(_API_KEY_PREFIX)[0] + "[hidden key]"
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)


def _safe(value: Any, limit: int, depth: int) -> Any:
    if isinstance(value, str):
        return escape(value, limit)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth and isinstance(value, Mapping):
        return {escape(str(key)): _safe(item, limit, depth - 1) for key, item in list(value.items())[:50]}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_safe(item, limit, depth - 1) for item in list(value)[:50]]
    return escape(str(value), limit)


def _add_service(service: str) -> Any:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if service:
            event.setdefault("service", service)
        return event

    return add


def _as_json(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    try:
        return orjson.dumps(event, default=str).decode()
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(event, ensure_ascii=False, default=str)


def _as_text(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    head = f"{event.pop('timestamp', '')} {str(event.pop('level', '')).upper():<8}{event.pop('event', '')}"
    pairs = " ".join(f"{name}={value}" for name, value in event.items())
    return f"{head} {pairs}".rstrip()
