"""Poison in the middle of good work: each ends as a dead letter with its reason, and its neighbours get through."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.ids import article_id
from shared.store import Credentials
from shared.tasks import cancel_and_wait
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.chaos.evidence import dead_letters, unfinished, whole_index, whole_log
from tests.chaos.ledger import Ledger
from tests.chaos.processes import ENRICHERS, System
from tests.chaos.producer import SOURCE, Producer, Request
from tests.chaos.sizes import sized
from tests.support.builders import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(480)]

ARTICLES = 400
KINDS = {"raise": 12, "segfault": sized(4, 2), "loop": sized(2, 1)}
GARBAGE: list[dict[str, bytes]] = [
    {"nonsense": b"1"},
    {"__data__": b""},
    {"__data__": b"\xff\xfe\x00garbage"},
    {"__data__": b"{}"},
    {"__data__": b'{"meta": 1}'},
    {"__data__": b"{" * 5000},
    {"__data__": b"\x89BIN\r\n\x1a\n\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff"},
    {"__data__": b"\x89BIN\r\n\x1a\n"},
]
SEED = 7
DEAD_WITHIN_SECONDS = 200.0  # about 15 workers die and start again, on processors that others use too


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    cupboard = tmp_path / "poison.json"
    module = Path(__file__).with_name("poisoned_enrich.py")
    wrapped = {name: [sys.executable, str(module)] for name in ENRICHERS}
    system = System(
        tmp_path,
        entry_points=wrapped,
        CHAOS_POISON=str(cupboard),
        BROADSHEET_STALL_SECONDS="3",  # how long a worker may loop before it ends itself
        PYTHONPATH=str(Path(__file__).parents[2]),
    )
    async with system.running():
        yield system


def poison(names: list[str]) -> dict[str, str]:
    """Article id -> what it does, for a few articles in the middle of the others."""
    kinds = [kind for kind, count in KINDS.items() for _ in range(count)]
    chosen = random.Random(SEED).sample(names, len(kinds))
    return {article_id("external", SOURCE, name): kind for name, kind in zip(chosen, kinds, strict=True)}


async def test_poison_dies_alone(system: System, client: Any, tmp_path: Path) -> None:
    requests = [Request(f"{SEED}-{number}", 1, f"poison-{number}") for number in range(ARTICLES)]
    poisoned = poison([request.external_id for request in requests])
    (tmp_path / "poison.json").write_text(json.dumps(poisoned))
    key, _ = await Credentials(client).create("chaos", frozenset({"ingest"}), sources={"*"})
    ledger = Ledger()
    keeping = asyncio.create_task(system.keep_running())
    started = time.monotonic()
    sending = asyncio.create_task(
        Producer(system.services["ingest"].base_url, key, ledger).send(requests, seconds=5, give_up_after=60)
    )
    for stream in (ARTICLE_RECEIVED, ARTICLE_ENRICHED):
        for fields in GARBAGE:
            await client.xadd(stream.key, fields)
    await sending
    sent = time.monotonic()

    good = {ack.article_id for ack in ledger.acks} - set(poisoned)

    async def neighbours_done() -> bool:
        return {event.article_id for event in await whole_log(client)} >= good

    await wait_until(neighbours_done, timeout=DEAD_WITHIN_SECONDS, what="the neighbours")
    neighbours_after = time.monotonic() - sent
    expected = len(poisoned) + 2 * len(GARBAGE)

    async def all_dead() -> bool:
        return len(await dead_letters(client)) >= expected and await unfinished(client) == 0

    await wait_until(all_dead, timeout=DEAD_WITHIN_SECONDS, what=f"{expected} dead letters")
    dead_after = time.monotonic() - sent
    letters = await dead_letters(client)
    rules = Counter(letter["dead_rule"] for letter in letters)
    deaths = sum(len(system.services[name].exits) for name in ENRICHERS)
    print(
        f"\npoison: {len(good)} neighbours done {neighbours_after:.1f} s and {len(letters)} dead letters "
        f"{dict(rules)} {dead_after:.1f} s after the load of {sent - started:.1f} s; {deaths} worker deaths "
        f"{ ({name: Counter(system.services[name].exits) for name in ENRICHERS}) }"
    )
    await system.all_ready()
    await cancel_and_wait([keeping])
    assert len(letters) == expected
    assert all(letter["dead_reason"] for letter in letters)
    assert rules["max-deliveries"] == KINDS["raise"]
    assert rules["process-killer"] == KINDS["segfault"] + KINDS["loop"]
    assert deaths <= 4 * (KINDS["segfault"] + KINDS["loop"])
    assert {event.article_id for event in await whole_log(client)} == good
    assert {ident for ident, _ in await whole_index(system)} == good
