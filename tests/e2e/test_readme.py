"""The commands of the README and of the quickstart run as they are printed, in a fresh copy of the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.redis, pytest.mark.timeout(400)]

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = (8000, 8001)
NOT_COPIED = {
    ".git",
    ".venv",
    ".tools",
    "data",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
}


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text("utf-8"))


def run(command: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    """As pasted into a shell; `set -e` shows which line failed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=checkout,
        env=clean,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def stop(checkout: Path) -> None:
    """As the README says."""
    run("test -x .venv/bin/broadsheet && .venv/bin/broadsheet down || true", checkout)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy without environment and data, and both default ports free; stopped at the end."""
    for port in PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"port {port} is taken: the commands of the README were NOT run")
    copy = tmp_path_factory.mktemp("readme") / "broadsheet"
    shutil.copytree(ROOT, copy, ignore=lambda _, names: NOT_COPIED & set(names), symlinks=True)
    if (ROOT / ".tools").exists():  # the pinned uv, so that nothing has to be downloaded
        (copy / ".tools").symlink_to(ROOT / ".tools")
    yield copy
    stop(copy)


@pytest.fixture(scope="module")
def printed(checkout: Path) -> dict[str, str]:
    """Block -> what it printed, for all blocks that need no Docker, README first."""
    found: dict[str, str] = {}
    for page in ("README.md", "docs/quickstart.md"):
        stop(checkout)
        for block in blocks(page):
            if "docker " in block:
                continue
            done = run(block, checkout)
            assert done.returncode == 0, f"{page}:\n{block}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
            found[f"{page}\n{block}"] = done.stdout
    return found


def output_of(printed: dict[str, str], part: str) -> str:
    return next(out for block, out in printed.items() if part in block)


def test_every_block_without_docker_runs_as_printed(printed: dict[str, str]) -> None:
    assert len(printed) >= 10


def test_start_ends_with_the_self_check(printed: dict[str, str]) -> None:
    assert "self-check ok" in output_of(printed, "./dev up --detach")


def test_the_posted_page_is_found_in_spite_of_the_typo(printed: dict[str, str]) -> None:
    answer = output_of(printed, "tides.txt")
    found = json.loads(answer[answer.rindex('{"response"') :])["response"]["results"]
    assert [hit["title"] for hit in found] == ["Harbour town prints its own tide tables"]


def test_the_things_to_build_print_something(printed: dict[str, str]) -> None:
    assert "event: article.published" in output_of(printed, "curl -sN") or "data: " in output_of(printed, "curl -sN")
    assert "lastEventId=" in output_of(printed, "cloudevents-batch")
    assert "Lake" in output_of(printed, "streams/climate")
    assert "<rss" in output_of(printed, "subscribe create")
    completed = output_of(printed, "/v1/suggest")
    assert "arbour" in completed
    assert "Night <mark>Ferries</mark>" in completed


def test_the_blocks_with_docker_name_services_of_the_compose_file() -> None:
    """They are run where Docker is, by hand; here only what can be read is checked."""
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    named = {name for page in ("README.md",) for block in blocks(page) for name in re.findall(r"run --rm (\w+)", block)}
    assert named >= {"selfcheck", "cli"}
    assert all(f"\n  {name}:\n" in compose for name in named)


def test_the_readme_is_short_and_its_links_are_there() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 150
    assert (ROOT / "docs/front-page.png").stat().st_size < 80_000
