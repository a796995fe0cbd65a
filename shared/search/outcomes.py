"""The two phases of a write, part of the search port: what was taken, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class WriteReceipt:
    """The engine took a batch; ask `outcomes` what became of it."""

    op_id: str
    ids: tuple[str, ...]
    token: str = ""
    """The engine's own handle, for example a task uid."""


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What became of a batch.

    `visible`: a search finds every document. `rejected`: it finds all but `rejected_ids`, which name the documents at
    fault where the engine knows them. `lost`: the engine forgot the batch, or its index is another one now; whoever
    has the documents writes them again.
    """

    receipt: WriteReceipt
    status: Literal["pending", "visible", "rejected", "lost"]
    reason: str = ""
    rejected_ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """One for each of `rejected_ids`, where they differ; else `reason` holds for all."""
    visible_ids: tuple[str, ...] = ()
    """Of a `pending` batch: documents that a search finds already."""
    steps: int = 0
    """Of a `pending` batch: decisions so far about parts of it. While it grows, the next is worth asking for soon."""
