"""One supervised process: restart with back-off, giving up, stopping what will not stop."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from broadsheet.failure import CliFailure
from broadsheet.supervisor.console import Console
from broadsheet.supervisor.process import Service, ServiceSpec
from tests.e2e.running_stack import alive
from tests.support.builders import wait_until

pytestmark = pytest.mark.slow


def service(tmp_path: Path, program: str, *, ready: bool, start_seconds: float = 30.0) -> tuple[Service, io.StringIO]:
    async def probe() -> bool:
        return ready

    out = io.StringIO()
    spec = ServiceSpec("thing", (sys.executable, "-c", program), {}, probe, start_seconds)
    return Service(spec, Console(out), tmp_path, lambda: None), out


async def test_a_process_that_never_gets_ready_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    thing, out = service(tmp_path, "print('no such flag'); raise SystemExit(3)", ready=False)
    thing.start()
    with pytest.raises(CliFailure, match=r"thing died 5 times(.|\n)*no such flag"):
        await thing.wait_ready()
    await thing.stop()
    assert out.getvalue().count("thing exited with 3; starting it again") == 4
    assert "starting it again in 2 s" in out.getvalue(), "the back-off does not grow"


async def test_a_process_that_hangs_is_not_ready_in_time(tmp_path: Path) -> None:
    thing, _ = service(tmp_path, "import time; time.sleep(60)", ready=False, start_seconds=0.5)
    thing.start()
    with pytest.raises(CliFailure, match="not ready after"):
        await thing.wait_ready()
    await thing.stop()
    assert thing.pid is None


async def test_a_process_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    program = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('child', child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    thing, out = service(tmp_path, program, ready=True)
    thing.start()
    await wait_until(lambda: "child" in out.getvalue())
    grandchild = int(out.getvalue().split("child")[1].split()[0])
    began = time.monotonic()
    await thing.stop(grace=0.3)
    assert time.monotonic() - began < 5
    await wait_until(lambda: not alive({grandchild}), what="the grandchild is gone")


async def test_children_left_by_a_dead_process_are_swept_before_the_restart(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('child', child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    thing, out = service(tmp_path, program, ready=True)
    thing.start()
    await wait_until(lambda: "child" in out.getvalue())
    first = thing.pid
    assert first is not None
    grandchild = int(out.getvalue().split("child")[1].split()[0])
    os.kill(first, signal.SIGKILL)
    await wait_until(lambda: thing.pid not in {None, first}, what="the restart")
    assert not alive({grandchild})
    await thing.stop()


async def test_lines_are_prefixed_logged_and_cannot_move_the_cursor(tmp_path: Path) -> None:
    thing, out = service(tmp_path, r"import time; print('bad \x1b[2J line', flush=True); time.sleep(60)", ready=True)
    thing.start()
    await wait_until(lambda: "line" in out.getvalue())
    await thing.stop()
    assert out.getvalue().startswith("thing  | bad \\x1b[2J line")
    assert b"\x1b[2J" in (tmp_path / "thing.log").read_bytes()


async def test_an_endless_line_does_not_stop_the_pump(tmp_path: Path) -> None:
    program = "import sys, time; sys.stdout.write('x' * 3_000_000 + '\\nend\\n'); sys.stdout.flush(); time.sleep(60)"
    thing, out = service(tmp_path, program, ready=True)
    thing.start()
    await wait_until(lambda: "end" in out.getvalue())
    await thing.stop()
