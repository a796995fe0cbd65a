"""`broadsheet up` as a newcomer runs it, and what it does when things die."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from broadsheet.supervisor.samples import SOURCE as SAMPLES
from tests.e2e.running_stack import FREE_PORTS, UP_SECONDS, RunningStack, alive, broadsheet, descendants, wait_for
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.slow, pytest.mark.redis, pytest.mark.timeout(240)]

SELF_CHECK = re.compile(
    r"^self-check ok: accepted \d+ ms, enriched \d+ ms, searchable \d+ ms, streamed \d+ ms$", re.MULTILINE
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One running stack for the tests that do not stop it; its path has a space in it."""
    running = RunningStack(tmp_path_factory.mktemp("my data") / "data").start()
    yield running
    running.stop()


def test_the_first_start_ends_with_the_self_check_the_key_and_the_addresses(stack: RunningStack) -> None:
    output = stack.output()
    assert SELF_CHECK.search(output), output[-3000:]
    key = (stack.data / "local-key").read_text().strip()
    assert key.startswith("bsk_")
    assert key in output
    assert f"{stack.state.serve_url}/" in output
    for address in re.findall(r"^(?:reader|API) +(\S+)$", output, re.MULTILINE):
        assert httpx.get(address, timeout=10).status_code == 200, address
    assert "8 sample pages posted" in output


def test_secrets_are_readable_by_the_owner_only(stack: RunningStack) -> None:
    private = [stack.run_file, stack.data / "local-key", stack.data / "redis-password"]
    private += [stack.data / "redis-valkey9" / "server.conf", *(stack.data / "logs").glob("*.log")]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in private}
    assert set(modes.values()) == {0o600}, modes


def test_the_sample_pages_are_there_to_be_read(stack: RunningStack) -> None:
    def found() -> list[str]:
        answer = httpx.get(f"{stack.state.serve_url}/v1/search", params={"q": "harbour tram"}, timeout=10)
        return [hit["title"] for hit in answer.json()["response"]["results"]]

    wait_for(lambda: any("Harbour Tram" in title for title in found()), 10, "the sample is searchable")


def test_the_sample_pages_have_related_articles_and_no_wrong_ones(stack: RunningStack) -> None:
    """Eight articles say nothing about how rare a word is; a newcomer still sees that the lists work."""
    url = f"{stack.state.serve_url}/v1"

    def related() -> dict[str, list[str]]:
        listed = httpx.get(f"{url}/search", params={"source": "broadsheet-samples", "page-size": 20}, timeout=10)
        results = listed.json()["response"]["results"]
        found = {}
        for one in results:
            near = httpx.get(f"{url}/articles/{one['id']}/related", timeout=10).json()["response"]["results"]
            found[one["title"]] = [hit["title"] for hit in near]
        return found

    def of(found: dict[str, list[str]], word: str) -> list[str]:
        return next(near for title, near in found.items() if word in title)

    wait_for(lambda: len(related()) == 8, 10, "all sample pages")
    found = related()
    assert "Night Ferries" in of(found, "Harbour Tram")[0]
    assert "Harbour Tram" in of(found, "Night Ferries")[0]
    assert "Bird Songs" in of(found, "A Lake That")[0]
    assert of(found, "Sorrel Valley") == [], "made, cook and upper are no reason"
    assert sum(map(bool, found.values())) >= 5


def test_the_canary_is_one_article_and_in_no_list(stack: RunningStack) -> None:
    url = f"{stack.state.serve_url}/v1/search"
    canaries = httpx.get(url, params={"source": "broadsheet-selfcheck"}, timeout=10).json()["response"]
    newest = httpx.get(url, params={"page-size": 100}, timeout=10).json()["response"]["results"]
    assert len([hit for hit in canaries["results"] if hit["title"].startswith("Self-check canary")]) == 1
    assert newest
    assert {hit["source"] for hit in newest}.isdisjoint({"broadsheet-selfcheck"})


def test_the_self_check_passes_every_step_and_can_be_repeated(stack: RunningStack) -> None:
    for _ in range(2):
        steps = json.loads(stack.cli("selfcheck", "--json").stdout)
        assert [step["name"] for step in steps if step["ok"]] == [
            "accept", "enrich", "search", "event stream", "search with a typo", "related"
        ]  # fmt: skip


def test_the_self_check_fails_where_it_stops(stack: RunningStack) -> None:
    done = stack.cli("selfcheck", BROADSHEET_INGEST_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL	canary	at ingest: ")
    assert done.stdout.endswith("self-check FAILED\n")


def test_a_second_up_on_the_same_data_is_refused(stack: RunningStack) -> None:
    second = broadsheet(stack.data, "up", *FREE_PORTS)
    assert second.returncode == 2
    assert f"another `broadsheet up` (pid {stack.pid})" in second.stderr
    assert stack.ready("serve")


@pytest.mark.chaos
@pytest.mark.parametrize("service", ["ingest", "enrich", "index", "serve", "notify", "redis"])
def test_a_killed_process_is_started_again(stack: RunningStack, service: str) -> None:
    before = stack.state.pids[service]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: stack.state.pids.get(service, before) != before, 15, f"{service} has a new pid")
    for name in ("ingest", "enrich", "index", "serve", "notify"):
        wait_for(lambda name=name: stack.ready(name), 30, f"{name} is ready again")
    assert stack.state.restarts[service] >= 1
    assert f"{service} was killed by SIGKILL; starting it again" in stack.output()
    checked = stack.cli("doctor", "--probe")
    assert "self-check ok" in checked.stdout, checked.stdout + checked.stderr


@pytest.mark.chaos
def test_killing_the_supervisor_leaves_no_orphans_and_loses_nothing(tmp_path: Path) -> None:
    """Killed the moment that the pages are accepted, when some are still on their way."""
    running = RunningStack(tmp_path / "data").launch()
    wait_for(lambda: "8 sample pages posted" in running.output(), UP_SECONDS, "the samples are posted", running.process)
    family = descendants(running.pid)
    assert set(running.state.pids.values()) <= family
    running.stop(signal.SIGKILL)
    wait_for(lambda: not alive(family), 15, f"all {len(family)} processes are gone")

    again = RunningStack(tmp_path / "data").start()
    url = f"{again.state.serve_url}/v1/search"

    def found(**query: str) -> int:
        return int(httpx.get(url, params=query, timeout=10).json()["response"]["total"])

    # What a killed consumer held is taken over once it has been idle for as long as a live one may be.
    wait_for(lambda: found(q="clockmaker") == 1 and found(source=SAMPLES) == 8, 60, "every accepted page is searchable")
    code = again.stop()
    assert "API key" not in again.output(), "the second start made another key"
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_clean(tmp_path: Path, number: signal.Signals) -> None:
    running = RunningStack(tmp_path / "data", ("--only=ingest", *FREE_PORTS)).start()
    family = descendants(running.pid)
    assert running.stop(number) == 0
    assert not alive(family)
    assert not running.run_file.exists()
    assert running.output().rstrip().endswith("stopped")


def test_taken_ports_are_replaced_and_printed(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is no listener
        try:
            taken.bind(("127.0.0.1", 8001))
            taken.listen()
        except OSError:
            pass  # somebody else has it: just as good
        running = RunningStack(tmp_path / "data", ("--only=ingest", "--port-redis=0")).start()
        port = running.state.ports["ingest"]
        running.stop()
    assert port != 8001
    assert f"http://127.0.0.1:{port}/v1/articles" in running.output()


def test_an_existing_server_is_used_instead_of_our_own(tmp_path: Path, own_valkey: Valkey) -> None:
    running = RunningStack(tmp_path / "data", ("--only=ingest", *FREE_PORTS), {"BROADSHEET_REDIS_URL": own_valkey.url})
    running.start()
    pids = running.state.pids
    running.stop()
    assert set(pids) == {"ingest"}
    assert not list(running.data.glob("redis-*"))
    assert own_valkey.process is not None
    assert own_valkey.process.poll() is None, "a server that is not ours was stopped"


def test_an_existing_server_that_does_not_answer_is_one_clear_line(tmp_path: Path) -> None:
    done = broadsheet(tmp_path / "data", "up", BROADSHEET_REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 2
    assert done.stderr.startswith("error: BROADSHEET_REDIS_URL does not answer")
    assert "Traceback" not in done.stderr
