"""Ending tasks for certain.

One `cancel` is not enough: in Python 3.11 `asyncio.wait_for` answers a cancellation with the result, when that has just
arrived, and the task goes on as if nothing had been said. redis-py sends every command through it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

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
        if not task.cancelled():
            task.exception()  # marks it as seen
