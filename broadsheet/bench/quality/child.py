"""Runs one task and prints its result as JSON: `python -m broadsheet.bench.quality.child TASK DIR`.

One process per task isolates CPU time, memory and crashes.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

from broadsheet.bench.quality.registry import chosen


def main() -> int:
    """Run the task named by the first argument on the folder named by the second."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # output of libraries must not be part of the result
    logging.disable(logging.CRITICAL)  # libraries log every broken page
    warnings.simplefilter("ignore")
    (task,) = (task for task in chosen([sys.argv[1]]) if task.name == sys.argv[1])
    with answers:
        json.dump(asdict(task.measure(Path(sys.argv[2]))), answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
