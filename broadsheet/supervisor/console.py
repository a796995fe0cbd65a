"""Output of `up`: prefixes each line with its service, and writes one log file per service."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final, TextIO

_COLOURS: Final = {"redis": "31", "ingest": "36", "enrich": "33", "index": "35", "serve": "32", "up": "1"}
_WIDTH: Final = 6
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")  # untrusted log lines must not send escape sequences
_ROTATE_AT: Final = 20 * 1024 * 1024


class Console:
    """Writes prefixed lines. If the output pipe is closed, output stops and the stack keeps running."""

    def __init__(self, out: TextIO | None = None, *, colour: bool | None = None) -> None:
        self._out = out or sys.stdout
        self._colour = self._out.isatty() if colour is None else colour
        self._deaf = False

    def line(self, name: str, text: str) -> None:
        """One line of a service, control characters made visible."""
        clean = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
        prefix = f"{name:<{_WIDTH}} |"
        if self._colour:
            prefix = f"\x1b[{_COLOURS.get(name, '0')}m{prefix}\x1b[0m"
        self._write(f"{prefix} {clean}")

    def say(self, text: str) -> None:
        """A supervisor message, without a prefix."""
        self._write(f"\x1b[1m{text}\x1b[0m" if self._colour else text)

    def _write(self, text: str) -> None:
        if self._deaf:
            return
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except (OSError, ValueError):
            self._deaf = True


class LogFile:
    """A service's log file with mode 0600. Rotated once at 20 MB."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()

    def _open(self) -> None:
        self._file = self._path.open("ab")
        self._path.chmod(0o600)
        self._size = self._path.stat().st_size

    def write(self, line: bytes) -> None:
        """Append one line, as the service wrote it."""
        if self._size > _ROTATE_AT:
            self._file.close()
            self._path.replace(self._path.with_suffix(".log.1"))
            self._open()
        self._file.write(line if line.endswith(b"\n") else line + b"\n")
        self._file.flush()
        self._size += len(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
