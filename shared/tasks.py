"""Ending tasks for certain, and tasks whose end several wait for.

One `cancel` is not enough: in Python 3.11 `asyncio.wait_for` answers a cancellation with the result, when that has just
arrived, and the task goes on as if nothing had been said. redis-py sends every command through it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

T = TypeVar("T")

_AGAIN_SECONDS: Final = 0.5


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel the tasks until all have ended; what they raise is not looked at here."""
    all_of_them = set(tasks)
    left = {task for task in all_of_them if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_SECONDS)
    for task in all_of_them:
        _seen(task)


def for_several(question: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that several wait for, each through `asyncio.shield`; its error is nobody's once all of them have left."""
    task = asyncio.create_task(question)
    task.add_done_callback(_seen)
    return task


def _seen(task: asyncio.Task[Any]) -> None:
    """Without it asyncio logs an error that nobody was told of."""
    if not task.cancelled():
        task.exception()
