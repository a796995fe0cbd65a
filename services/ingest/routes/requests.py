"""Request parsing shared by the ingest endpoints: media type, idempotency key, and problem+json for InputRejected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.ingest.domain.bodies import MediaType, read_media_type
from services.ingest.domain.rejections import InputRejected
from shared.problems import FieldError, Problem, ProblemError, invalid_field

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_STATUS: Final = {"unsupported-media-type": 415, "wrong-source": 403, "reserved-source": 403}


def media_type_of(request: Request, allowed: Sequence[str]) -> MediaType:
    """The media type of the body; other types and any Content-Encoding are a 415."""
    encodings = request.headers.getlist("content-encoding")
    if any(encoding.strip().lower() not in {"", "identity"} for encoding in encodings):
        raise ProblemError(
            415,
            "compressed bodies are not accepted; send it uncompressed",
            rule="unsupported-media-type",
            errors=[FieldError("Content-Encoding", "must be identity")],
            headers={"Accept-Encoding": "identity"},
        )
    types = request.headers.getlist("content-type")
    if len(types) > 1:
        raise invalid_field("Content-Type", "is given twice")
    return read_media_type(types[0] if types else "", allowed)


def idempotency_key_of(request: Request) -> str | None:
    """The producer's idempotency key, or None; 400 unless it is up to 255 visible ASCII characters."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise invalid_field("Idempotency-Key", "must be one value of 1 to 255 visible ASCII characters")
    return keys[0]


def install_rejections(app: FastAPI) -> None:
    """Turn `InputRejected` into problem+json that names the fields."""
    app.add_exception_handler(InputRejected, _on_rejected)


def _on_rejected(request: Request, error: Exception) -> Response:
    if not isinstance(error, InputRejected):
        raise error
    errors = tuple(FieldError(fault.field, fault.detail) for fault in error.faults)
    return Problem(_STATUS.get(error.rule, 400), str(error), error.rule, errors).response(request.url.path)
