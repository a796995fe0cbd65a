"""The two phases of a write: receipt and outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class WriteReceipt:
    """The engine accepted a batch; poll `outcomes` for its result."""

    op_id: str
    ids: tuple[str, ...]
    token: str = ""
    """The engine's own handle, for example a task uid."""


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """Outcome of a batch.

    `visible`: every document is searchable. `rejected`: all but `rejected_ids`, which name the documents at fault where
    the engine knows them. `lost`: the engine does not know the batch any more, or its index was replaced; write the
    documents again.
    """

    receipt: WriteReceipt
    status: Literal["pending", "visible", "rejected", "lost"]
    reason: str = ""
    rejected_ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """One for each of `rejected_ids`, where they differ; else `reason` holds for all."""
    visible_ids: tuple[str, ...] = ()
    """Of a `pending` batch: documents that are searchable already."""
    steps: int = 0
    """Of a `pending` batch: decisions so far about parts of it. While it grows, poll again soon."""
