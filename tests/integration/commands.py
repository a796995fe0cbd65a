"""Commands of the CLI against a serve that the test runs."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Commands:
    """`broadsheet GROUP ...` as the owner of a key, in a data directory of the test's own."""

    group: str
    url: str
    key: str
    directory: Path

    async def __call__(self, *args: str, code: int = 0) -> str:
        """What it printed, or what it complained of when another exit code is expected."""
        settings = {
            "BROADSHEET_SERVE_URL": self.url,
            "BROADSHEET_API_KEY": self.key,
            "BROADSHEET_DATA_DIR": str(self.directory),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "broadsheet", self.group, *args,
            env=os.environ | settings, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == code, (out, err)
        return (out if not code else err).decode()
