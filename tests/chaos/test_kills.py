"""Kill everything, again and again, under load: nothing that was acknowledged is lost, nothing is announced twice.

Seed and scale come from the environment: CHAOS_SEED, CHAOS_ARTICLES, CHAOS_KILLS, CHAOS_SECONDS.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from typing import Any

import pytest

from shared.store import Credentials
from shared.tasks import cancel_and_wait
from tests.chaos.checker import Evidence, faults
from tests.chaos.evidence import dead_letters, gather_evidence, unfinished, whole_index, whole_log, whole_store
from tests.chaos.ledger import Ledger
from tests.chaos.processes import ENRICHERS, System
from tests.chaos.producer import Producer, plan
from tests.chaos.sizes import sized
from tests.support.builders import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(420)]

SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
ARTICLES = int(os.environ.get("CHAOS_ARTICLES") or sized(5000, 1500))
KILLS = int(os.environ.get("CHAOS_KILLS") or sized(42, 24))
SECONDS = float(os.environ.get("CHAOS_SECONDS") or sized(130.0, 65.0))
CONVERGE_SECONDS = 120.0  # a backlog of parsing on two busy cores; what is checked is that nothing is lost
_OLD_ENOUGH_SECONDS = 2.5


def victims(dice: random.Random, count: int) -> list[str]:
    """Every service and Valkey in turn, each turn in another order; the two enrichers count as one service each."""
    names = ["ingest", *ENRICHERS, "index", "index", "serve", "valkey"]
    order: list[str] = []
    while len(order) < count:
        order += dice.sample(names, len(names))
    return order[:count]


async def kill_all_over(system: System, dice: random.Random, kills: int, seconds: float) -> None:
    """Spread the kills over the load, at uneven moments, among processes old enough to be at work."""
    for name in victims(dice, kills):
        await asyncio.sleep(dice.uniform(0.4, 1.6) * seconds / kills)
        await wait_until(lambda name=name: system.can_be_killed(name, age=_OLD_ENOUGH_SECONDS), timeout=30, what=name)
        await system.kill(name)


async def converged(system: System, client: Any) -> bool:
    """Whether no work is left and the index holds what the store published."""
    if await unfinished(client):
        return False
    stored = {ident: row.published_rev for ident, row in (await whole_store(client)).items()}
    return dict(await whole_index(system)) == stored


def report(system: System, evidence: Evidence, retries: int, seconds: float) -> None:
    statuses = Counter(ack.status for ack in evidence.ledger.acks)
    print(
        f"\nchaos seed={SEED}: {len(evidence.ledger.acks)} acknowledgements {dict(statuses)} of "
        f"{len(evidence.ledger.latest())} articles, {retries} retries; {sum(system.kills.values())} SIGKILLs "
        f"{system.kills}; {len(evidence.log)} events, {len(evidence.index)} documents; "
        f"index = store {seconds:.1f} s after the load; "
        f"exits { ({name: Counter(service.exits) for name, service in system.services.items()}) }"
    )


async def test_nothing_is_lost_and_nothing_is_announced_twice(system: System, client: Any) -> None:
    print(f"\nchaos seed={SEED}")
    key, _ = await Credentials(client).create("chaos", frozenset({"ingest"}), sources={"*"})
    ledger = Ledger()
    producer = Producer(system.services["ingest"].base_url, key, ledger)
    keeping = asyncio.create_task(system.keep_running())
    killing = asyncio.create_task(kill_all_over(system, random.Random(SEED), KILLS, SECONDS * 0.95))
    await producer.send(plan(ARTICLES, SEED), seconds=SECONDS, give_up_after=SECONDS * 2)
    await killing
    over = time.monotonic()
    await wait_until(lambda: converged(system, client), timeout=CONVERGE_SECONDS, what="index = store")
    took = time.monotonic() - over
    await system.all_ready()
    evidence = await gather_evidence(system, client, ledger)
    await cancel_and_wait([keeping])
    report(system, evidence, ledger.retries, took)
    assert producer.refusals == []
    assert await dead_letters(client) == []
    assert faults(evidence) == []
    assert sum(system.kills.values()) >= KILLS
    assert set(system.kills) == {*system.services, "valkey"}
    assert len(ledger.latest()) == ARTICLES
    assert len(await whole_log(client)) == len(evidence.log)  # nothing more came in the meantime
