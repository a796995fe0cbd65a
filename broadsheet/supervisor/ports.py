"""Loopback ports: the usual one when it is free, another one when it is taken."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from broadsheet.failure import CliFailure

HOST: Final = "127.0.0.1"
DEFAULTS: Final[Mapping[str, int]] = {"redis": 6390, "serve": 8000, "ingest": 8001, "enrich": 8002, "index": 8003}


def choose_ports(wanted: Mapping[str, int | None]) -> dict[str, int]:
    """A free port for every service: the wanted one, else the default, else any.

    None means the default or any other; 0 means any. A wanted port that is taken raises CliFailure with code 2. All
    chosen ports are held until the last is chosen, so that none is given twice.
    """
    with ExitStack() as held:
        return {name: _choose(held, name, port) for name, port in wanted.items()}


def _choose(held: ExitStack, name: str, wanted: int | None) -> int:
    if wanted:
        port = _hold(held, wanted)
        if port is None:
            raise CliFailure(f"port {wanted} for {name} is taken; leave --port-{name} out to get a free one", code=2)
        return port
    port = _hold(held, DEFAULTS[name]) if wanted is None else None
    if port is None:
        port = _hold(held, 0)
    if port is None:
        raise CliFailure("the system gave no free loopback port")
    return port


def _hold(held: ExitStack, port: int) -> int | None:
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
    except OSError:
        probe.close()
        return None
    held.enter_context(probe)
    return int(probe.getsockname()[1])
