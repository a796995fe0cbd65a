"""The operator commands on a running stack."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from shared.store import connect
from shared.topology import ARTICLE_RECEIVED
from tests.e2e.running_stack import RunningStack, answer, broadsheet, environment, own_page, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.redis, pytest.mark.timeout(180)]

PAGE = """The Lighthouse of Cape Mirel Gets a Second Lamp

The first one is still burning, and nobody may touch it

The keepers of Cape Mirel lit a second lamp on Sunday, because the first one is now a monument and may not be repaired.
Ships that pass the cape will see both for as long as the old lamp lasts, which the keepers put at eleven years.

The new lamp needs a hundredth of the power and turns without a sound. The old one is louder than the sea on a calm
night, and the village below has asked for a recording of it.

Tags: #Shipping #Heritage
"""


def test_status_shows_every_process_ready(stack: RunningStack) -> None:
    shown = answer(stack.cli("status", "--json"))
    assert {row["service"]: row["ready"] for row in shown["services"]} == dict.fromkeys(
        ["redis", "ingest", "enrich", "index", "serve", "notify"], True
    )
    assert stack.cli("status").returncode == 0


def test_a_page_goes_in_and_is_found(stack: RunningStack, tmp_path: Path) -> None:
    page = tmp_path / "cape mirel.txt"
    page.write_text(PAGE, encoding="utf-8")
    sent = answer(stack.cli("ingest", str(page), "--source", "cape-post", "--id", "lamp", "--wait", "--json"))
    assert sent["status"] == "accepted"
    assert sent["article"]["title"] == "The Lighthouse of Cape Mirel Gets a Second Lamp"
    assert {tag["slug"] for tag in sent["article"]["tags"]} == {"shipping", "heritage"}

    found = answer(stack.cli("search", "lighthose mirel", "--json"))["response"]["results"]
    assert found[0]["id"] == sent["id"]
    people = stack.cli("search", "mirel")
    assert "The Lighthouse of Cape Mirel Gets a Second Lamp" in people.stdout

    again = answer(stack.cli("ingest", str(page), "--source", "cape-post", "--id", "lamp", "--json"))
    assert (again["status"], again["rev"]) == ("unchanged", 1)


def test_standard_input_json_and_html_are_read_by_their_type(stack: RunningStack) -> None:
    body = {"title": "A Note on Tides", "paragraphs": ["The tide tables of Mirel were printed twice this year."]}
    fields = ("--type", "json", "--source", "cape-post", "--id", "tides", "--json")
    assert answer(stack.cli("ingest", "-", *fields, stdin=json.dumps(body).encode()))["status"] == "accepted"
    html = (
        b"<html><body><article><h1>Rope</h1><p>"
        + b"A rope that is coiled wet is a rope lost. " * 20
        + b"</p></article></body></html>"
    )
    sent = answer(
        stack.cli("ingest", "-", "--type", "html", "--url", "https://cape.example/rope", "--json", stdin=html)
    )
    assert sent["status"] == "accepted"


@pytest.mark.parametrize("suffix", [".ndjson", ".jsonl.zst", ".ndjson.gz"])
def test_bulk_files_give_one_verdict_per_line(stack: RunningStack, tmp_path: Path, suffix: str) -> None:
    lines = [
        json.dumps({"source": "bulk", "external_id": f"{suffix}-{n}", "title": f"Bulk {n}", "text": f"Line {n} of it."})
        for n in range(1_200)
    ]
    lines[700] = '{"broken'
    data = "\n".join(lines).encode()
    packed = {".ndjson": bytes, ".jsonl.zst": zstandard.compress, ".ndjson.gz": gzip.compress}[suffix](data)
    path = tmp_path / f"dump{suffix}"
    path.write_bytes(packed)
    done = stack.cli("ingest", str(path), "--json")
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1, "a refused line must show in the exit code"
    assert [verdict["line"] for verdict in verdicts] == list(range(1, 1_201))
    assert [verdict["line"] for verdict in verdicts if verdict["status"] != "accepted"] == [701]
    assert "line 701" in done.stderr


def test_a_broken_archive_is_one_clear_line(stack: RunningStack, tmp_path: Path) -> None:
    path = tmp_path / "dump.jsonl.zst"
    path.write_bytes(b"this is not zstd")
    done = stack.cli("ingest", str(path))
    assert done.returncode == 1
    assert "broken compressed file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_refused_page_names_the_reason(stack: RunningStack) -> None:
    done = stack.cli("ingest", "-", stdin=b"\x00\x01\x02")
    assert done.returncode == 1
    assert "-: 4" in done.stderr
    assert "Traceback" not in done.stderr


def test_tail_shows_history_and_then_what_comes(stack: RunningStack) -> None:
    done = stack.cli("tail", "--since", "earliest", "--count", "3", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert len(events) == 3
    assert all(event["data"]["data"]["title"] for event in events)

    live = subprocess.Popen(
        [sys.executable, "-m", "broadsheet", "tail", "--since", events[-1]["cursor"], "--json"],
        env=environment(stack.data), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        stack.cli(
            "ingest", "-", "--source", "cape-post", "--id", "tailed", stdin=own_page("The Second Lamp of Tailwind")
        )
        assert live.stdout is not None
        seen = []
        while not any("Tailwind" in title for title in seen):
            event = json.loads(live.stdout.readline())
            seen.append(event["data"]["data"]["title"])
    finally:
        live.terminate()
        live.communicate(timeout=20)


def test_tail_goes_on_after_serve_was_killed(stack: RunningStack) -> None:
    live = subprocess.Popen(
        [sys.executable, "-m", "broadsheet", "tail", "--since", "earliest", "--json"],
        env=environment(stack.data), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert live.stdout is not None
        cursors = [json.loads(live.stdout.readline())["cursor"]]
        before = stack.state.pids["serve"]
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: stack.state.pids.get("serve", before) != before and stack.ready("serve"), 30, "serve is back")
        page = own_page("The Second Lamp of Aftermath")
        assert stack.cli("ingest", "-", "--source", "cape-post", "--id", "after", stdin=page).returncode == 0
        title = ""
        while "Aftermath" not in title:
            event = json.loads(live.stdout.readline())
            cursors.append(event["cursor"])
            title = event["data"]["data"]["title"]
    finally:
        live.terminate()
        live.communicate(timeout=20)
    assert len(cursors) == len(set(cursors)), "an event came twice"


def test_keys_are_made_used_listed_and_revoked(stack: RunningStack) -> None:
    sources = ("--source", "lamp", "--source", "mill*")
    made = answer(stack.cli("keys", "create", "feed robot", "--scope", "ingest", *sources, "--json"))
    assert made["sources"] == ["lamp", "mill*"]
    page, key = own_page("The Second Lamp of Keyhole"), made["key"]
    send = ("ingest", "-", "--source", "mill-post")
    foreign = stack.cli("ingest", "-", "--source", "cape-post", stdin=page, BROADSHEET_API_KEY=key)
    assert foreign.returncode == 1
    assert "'cape-post' is not one this key may write; it writes lamp, mill*" in foreign.stderr
    assert stack.cli(*send, stdin=page, BROADSHEET_API_KEY=key).returncode == 0
    assert stack.cli("keys", "revoke", made["id"], "--dry-run").returncode == 0
    assert stack.cli(*send, stdin=page, BROADSHEET_API_KEY=key).returncode == 0, "a dry run revoked it"
    assert stack.cli("keys", "allow", made["id"]).returncode == 2
    assert stack.cli("keys", "allow", "nobody", "--all-sources").returncode == 1
    assert "all sources" in stack.cli("keys", "allow", made["id"], "--all-sources").stdout
    assert stack.cli("keys", "revoke", made["id"]).returncode == 0
    deadline = time.monotonic() + 5  # a revocation acts within 5 s
    while (refused := stack.cli(*send, stdin=page, BROADSHEET_API_KEY=key)).returncode == 0:
        assert time.monotonic() < deadline, "the revoked key still works"
    assert refused.returncode == 1
    assert "401" in refused.stderr
    listed = stack.cli("keys", "list", "--json")
    row = next(row for row in answer(listed) if row["id"] == made["id"])
    assert row["revoked_at"]
    secret = made["key"].split("_", 2)[2]  # a secret may have underscores of its own
    assert len(secret) > 40
    assert secret not in listed.stdout, "a secret was shown again"
    assert stack.cli("keys", "create", "x", "--scope", "everything").returncode == 2
    assert stack.cli("keys", "revoke", "nobody").returncode == 1


async def test_a_garbage_entry_is_a_dead_letter_that_can_be_seen_retried_and_dropped(stack: RunningStack) -> None:
    client = connect(stack.state.redis_url)
    await client.xadd(ARTICLE_RECEIVED.key, {"garbage": b"\xff\x1b[2J"})
    await client.aclose()

    def letters() -> list[dict[str, Any]]:
        return list(answer(stack.cli("dead", "list", "--json")))

    wait_for(letters, 20, "the garbage is dead")
    (letter,) = letters()
    assert letter["rule"] == "malformed-entry"
    shown = stack.cli("dead", "show", letter["dead_id"])
    assert "garbage" in shown.stdout
    assert "\x1b" not in shown.stdout
    doctor = stack.cli("doctor")
    assert doctor.returncode == 1
    assert "RED\tdead letters" in doctor.stdout

    assert answer(stack.cli("dead", "retry", letter["dead_id"], "--dry-run", "--json"))[0]["entry_id"] is None
    assert len(letters()) == 1, "a dry run moved it"
    assert answer(stack.cli("dead", "retry", "--all", "--rule", "malformed-entry", "--json"))[0]["entry_id"]
    wait_for(lambda: [item["dead_id"] for item in letters()] not in ([], [letter["dead_id"]]), 20, "it died again")
    (letter,) = letters()
    assert stack.cli("dead", "drop", letter["dead_id"]).returncode == 2, "dropping needs a reason"
    assert stack.cli("dead", "drop", letter["dead_id"], "--reason", "test", "--dry-run").returncode == 0
    assert stack.cli("dead", "drop", letter["dead_id"], "--reason", "test").returncode == 0
    assert letters() == []
    assert stack.cli("dead", "show", letter["dead_id"]).returncode == 1


def test_the_doctor_finds_nothing_wrong_with_a_fresh_stack(stack: RunningStack) -> None:
    done = stack.cli("doctor", "--probe", "--json")
    findings = {item["check"]: item for item in json.loads(done.stdout)}
    assert [(name, item["found"]) for name, item in findings.items() if not item["ok"]] == []
    assert done.returncode == 0
    wanted = {"server", "fsync policy", "eviction policy", "clock", "consumer groups", "dead letters"}
    wanted |= {"enrich heartbeat", "index heartbeat", "store and index", "whole path", "data directory"}
    wanted |= {"notify heartbeat", "webhook reading", "webhook queue", "webhook endpoints"}
    assert wanted <= set(findings)


async def test_the_doctor_sees_a_server_that_could_lose_data(stack: RunningStack) -> None:
    client = connect(stack.state.redis_url)
    await client.config_set("appendfsync", "everysec")
    await client.config_set("maxmemory-policy", "allkeys-lru")
    await client.config_set("auto-aof-rewrite-percentage", 0)
    try:
        done = stack.cli("doctor", "--json")
    finally:
        await client.config_set("appendfsync", "always")
        await client.config_set("maxmemory-policy", "noeviction")
        await client.config_set("auto-aof-rewrite-percentage", 100)
        await client.aclose()
    red = {item["check"] for item in json.loads(done.stdout) if not item["ok"]}
    assert {"fsync policy", "eviction policy", "log rewriting"} <= red
    assert done.returncode == 1


def test_lag_and_topology_name_every_group(stack: RunningStack) -> None:
    rows = answer(stack.cli("lag", "--json"))
    assert {(row["stream"], row["group"]) for row in rows} == {
        ("article.received.v1", "enrich"),
        ("article.enriched.v1", "index"),
    }
    streams = {row["stream"]: row for row in answer(stack.cli("topology", "--json"))}
    assert streams["publications.v1"]["keep_days"] is None
    assert stack.cli("lag").returncode == stack.cli("topology").returncode == 0


def drained(stack: RunningStack) -> bool:
    """Whether all that other tests have posted is searchable or dead by now."""
    return all(row["waiting"] == row["pending"] == 0 for row in answer(stack.cli("lag", "--json")))


def test_reindex_rebuilds_while_search_goes_on(stack: RunningStack) -> None:
    wait_for(lambda: drained(stack), 150, "the pipeline ran empty")
    url = f"{stack.state.serve_url}/v1/search"
    count = httpx.get(url, timeout=10).json()["response"]["total"]
    planned = answer(stack.cli("reindex", "--dry-run", "--json"))["articles"]
    done = answer(stack.cli("reindex", "--json"))
    assert planned >= done["total"] > 0
    assert (done["phase"], done["error"]) == ("done", "")
    assert httpx.get(url, timeout=10).json()["response"]["total"] == count


def test_commands_without_a_stack_say_so_in_one_line(tmp_path: Path) -> None:
    for command in (["status"], ["search", "x"], ["lag"], ["keys", "list"], ["ingest", "-"], ["reindex"]):
        done = broadsheet(tmp_path, *command)
        assert done.returncode == 1, command
        assert done.stderr.startswith("error: nothing is running here"), (command, done.stderr)
        assert done.stderr.count("\n") == 1
