"""Results of a two-phase write: receipt and outcome."""

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

    `visible`: every document is searchable. `rejected`: all except `rejected_ids`, which are empty if the engine does
    not name the invalid documents. `lost`: the engine no longer knows the batch, or its index was replaced; write the
    documents again.
    """

    receipt: WriteReceipt
    status: Literal["pending", "visible", "rejected", "lost"]
    reason: str = ""
    rejected_ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """One for each of `rejected_ids`, if they differ; otherwise `reason` applies to all."""
    visible_ids: tuple[str, ...] = ()
    """Of a `pending` batch: documents that are already searchable."""
    steps: int = 0
    """Of a `pending` batch: number of results for parts of it. Poll again soon while it grows."""
