"""How `pytest -n` shares the tests among its workers: by file, and all of chaos on one of them.

Each worker has a Valkey and a Meilisearch of its own, for they are fixtures of its session. A test of chaos fills a
processor, and its deadlines are for a machine that has another one: two of them at once would wait for each other.
"""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

LONGEST_FIRST: Final = ("tests/chaos/", "tests/e2e/", "tests/tour/")
"""What would keep one worker busy after the others are done, were it handed out last."""


def piece_of(nodeid: str) -> str:
    """What one worker gets in one piece: a file, or the whole of chaos."""
    chaos = LONGEST_FIRST[0]
    return chaos if nodeid.startswith(chaos) else nodeid.partition("::")[0]


class ByFile(LoadScopeScheduling):
    """What takes longest first; then the files, those with most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return piece_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        for folder in reversed(LONGEST_FIRST):
            for piece in [piece for piece in self.workqueue if piece.startswith(folder)]:
                self.workqueue.move_to_end(piece, last=False)
        super()._assign_work_unit(node)
