"""A backup taken while pages come in, restored on an empty machine: every article is back, and the index equals it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running_stack import FREE_PORTS, RunningStack, broadsheet, own_page, wait_for
from tests.support.meilisearch import Meilisearch, missing

pytestmark = [pytest.mark.slow, pytest.mark.redis, pytest.mark.timeout(240)]


def started(data: Path, env: dict[str, str], *args: str) -> RunningStack:
    return RunningStack(data, args=(*FREE_PORTS, "--no-check", *args), env=env).start()


def digests(stack: RunningStack, env: dict[str, str]) -> dict[str, Any]:
    done = stack.cli("digest", "--json", **env)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def settled(stack: RunningStack, env: dict[str, str], articles: int) -> dict[str, Any]:
    """The digests once so many articles are published and searchable."""
    found: list[dict[str, Any]] = []

    def whole() -> bool:
        found[:] = [digests(stack, env)]
        return [part["articles"] for part in found[0].values()] == [articles, articles]

    wait_for(whole, 60, f"{articles} articles everywhere", stack.process)
    return found[0]


@pytest.mark.parametrize("engine", ["embedded", "meilisearch"])
def test_what_was_backed_up_comes_back_and_the_index_is_rebuilt_to_the_same(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    one: dict[str, str] = {}
    other: dict[str, str] = {}
    if engine == "meilisearch":
        if reason := missing():
            pytest.skip(reason)
        server: Meilisearch = request.getfixturevalue("meilisearch")
        key = {"BROADSHEET_INDEX_KEY": server.key}
        one = key | {"BROADSHEET_INDEX_URL": f"meilisearch:{server.url}#before"}
        other = key | {"BROADSHEET_INDEX_URL": f"meilisearch:{server.url}#after"}
    tar = tmp_path / "broadsheet.tar"
    stack = started(tmp_path / "one", one)
    try:
        before = settled(stack, one, 8)
        assert stack.cli("backup", str(tar), **one).returncode == 0
        refused = stack.cli("restore", str(tar), **one)
        assert (refused.returncode, "uses" in refused.stderr) == (2, True)
        posted = stack.cli(
            "ingest",
            "-",
            "--source",
            "mill",
            "--id",
            "late",
            "--wait",
            stdin=own_page("Tide Mill 1"),
            **one,
        )
        assert posted.returncode == 0, posted.stderr  # after the backup, so it must not come back
    finally:
        stack.stop()
    restored = broadsheet(tmp_path / "two", "restore", str(tar))
    assert restored.returncode == 0, restored.stderr
    again = started(tmp_path / "two", other, "--no-samples")
    try:
        assert settled(again, other, 8) == before
        doctor = again.cli("doctor", **other)
        assert doctor.returncode == 0, doctor.stdout
        once_more = again.cli("backup", str(tar), **other)  # nothing is written over
        assert (once_more.returncode, "exists" in once_more.stderr) == (2, True)
    finally:
        again.stop()


def test_a_backup_under_load_holds_everything_acknowledged_before_it_began(tmp_path: Path) -> None:
    tar = tmp_path / "broadsheet.tar"
    stack = started(tmp_path / "one", {}, "--no-samples")
    stop, acknowledged = threading.Event(), []

    def load() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            done = stack.cli(
                "ingest",
                "-",
                "--source",
                "mill",
                "--id",
                str(number),
                "--json",
                stdin=own_page(f"Tide Mill {number}"),
            )
            if done.returncode == 0:
                acknowledged.append(json.loads(done.stdout)["id"])

    loader = threading.Thread(target=load)
    loader.start()
    try:
        wait_for(lambda: len(acknowledged) >= 5, 60, "five pages are in", stack.process)
        sure = set(acknowledged)
        assert stack.cli("backup", str(tar)).returncode == 0
    finally:
        stop.set()
        loader.join()
        stack.stop()
    assert broadsheet(tmp_path / "two", "restore", str(tar)).returncode == 0
    again = started(tmp_path / "two", {}, "--no-samples")
    try:

        def back() -> set[str]:
            page = json.loads(again.cli("search", "tide mill", "--json", "--limit", "50").stdout)
            return {hit["id"] for hit in page["response"]["results"]}

        wait_for(lambda: sure <= back(), 60, "every acknowledged page is searchable", again.process)
    finally:
        again.stop()
