"""JSON from strangers: what the parser would swallow or choke on is refused before it runs.

orjson refuses NaN, Infinity, lone surrogates, bad UTF-8 and trailing bytes, but takes deep nesting, duplicate keys and
millions of values; those are counted on the bytes first, in one linear pass that stops at the first excess.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from services.ingest.domain.refusals import refuse

MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000
"""Strings, brackets and colons in one document; numbers are bounded by the size alone and cost little."""

_BOM: Final = b"\xef\xbb\xbf"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00")
# A string that does not end is one token as well, so that no input makes the scan start over.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:]', re.DOTALL)
_STEP: Final = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def parse_object(data: bytes) -> dict[str, Any]:
    """The one JSON object in `data`; raises Refused, naming `body`."""
    data = data.removeprefix(_BOM)
    if data[:2] in _WIDE or b"\x00" in data[:4]:
        raise refuse("body", "must be UTF-8")
    pairs = _scan(data)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise refuse("body", _reason(error)) from None
    if not isinstance(value, dict):
        raise refuse("body", "must be a JSON object")
    if pairs != len(value):
        raise refuse("body", "holds the same key twice")
    return value


def _scan(data: bytes) -> int:
    """The number of key-value pairs of the outermost object, if it is one."""
    depth = pairs = 0
    for count, match in enumerate(_TOKEN.finditer(data)):
        token = match[0]
        depth += _STEP.get(token, 0)
        pairs += depth == 1 and token == b":"
        if depth > MAX_DEPTH:
            raise refuse("body", f"is nested deeper than {MAX_DEPTH} levels")
        if count > MAX_NODES:
            raise refuse("body", f"holds more than {MAX_NODES} values")
    return pairs


def _reason(error: orjson.JSONDecodeError) -> str:
    message = str(error)
    if "surrogate" in message or "utf-8" in message.lower():
        return "is not well-formed UTF-8, or holds half a surrogate pair"
    return f"is not well-formed JSON at line {error.lineno}, column {error.colno}"
