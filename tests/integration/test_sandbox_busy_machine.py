"""A parser that got no CPU is not the document's fault: it is retried. One that spends its CPU or memory is not."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from services.enrich.adapters.sandbox import Sandbox
from shared.errors import Permanent, Retryable
from shared.sandbox import Limits, SlowLane
from shared.sandbox.forks import overrun
from shared.sandbox.frames import WallTimeExceeded
from tests.support.builders import wait_until
from tests.unit.enrich.pages import BODY, raw_page

GOOD = raw_page("\n\n".join(("Title of the page", *BODY)))
LIMITS = Limits(seconds=5.0, cpu_seconds=3.0, bytes=256 * 1024 * 1024)


@asynccontextmanager
async def planted(limits: Limits = LIMITS, slow_lane: SlowLane | None = None) -> AsyncIterator[Sandbox]:
    box = Sandbox(1, limits, slow_lane=slow_lane, module="tests.support.planted_child")
    await box.start()
    try:
        yield box
    finally:
        await box.aclose()


async def read_in_the_end(box: Sandbox) -> tuple[str, ...]:
    """The good page, retried as the broker does: the machine of the test may be busy too."""
    for _ in range(5):
        try:
            return (await box.run(GOOD)).article.paragraphs
        except Retryable:
            continue
    raise AssertionError("five times too little CPU")


@pytest.mark.parametrize("word", ["sleep", "lock"])
async def test_a_parser_that_waits_without_cpu_is_retried(word: str) -> None:
    async with planted() as box:
        with pytest.raises(Retryable, match="CPU"):
            await box.run(raw_page(word))
        assert await read_in_the_end(box) == BODY


@pytest.mark.parametrize("slow_lane", [None, SlowLane(1, 0.5, 0.7)])
async def test_a_stopped_parser_is_retried_and_its_page_is_read_the_next_time(slow_lane: SlowLane | None) -> None:
    async with planted(slow_lane=slow_lane) as box:
        pids = box.pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        task = asyncio.create_task(box.run(GOOD))
        with pytest.raises(WallTimeExceeded):
            await task
        await wait_until(lambda: box.pids and not box.pids & pids, timeout=30, what="fresh children")
        assert await read_in_the_end(box) == BODY


async def test_a_parser_stopped_in_the_quick_lane_is_tried_in_the_slow_one() -> None:
    async with planted(replace(LIMITS, seconds=30.0), SlowLane(1, 0.5, 1.0)) as box:
        quick, *_ = sorted(box.pids)  # children are forked in order: the quick lane's first
        os.kill(quick, signal.SIGSTOP)
        assert (await box.run(GOOD)).article.paragraphs == BODY


async def test_a_parser_that_spins_is_the_fault_of_its_page() -> None:
    async with planted(Limits(seconds=60.0, cpu_seconds=1.0)) as box:
        with pytest.raises(Permanent) as caught:
            await box.run(raw_page("loop"))
    assert caught.value.rule == "sandbox-time"


@pytest.mark.parametrize(
    ("limits", "used", "is_own_fault"),
    [
        (Limits(seconds=10.0, cpu_seconds=4.0), 3.9, True),
        (Limits(seconds=10.0, cpu_seconds=4.0), 1.0, False),
        (Limits(seconds=10.0), 9.9, True),
        (Limits(seconds=10.0), 4.0, False),
        (Limits(seconds=10.0, cpu_seconds=4.0), 0.0, False),
    ],
)
async def test_the_cpu_used_decides_whose_fault_a_wall_timeout_is(
    limits: Limits, used: float, is_own_fault: bool
) -> None:
    assert isinstance(overrun(limits, used), Permanent if is_own_fault else WallTimeExceeded)


async def test_memory_is_the_fault_of_the_page() -> None:
    async with planted(replace(LIMITS, seconds=60.0)) as box:
        with pytest.raises(Permanent) as caught:
            await box.run(raw_page("memory"))
    assert caught.value.rule == "sandbox-memory"


async def test_a_half_spent_budget_decides() -> None:
    """Spins for a while, then sleeps: below half of its CPU it is retried."""
    async with planted(Limits(seconds=3.0, cpu_seconds=2.0)) as box:
        started = time.monotonic()
        with pytest.raises(Retryable):
            await box.run(raw_page("slow-sleep"))
        assert time.monotonic() - started < 30
