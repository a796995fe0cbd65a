"""Result of one `broadsheet doctor` check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check. `found` describes it; `advice` is shown if it failed."""

    check: str
    ok: bool
    found: str
    advice: str = ""
