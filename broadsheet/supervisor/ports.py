"""Loopback ports: the default port if free, else any free port."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from broadsheet.failure import CliFailure

HOST: Final = "127.0.0.1"
DEFAULTS: Final[Mapping[str, int]] = {
    "redis": 6390,
    "serve": 8000,
    "ingest": 8001,
    "enrich": 8002,
    "index": 8003,
    "notify": 8004,
}


def choose_ports(wanted: Mapping[str, int | None], claims: ExitStack) -> dict[str, int]:
    """A free port for each service: the requested one, else the default, else any.

    None means the default or any other; 0 means any. A requested port that is taken raises CliFailure with code 2.
    Until `claims` is closed no other `up` of this user gets the same ports, since services bind them seconds later.
    """
    with ExitStack() as held:  # keeps chosen ports bound, so that none is chosen twice
        return {name: _choose(held, claims, name, port) for name, port in wanted.items()}


def _choose(held: ExitStack, claims: ExitStack, name: str, wanted: int | None) -> int:
    if wanted:
        port = _claim(held, claims, wanted)
        if port is None:
            raise CliFailure(f"port {wanted} for {name} is taken; leave --port-{name} out to get a free one", code=2)
        return port
    tries = [0] * 20 if wanted == 0 else [DEFAULTS[name], *[0] * 20]
    for candidate in tries:
        if (port := _claim(held, claims, candidate)) is not None:
            return port
    raise CliFailure("the system gave no free loopback port")


def _claim(held: ExitStack, claims: ExitStack, port: int) -> int | None:
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
    except OSError:
        probe.close()
        return None
    held.enter_context(probe)
    found = int(probe.getsockname()[1])
    return found if _lock(claims, found) else None


def _lock(claims: ExitStack, port: int) -> bool:
    path = Path(tempfile.gettempdir()) / f"broadsheet-{os.getuid()}-port-{port}.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return False
    claims.callback(os.close, handle)
    return True


def listens(pid: int, port: int) -> bool:
    """Whether this process, and not another one, listens on the loopback port. True where there is no /proc."""
    if not sys.platform.startswith("linux"):
        return True
    address = f"0100007F:{port:04X}"  # 127.0.0.1 as the kernel prints it on little-endian machines
    rows = [row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1] == address and row[3] == "0A"}
    try:
        return any(str(entry.readlink()) in sockets for entry in list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return False
