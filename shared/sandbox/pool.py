"""A pool of parser processes. Killing one affects only the document it parses.

All are forked from one warm process, `python -m MODULE`, whose module calls `shared.sandbox.template.serve`. Input and
output are bytes. A slow document is killed and restarted in the slow lane: children reserved for slow documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.errors import Permanent
from shared.observability import metrics
from shared.sandbox.forks import Forks
from shared.sandbox.frames import TIME, Limits, SlowLane, WallTimeExceeded, frame
from shared.sandbox.lane import Lane

_OVERTIME_NICENESS: Final = 5
"""Added to the niceness of all parsers: a slow document is probably a loop and gets the lowest priority."""


class Pool:
    """`size` children that run `module`, and those of `slow_lane`. `start` before the first `ask`.

    `ask` may be called concurrently. `arguments` are the module's own, from `sys.argv[2]` on.
    """

    def __init__(
        self,
        size: int,
        limits: Limits,
        *,
        module: str,
        arguments: Sequence[str] = (),
        slow_lane: SlowLane | None = None,
    ) -> None:
        self._forks = Forks(module, arguments)
        self._lanes = (Lane(self._forks, size, limits),) if slow_lane is None else self._two(size, limits, slow_lane)

    def _two(self, size: int, limits: Limits, slow_lane: SlowLane) -> tuple[Lane, Lane]:
        soon = min(slow_lane.after_seconds, limits.seconds / 2)
        cpu = min(slow_lane.after_cpu_seconds, limits.cpu_seconds or limits.seconds)
        # Both attempts together take no more wall time than the limit.
        second = replace(limits, seconds=limits.seconds - soon)
        return (
            Lane(self._forks, size, replace(limits, seconds=soon, cpu_seconds=cpu), final=False),
            Lane(self._forks, slow_lane.children, second, niceness=_OVERTIME_NICENESS),
        )

    async def start(self) -> None:
        """Start all children and wait until they are warm. Raises Retryable when one does not start, saying why."""
        for lane in self._lanes:
            await lane.start()

    @property
    def pids(self) -> frozenset[int]:
        """Process ids of the living children."""
        return frozenset(pid for lane in self._lanes for pid in lane.pids)

    @property
    def idle(self) -> int:
        """Idle children, without those of the slow lane."""
        return self._lanes[0].idle

    async def ask(self, head: bytes, data: bytes, *, start_before: float | None = None) -> bytes:
        """The result of one document. `start_before`: monotonic time in seconds after which it is not started any more.

        Raises Permanent: a rule of the child, `sandbox-time` or `sandbox-memory` when the document used up its CPU time
        or memory, `sandbox-crash`. Raises Retryable: no child could be started, none was free in time, it was killed
        from outside, or it got too little CPU within the wall time (WallTimeExceeded).
        """
        question = frame(head, data)
        *quick, last = self._lanes
        for lane in quick:
            try:
                return await lane.ask(question, start_before)
            except (Permanent, WallTimeExceeded) as error:
                if isinstance(error, Permanent) and error.rule != TIME:
                    raise
                metrics.SANDBOX_OVERTIME.inc()
        return await last.ask(question, start_before)

    async def aclose(self) -> None:
        """End all children; `ask` must not be called any more."""
        for lane in self._lanes:
            await lane.aclose()
        await self._forks.aclose()
