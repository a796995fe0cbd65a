"""Strict JSON parsing of untrusted input.

orjson rejects NaN, Infinity, lone surrogates, invalid UTF-8 and trailing bytes, but accepts deep nesting, duplicate
keys and millions of values. Those are counted on the bytes first, in one linear pass that stops at the first excess.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from services.ingest.domain.rejections import reject

MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000
"""Limit of strings, brackets and colons in one document. Numbers are bounded by the size limit."""

_BOM: Final = b"\xef\xbb\xbf"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00")
# An unterminated string is one token too, so that no input makes the scan quadratic.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:]', re.DOTALL)
_STEP: Final = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def parse_object(data: bytes) -> dict[str, Any]:
    """The one JSON object in `data`; raises InputRejected, naming `body`."""
    data = data.removeprefix(_BOM)
    if data[:2] in _WIDE or b"\x00" in data[:4]:
        raise reject("body", "must be UTF-8")
    pairs = _scan(data)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise reject("body", _reason(error)) from None
    if not isinstance(value, dict):
        raise reject("body", "must be a JSON object")
    if pairs != len(value):
        raise reject("body", "holds a duplicate key")
    return value


def _scan(data: bytes) -> int:
    """The number of key-value pairs of the outermost object, if it is one."""
    depth = pairs = 0
    for count, match in enumerate(_TOKEN.finditer(data)):
        token = match[0]
        depth += _STEP.get(token, 0)
        pairs += depth == 1 and token == b":"
        if depth > MAX_DEPTH:
            raise reject("body", f"is nested deeper than {MAX_DEPTH} levels")
        if count > MAX_NODES:
            raise reject("body", f"holds more than {MAX_NODES} values")
    return pairs


def _reason(error: orjson.JSONDecodeError) -> str:
    message = str(error)
    if "surrogate" in message or "utf-8" in message.lower():
        return "is not well-formed UTF-8, or holds a lone surrogate"
    return f"is not well-formed JSON at line {error.lineno}, column {error.colno}"
