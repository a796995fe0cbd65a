"""Layout of the data directory, and the lock that admits one `up` at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broadsheet.failure import CliFailure
from broadsheet.runstate import write_private


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below one data directory."""

    root: Path

    @property
    def logs(self) -> Path:
        """One file per service."""
        return self.root / "logs"

    @property
    def run_file(self) -> Path:
        """State file from which other commands find the stack."""
        return self.root / "run.json"

    @property
    def lock_file(self) -> Path:
        """Lock file, held while an `up` uses this directory."""
        return self.root / "up.lock"

    @property
    def local_key(self) -> Path:
        """The API key created on first start."""
        return self.root / "local-key"

    @property
    def server_password(self) -> Path:
        """Password of the bundled Redis or Valkey."""
        return self.root / "redis-password"

    def webhook_key(self) -> str:
        """Encryption key of webhook secrets, created on first use."""
        path = self.root / "webhook-key"
        if not path.exists():
            write_private(path, secrets.token_hex(32) + "\n")
        return path.read_text(encoding="utf-8").strip()

    @property
    def index_url(self) -> str:
        """URL of the embedded search engine in this directory."""
        return f"embedded:{self.root / 'index'}"

    def make(self) -> None:
        """Create the directories with mode 0700."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CliFailure(f"cannot use the data directory {self.root}: {error.strerror}", code=2) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the directory; the kernel releases the lock at exit. Raises CliFailure with code 2 if locked."""
        handle = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                owner = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
                raise CliFailure(
                    f"another `broadsheet up` (pid {owner}) uses {self.root}; `broadsheet down` stops it", code=2
                ) from error
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(handle)

    def owner(self) -> int | None:
        """The pid of the `up` that holds the lock, or None."""
        try:
            handle = os.open(self.lock_file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            text = os.read(handle, 32).decode(errors="replace").strip()
            return int(text) if text.isdigit() else None
        else:
            return None
        finally:
            os.close(handle)
