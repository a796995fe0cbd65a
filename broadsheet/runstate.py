"""`data/run.json`: what a running `broadsheet up` tells the other commands. It holds secrets, so it is 0600."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self


@dataclass(slots=True)
class RunState:
    """Where the stack listens and who runs it. Ports and pids are keyed by service name (`redis` included)."""

    pid: int
    started_at: str
    ready: bool = False
    redis_url: str = ""
    ingest_url: str = ""
    serve_url: str = ""
    index_url: str = ""
    key: str = ""
    server: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Replace the file atomically; only the owner can read it."""
        write_private(path, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The state, or None when there is none or it was written by another version."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def write_private(path: Path, text: str) -> None:
    """Write a file that was never readable by others, not even for a moment, and is never half there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
