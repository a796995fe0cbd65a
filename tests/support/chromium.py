"""A headless Chromium that a test can ask questions while its page stays open, over the DevTools protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.builders import wait_until

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars"
)


def program() -> str:
    """Chromium; skips loudly where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on PATH: the reader pages were NOT checked in a browser")


class Page:
    """One open page."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._asked = 0
        self.problems: list[str] = []

    async def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; promises are awaited."""
        answer = await self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def type(self, text: str) -> None:
        """Type into the element that has the focus."""
        await self._call("Input.insertText", text=text)

    async def press(self, key: str, code: int) -> None:
        """Press and release a key; `code` is its Windows key code."""
        for kind in ("rawKeyDown", "keyUp"):
            await self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    async def watch(self) -> None:
        """Collect errors and whatever the Content-Security-Policy refuses in `problems`."""
        await self._call("Runtime.enable")
        await self._call("Log.enable")

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._asked += 1
        await self._socket.send(json.dumps({"id": self._asked, "method": method, "params": params}))
        async with asyncio.timeout(30):
            while True:
                message = json.loads(await self._socket.recv())
                if message.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded"}:
                    self.problems.append(json.dumps(message["params"]))
                if message.get("id") == self._asked:
                    assert "error" not in message, message
                    result: dict[str, Any] = message["result"]
                    return result


@asynccontextmanager
async def opened(url: str, profile: Path) -> AsyncIterator[Page]:
    """The page at `url`, loaded, in a browser of its own that is gone afterwards."""
    command = [program(), *FLAGS.split(), f"--user-data-dir={profile}", "--remote-debugging-port=0", url]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        port = profile / "DevToolsActivePort"
        await wait_until(lambda: port.exists() and port.read_text().strip(), timeout=60, what="Chromium")
        address = f"http://127.0.0.1:{port.read_text().splitlines()[0]}/json"

        async def target() -> str | None:
            async with httpx.AsyncClient(timeout=30) as client:
                pages = (await client.get(address)).json()
            return next((one["webSocketDebuggerUrl"] for one in pages if one["url"].startswith(url)), None)

        socket_url = await wait_until(target, timeout=60, what="the page")
        async with connect(socket_url, max_size=2**24) as socket:
            page = Page(socket)
            await page.watch()
            loaded = "location.href !== 'about:blank' && document.readyState === 'complete'"
            await wait_until(lambda: page.ask(loaded), timeout=60, what="the page")
            yield page
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
