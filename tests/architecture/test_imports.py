"""Importing any module does nothing but define names: no environment is read, no socket opened, no loop started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.source import ROOT, module_name, product_files

GUARD = """
import os, socket, sys
os.environ.clear()
def refuse(*args, **kwargs):
    raise RuntimeError("a socket was opened at import time")
class Refused(socket.socket):
    def __init__(self, *args, **kwargs):
        refuse()
socket.socket = Refused
socket.create_connection = refuse
socket.getaddrinfo = refuse
import importlib, traceback, threading
before = threading.active_count()
bad = []
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException:
        bad.append(name)
        traceback.print_exc()
if threading.active_count() != before:
    bad.append("threads were started")
print("\\n".join(bad))
sys.exit(bool(bad))
"""


def import_all(names: list[str], root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", GUARD, *names],
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_every_module_imports_with_an_empty_environment_and_no_network() -> None:
    names = [module_name(path) for path in product_files() if path.name != "__main__.py"]
    assert len(names) > 20
    done = import_all(names, ROOT)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]


def test_the_guard_sees_a_module_that_connects_when_imported(tmp_path: Path) -> None:
    (tmp_path / "eager.py").write_text("import socket\nsocket.create_connection(('127.0.0.1', 9))\n")
    (tmp_path / "reader.py").write_text("import os\nHOME = os.environ['HOME']\n")
    done = import_all(["eager", "reader"], tmp_path)
    assert done.returncode == 1
    assert done.stdout.split() == ["eager", "reader"]
