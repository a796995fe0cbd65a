"""What a process tells before it knows anything."""

from __future__ import annotations

import subprocess
import sys

_ASK = "import shared.observability.metrics, prometheus_client as p; print(p.generate_latest().decode())"


def test_a_process_that_has_not_asked_redis_tells_nothing_about_it() -> None:
    """A 0 would mean that the last write to disk failed, and page somebody at night."""
    told = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True).stdout
    rows = [line for line in told.splitlines() if line.startswith("broadsheet_redis_")]
    assert any(row.startswith("broadsheet_redis_last_write_ok ") for row in rows)
    assert [row for row in rows if not row.endswith(" NaN")] == []
