"""Takes the README's picture of the front page: `python docs/screenshot.py [URL]`, on a running stack with its samples.

Needs Chromium on PATH; `pngquant` makes the file small where it is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

PICTURE: Final = Path(__file__).resolve().parent / "front-page.png"
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1000,700",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Write docs/front-page.png. Exit code 1 without Chromium or if it fails."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("no Chromium on PATH", file=sys.stderr)
        return 1
    url = arguments[0] if arguments else "http://127.0.0.1:8000/"
    with tempfile.TemporaryDirectory() as profile:
        command = [program, *FLAGS, f"--user-data-dir={profile}", f"--screenshot={PICTURE}", url]
        done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    if done.returncode or not PICTURE.exists():
        print(done.stderr.decode(errors="replace")[-2000:], file=sys.stderr)
        return 1
    if quantizer := shutil.which("pngquant"):
        subprocess.run([quantizer, "--force", "--output", str(PICTURE), "64", str(PICTURE)], check=True)
    print(f"{PICTURE.name}: {PICTURE.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
