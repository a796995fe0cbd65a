"""Cancel asyncio tasks reliably, and share the result of one task between several waiters.

A single `cancel` is not enough: in Python 3.11 `asyncio.wait_for` swallows a cancellation when the result arrives at
the same time, and the task continues. redis-py sends every command through `wait_for`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

T = TypeVar("T")

_RETRY_CANCEL_SECONDS: Final = 0.5


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel the tasks, repeatedly if needed, and return when all have ended. Their exceptions are discarded."""
    all_tasks = set(tasks)
    running = {task for task in all_tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_RETRY_CANCEL_SECONDS)
    for task in all_tasks:
        _retrieve_exception(task)


def single_flight(call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task that several callers await, each through `asyncio.shield`.

    An exception is not logged as "never retrieved" when every caller was cancelled before the task failed.
    """
    task = asyncio.create_task(call)
    task.add_done_callback(_retrieve_exception)
    return task


def _retrieve_exception(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
