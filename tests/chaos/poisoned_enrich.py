"""The enrich service with a poison cupboard: the real handler, wrapped, for tests only.

CHAOS_POISON names a JSON file {article id: "raise" | "segfault" | "loop"}, read again for each batch.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.enrich import app


class Poisoned(Exception):
    """What a defect in the handler would raise."""


def poisonous(handler: Any) -> Any:
    """The handler, which now falls for poison before it does its work."""
    cupboard = Path(os.environ["CHAOS_POISON"])

    async def handle(deliveries: Sequence[Any]) -> Mapping[str, Exception]:
        poison = contents(cupboard)
        for delivery in deliveries:
            swallow(poison.get(delivery.event.article.article_id))
        return await handler(deliveries)

    return handle


def contents(cupboard: Path) -> dict[str, str]:
    return json.loads(cupboard.read_text()) if cupboard.exists() else {}


def swallow(kind: str | None) -> None:
    if kind == "raise":
        raise Poisoned("a defect")
    if kind == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    while kind == "loop":
        pass


real_make_worker = app.make_worker


def make_worker(service: str, stream: Any, handler: Any, settings: Any, **options: Any) -> Any:
    return real_make_worker(service, stream, poisonous(handler), settings, **options)


if __name__ == "__main__":
    app.make_worker = make_worker
    sys.exit(app.main())
