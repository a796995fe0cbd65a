"""What a check of `broadsheet doctor` says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `found` in a few words, `advice` for when it is not ok."""

    check: str
    ok: bool
    found: str
    advice: str = ""
