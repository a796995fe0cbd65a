"""`data/run.json`: state of a running `broadsheet up` for other commands. Contains secrets; mode 0600."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self


@dataclass(slots=True)
class RunState:
    """Addresses and pids of the stack. Ports and pids are keyed by service name, including `redis`."""

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
        """Replace the file atomically with mode 0600."""
        write_private(path, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The state, or None if the file is missing or written by another version."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def write_private(path: Path, text: str) -> None:
    """Write a file atomically with mode 0600 from the start."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
