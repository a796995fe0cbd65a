"""Many event-stream clients in one process, on bare sockets. Arguments: HOST PORT TARGET COUNT [stuck].

Prints `ready N` when every client has its response head, then one JSON line for each mark received by all of them:
`{"mark": 3, "times": [...]}`, in CLOCK_MONOTONIC, which all processes of a machine share. With `stuck` the clients
never read. Exits when its standard input is closed.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Final

MARK: Final = re.compile(rb"@@(\d{6})@@")
"""Marker in the data of each event."""
_TAIL: Final = 9
_AT_ONCE: Final = 100
_READ_BYTES: Final = 64 * 1024
_STUCK_BUFFER: Final = 4096
_CONNECT_SECONDS: Final = 60.0


@dataclass(slots=True)
class EventClient:
    """One connection: whether its response has started, and the last received bytes, which may end inside a mark."""

    sock: socket.socket
    begun: bool = False
    tail: bytes = b""


@dataclass
class Crowd:
    """All clients of this process."""

    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    clients: list[EventClient] = field(default_factory=list)
    ready: int = 0
    arrivals: dict[int, list[float]] = field(default_factory=dict)

    def connect(self, host: str, port: int, target: str, count: int, *, stuck: bool) -> None:
        """Open the connections in groups, and wait until each has its response head."""
        request = f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
        for start in range(0, count, _AT_ONCE):
            for _ in range(min(_AT_ONCE, count - start)):
                sock = socket.socket()
                if stuck:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _STUCK_BUFFER)
                sock.settimeout(_CONNECT_SECONDS)
                sock.connect((host, port))
                sock.sendall(request)
                sock.setblocking(False)
                client = EventClient(sock)
                self.clients.append(client)
                self.selector.register(sock, selectors.EVENT_READ, client)
            deadline = time.monotonic() + _CONNECT_SECONDS
            while self.ready < len(self.clients):
                self.read(1.0)
                if time.monotonic() > deadline:
                    raise SystemExit(f"only {self.ready} of {len(self.clients)} streams began")

    def read(self, seconds: float) -> None:
        """Read available data."""
        for key, _ in self.selector.select(seconds):
            client: EventClient = key.data
            try:
                data = client.sock.recv(_READ_BYTES)
            except BlockingIOError:
                continue
            if not data:
                raise SystemExit("a stream ended")
            self._take(client, data, time.monotonic())

    def _take(self, client: EventClient, data: bytes, at: float) -> None:
        if not client.begun:
            if not data.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"refused: {data[:200]!r}")
            client.begun = True
            self.ready += 1
        text = client.tail + data
        end = 0
        for found in MARK.finditer(text):
            self.arrivals.setdefault(int(found[1]), []).append(at)
            end = found.end()
        client.tail = text[max(end, len(text) - _TAIL) :]

    def tell(self) -> None:
        """Print the marks that all clients have received."""
        for mark in [mark for mark, times in self.arrivals.items() if len(times) >= len(self.clients)]:
            print(json.dumps({"mark": mark, "times": self.arrivals.pop(mark)}), flush=True)


def main(arguments: list[str]) -> None:
    """See the module docstring."""
    host, port, target, count, *mode = arguments
    stuck = mode == ["stuck"]
    crowd = Crowd()
    crowd.connect(host, int(port), target, int(count), stuck=stuck)
    print(f"ready {crowd.ready}", flush=True)
    if stuck:
        sys.stdin.read()
        return
    crowd.selector.register(sys.stdin, selectors.EVENT_READ, None)
    os.set_blocking(sys.stdin.fileno(), False)
    while True:
        if sys.stdin in {key.fileobj for key, _ in crowd.selector.select(0.5)} and not sys.stdin.read(1):
            return
        crowd.read(0)
        crowd.tell()


if __name__ == "__main__":
    main(sys.argv[1:])
