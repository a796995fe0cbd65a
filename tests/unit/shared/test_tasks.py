"""Tasks end, also those that a library made deaf to the first cancellation."""

from __future__ import annotations

import asyncio

from shared.tasks import cancel_and_wait


async def test_a_task_that_lost_a_cancellation_is_cancelled_again() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    went_on = asyncio.Event()

    async def asks() -> None:
        await asyncio.wait_for(asyncio.shield(answer), 5)  # as redis-py does
        went_on.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(asks())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    answer.set_result(1)
    await cancel_and_wait([task])
    assert task.cancelled()


async def test_tasks_that_ended_or_fail_while_they_end_are_no_trouble() -> None:
    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("while ending")

    over, failing = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(fails())
    await over
    await cancel_and_wait([over, failing])
    assert isinstance(failing.exception(), OSError)
    await cancel_and_wait([])
