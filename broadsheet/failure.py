"""The error of the command line: one message and an exit code."""

from __future__ import annotations


class CliFailure(Exception):
    """Ends the command: `message` goes to stderr as one line, `code` becomes the exit code (1 failed, 2 misuse)."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
