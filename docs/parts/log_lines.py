"""The names and keys of log lines, from their registry."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

from docs.parts.tables import table
from shared.observability import log_events


def log_event_rows() -> str:
    """Every event name with the text below its constant."""
    statements = ast.parse(Path(log_events.__file__).read_text("utf-8")).body
    rows = []
    for one, text in itertools.pairwise(statements):
        named = isinstance(one, ast.AnnAssign) and isinstance(one.value, ast.Constant)
        if named and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            rows.append([f"`{one.value.value}`", str(text.value.value)])  # type: ignore[union-attr]
    return table(["Event", "Meaning"], rows)


def log_key_rows() -> str:
    """Every key of a log line with its meaning."""
    return table(["Key", "Meaning"], [[f"`{key}`", text] for key, text in log_events.KEYS.items()])
