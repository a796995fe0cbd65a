"""Any order of posts, verbs, deliveries and redeliveries ends where a sequential model says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.index.adapters.write_queue import WriteLimits, WriteQueue
from services.index.handlers import Indexer
from shared.articles import ArticleState
from shared.events import about
from shared.store import PublicationLog, connect
from shared.store.articles.lifecycle import STATE_VERBS, Verb
from shared.store.articles.redis import RedisArticleStore
from shared.store.index_jobs.pending_writes import SubmittedBatches
from tests.support.taking_back import Way
from tests.support.valkey import Valkey
from tests.unit.index.enriched import pending
from tests.unit.index.fake_index import FakeIndex

pytestmark = [pytest.mark.redis, pytest.mark.slow]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.sampled_from(["one", "two", "three"])),
        st.tuples(st.just("act"), st.sampled_from(sorted(STATE_VERBS))),
        st.tuples(st.just("enrich"), st.integers(1, 2)),
        st.tuples(st.just("index"), st.integers(1, 2)),
        st.tuples(st.just("index again"), st.integers(1, 2)),
        st.tuples(st.just("enrich again"), st.integers(1, 2)),
    ),
    max_size=14,
)
SHOWN = frozenset({"published", "updated", "corrected", "restored"})
AFTER = {
    None: {"published"},
    "published": {"updated", "withdrawn", "retracted"},
    "updated": {"updated", "withdrawn", "retracted"},
    "restored": {"updated", "withdrawn", "retracted"},
    "withdrawn": {"restored", "retracted"},
    "retracted": set[str](),
}
"""What the log may say of one article after what it said last."""


@dataclass
class Model:
    """What the producer and the editor were promised, one request after the other."""

    rev: int = 1
    text: str = "one"
    state: str = "shown"

    def post(self, text: str) -> str:
        if self.state == "retracted":
            return "retracted"
        if text == self.text:
            return "unchanged"
        self.rev, self.text = self.rev + 1, text
        return "accepted"

    def act(self, verb: Verb) -> str:
        allowed = {
            Verb.WITHDRAW: {"shown"},
            Verb.RETRACT: {"shown", "withdrawn"},
            Verb.RESTORE: {"withdrawn"},
        }[verb]
        if self.state not in allowed:
            return "wrong-state"
        self.rev += 1
        self.state = {Verb.WITHDRAW: "withdrawn", Verb.RETRACT: "retracted", Verb.RESTORE: "shown"}[verb]
        return "accepted"


async def _run(url: str, steps: list[tuple[str, Any]]) -> None:
    client = connect(url)
    await client.flushall()
    index = FakeIndex()
    store = RedisArticleStore(client)
    write_queue = WriteQueue(
        index, SubmittedBatches(client), WriteLimits(gather=0.0, first_poll=0.001, last_poll=0.002)
    )
    way, model = Way(client, store, Indexer(store, write_queue)), Model()
    try:
        await way.open()
        ident = (await way.post("one")).article_id
        for kind, value in steps:
            if kind == "post":
                assert (await way.post(value)).status == model.post(value)
            elif kind == "act":
                assert (await way.act(value, ident)).status == model.act(value)
            elif kind.startswith("enrich"):
                await way.enrich(value, twice="again" in kind)
            else:
                await way.index(value, twice="again" in kind)
            (record,) = await store.records([ident])
            assert record is not None
            assert record.rev == model.rev
        await way.drain()
        await _judge(way, index, ident, model)
    finally:
        await write_queue.aclose()
        await client.aclose()


async def _judge(way: Way, index: FakeIndex, ident: str, model: Model) -> None:
    (record,) = await way.store.records([ident])
    assert record is not None
    wanted = {"shown": ArticleState.PUBLISHED, "withdrawn": ArticleState.WITHDRAWN, "retracted": ArticleState.RETRACTED}
    assert record.state is wanted[model.state]
    shown = {key: (doc.title, doc.rev) for key, doc in index.visible.items()}
    assert shown == ({ident: (model.text, model.rev)} if model.state == "shown" else {})
    events = [entry.event for entry in await PublicationLog(way.client).read("0-0", count=1000)]
    last: str | None = None
    revs = [about(event).rev for event in events]
    assert revs == sorted(set(revs)), "an event was told twice or out of order"
    for event in events:
        kind = event.meta.type.removeprefix("article.")
        assert kind in AFTER[last], f"{kind} after {last}"
        last = kind
    if model.state == "shown":
        assert last in SHOWN
        assert revs[-1] == model.rev
    else:
        assert last not in SHOWN  # nothing at all when it was taken back before it was announced
    assert await pending(way.client) == 0


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_any_order_ends_where_the_model_says(valkey: Valkey, steps: list[tuple[str, Any]]) -> None:
    asyncio.run(_run(valkey.url, steps))
