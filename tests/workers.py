"""How `pytest -n` shares the tests among its workers: by file, and whatever starts the whole system on one of them.

Each worker has a Valkey and a Meilisearch of its own, for they are fixtures of its session. A test that starts all
services as processes fills a processor; two of them at once would wait for each other.
"""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

WHOLE_SYSTEM: Final = "the whole system"
_STARTS_IT = ("tests/chaos/", "tests/e2e/", "tests/tour/")


def piece_of(nodeid: str) -> str:
    """What one worker gets in one piece: a file, or all that start the whole system."""
    return WHOLE_SYSTEM if nodeid.startswith(_STARTS_IT) else nodeid.partition("::")[0]


class ByFile(LoadScopeScheduling):
    """The piece that takes longest first; then the files, those with most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return piece_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if WHOLE_SYSTEM in self.workqueue:
            self.workqueue.move_to_end(WHOLE_SYSTEM, last=False)
        super()._assign_work_unit(node)
