# ruff: noqa: ASYNC220, ASYNC240 (a test may wait for a process)
"""Parser children under faults: each costs its page only, and nothing of ours is inside."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.enrich.adapters.sandbox import Sandbox
from services.enrich.domain.reading import RawPage
from shared.errors import Permanent, Retryable
from shared.observability import metrics
from shared.sandbox import Limits, SlowLane
from shared.tasks import cancel_and_wait
from tests.support.builders import wait_until
from tests.unit.enrich.pages import BODY, TITLE, html_page, raw_page

GOOD = raw_page("\n\n".join((TITLE, *BODY)))
pytestmark = pytest.mark.asyncio(loop_scope="module")  # a child takes seconds to get warm: the tests share the pools


async def all_warm(box: Sandbox, children: int) -> None:
    """All wait for a page, also after what an earlier test did to one."""
    await wait_until(lambda: box.idle == children, timeout=60, what="warm children")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_sandbox() -> AsyncIterator[Sandbox]:
    box = Sandbox(1, Limits(seconds=10.0, cpu_seconds=3.0))
    await box.start()
    yield box
    await box.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """One child."""
    await all_warm(shared_sandbox, 1)
    return shared_sandbox


PLANTED = "tests.support.planted_child"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_planted() -> AsyncIterator[Sandbox]:
    box = Sandbox(2, Limits(seconds=6.0, cpu_seconds=1.0, bytes=256 * 1024 * 1024), module=PLANTED)
    await box.start()
    yield box
    await box.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def planted(shared_planted: Sandbox) -> Sandbox:
    """Two children that do what the text says."""
    await all_warm(shared_planted, 2)
    return shared_planted


@pytest_asyncio.fixture(loop_scope="module")
async def planted_overtime() -> AsyncIterator[Sandbox]:
    """One such child, and one for what takes long."""
    box = Sandbox(1, Limits(seconds=30.0, cpu_seconds=1.0), slow_lane=SlowLane(1, 0.1, 10.0), module=PLANTED)
    await box.start()
    yield box
    await box.aclose()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("segfault", "sandbox-crash"),
        pytest.param("loop", "sandbox-time", marks=pytest.mark.slow),
        ("memory", "sandbox-memory"),
        ("defect", "sandbox-crash"),
        ("garbage", "sandbox-crash"),
    ],
)
async def test_a_killed_child_costs_its_page_only(planted: Sandbox, text: str, rule: str) -> None:
    before = planted.pids
    results = await asyncio.gather(
        planted.run(raw_page(text)), *(planted.run(GOOD) for _ in range(6)), return_exceptions=True
    )
    assert isinstance(results[0], Permanent)
    assert results[0].rule == rule
    assert [result.article.paragraphs for result in results[1:]] == [BODY] * 6  # type: ignore[union-attr]
    assert planted.pids != before


LOOPS, GOODS = 6, 10


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_row_of_loops_holds_up_nobody_else(planted_overtime: Sandbox) -> None:
    ends: list[str] = []

    async def one(page: RawPage) -> str:
        try:
            await planted_overtime.run(page)
        except Permanent as error:
            ends.append(error.rule)
            return error.rule
        ends.append("article")
        return "article"

    loops = [one(raw_page("loop")) for _ in range(LOOPS)]
    verdicts = await asyncio.gather(*loops, *(one(GOOD) for _ in range(GOODS)))
    assert verdicts == ["sandbox-time"] * LOOPS + ["article"] * GOODS
    last_good = len(ends) - ends[::-1].index("article")
    # One child for all of them, one for what takes long: the good pages passed by more than half of the loops.
    assert ends[:last_good].count("sandbox-time") <= LOOPS // 2


async def test_a_document_that_takes_long_still_gets_its_time(planted_overtime: Sandbox) -> None:
    moved = metrics.SANDBOX_OVERTIME._value.get()
    outcome = await planted_overtime.run(raw_page("slow"))
    assert outcome.article.title == "Title here"
    assert metrics.SANDBOX_OVERTIME._value.get() == moved + 1


async def test_prints_of_libraries_do_not_reach_the_protocol(planted: Sandbox) -> None:
    outcome = await planted.run(raw_page("print"))
    assert outcome.article.title == "Title here"


@pytest.mark.slow
async def test_a_child_is_replaced_after_its_share_of_documents() -> None:
    box = Sandbox(1, Limits(documents=2))
    await box.start()
    try:
        seen = []
        for _ in range(4):
            await wait_until(lambda: box.idle == 1, timeout=30)
            seen.append(box.pids)
            await box.run(GOOD)
        assert seen[0] == seen[1]
        assert seen[3] != seen[0]
    finally:
        await box.aclose()


async def test_a_child_killed_from_outside_costs_no_page(sandbox: Sandbox) -> None:
    (pid,) = sandbox.pids
    os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: not sandbox.pids)
    assert (await sandbox.run(GOOD)).article.paragraphs == BODY


async def test_a_page_whose_parser_is_killed_from_outside_comes_back(sandbox: Sandbox) -> None:
    (pid,) = sandbox.pids
    os.kill(pid, signal.SIGSTOP)  # so that the page is certainly in work when the kill comes
    task = asyncio.create_task(sandbox.run(GOOD))
    await wait_until(lambda: sandbox.idle == 0)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Retryable):
        await task
    assert (await sandbox.run(GOOD)).article.paragraphs == BODY


async def test_a_cancelled_page_leaves_no_stale_answer(sandbox: Sandbox) -> None:
    task = asyncio.create_task(sandbox.run(raw_page(html_page("<p>some text here</p>" * 20_000), "html", "text/html")))
    await wait_until(lambda: sandbox.idle == 0)
    await cancel_and_wait([task])
    assert (await sandbox.run(GOOD)).article.title == TITLE


PARENT = """
import asyncio, sys, time
from services.enrich.adapters.sandbox import Sandbox

async def main():
    box = Sandbox(1)
    await box.start()
    print("child", *box.pids, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_children_die_with_their_parent() -> None:
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=root, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    try:
        line = ""
        while not line.startswith("child "):  # structlog's default prints there, too
            line = await asyncio.to_thread(parent.stdout.readline)
            assert line, "the parent ended"
        child = int(line.removeprefix("child "))
        assert Path(f"/proc/{child}").exists()
    finally:
        parent.kill()
        parent.wait(10)
        parent.stdout.close()

    def is_gone() -> bool:
        try:
            return "State:\tZ" in Path(f"/proc/{child}/status").read_text(encoding="utf-8")
        except OSError:
            return True

    await wait_until(is_gone)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


async def test_a_child_is_replaced_by_a_fork_of_the_same_warm_process(sandbox: Sandbox) -> None:
    (pid,) = sandbox.pids
    template = parent_of(pid)
    os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: not sandbox.pids)
    await sandbox.run(GOOD)
    (fresh,) = sandbox.pids
    assert fresh != pid
    assert parent_of(fresh) == template


async def test_a_killed_template_is_started_again_and_costs_no_page(sandbox: Sandbox) -> None:
    (pid,) = sandbox.pids
    template = parent_of(pid)
    os.kill(template, signal.SIGKILL)
    await wait_until(lambda: not sandbox.pids)
    assert (await sandbox.run(GOOD)).article.paragraphs == BODY
    (fresh,) = sandbox.pids
    assert parent_of(fresh) != template


async def test_a_child_holds_nothing_but_its_own_socket(sandbox: Sandbox) -> None:
    (pid,) = sandbox.pids
    await sandbox.run(GOOD)
    ends = [link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if int(link.name) > 2]
    assert [end.partition(":")[0] for end in ends] == ["socket"]


async def test_the_child_sees_nothing_of_our_environment(sandbox: Sandbox) -> None:
    (pid,) = sandbox.pids
    entries = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
    assert {entry.split("=")[0] for entry in entries if entry} == {
        "PYTHONPATH",
        "LANG",
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
    }
