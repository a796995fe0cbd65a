"""The article store in trouble: full, read-only, killed, stopped. It refuses wholly, in time, and takes again."""

from __future__ import annotations

import asyncio
import gc

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.errors import StoreUnavailable
from shared.store import connect
from shared.store.articles.port import Original
from shared.store.articles.redis import RedisArticleStore
from shared.store.publication_log import PublicationLog
from shared.tasks import cancel_and_wait
from shared.topology import ARTICLE_RECEIVED
from tests.support.builders import make_acceptance, wait_until
from tests.support.store_commits import enrichment, groups, next_entry
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis


class TestTrouble:
    async def test_a_full_store_refuses_wholly_and_takes_again(self, own_valkey: Valkey) -> None:
        client = connect(own_valkey.url)
        store = RedisArticleStore(client)
        await store.accept([make_acceptance()])
        before = {key: await client.dump(key) for key in sorted(await client.keys("*"))}
        await client.config_set("maxmemory", "1")
        for _ in range(20):
            with pytest.raises(StoreUnavailable) as caught:
                await store.accept([make_acceptance(external_id="b"), make_acceptance(text="An update.")])
            assert caught.value.retry_after
        with pytest.raises(StoreUnavailable):
            await store.ping()
        assert {key: await client.dump(key) for key in sorted(await client.keys("*"))} == before
        await client.config_set("maxmemory", "0")
        (outcome,) = await store.accept([make_acceptance(external_id="b")])
        assert outcome.status == "accepted"
        await store.aclose()

    async def test_a_full_store_still_finishes_work(self, own_valkey: Valkey) -> None:
        client = connect(own_valkey.url)
        store = RedisArticleStore(client)
        await groups(client)
        await store.accept([make_acceptance()])
        entry = await next_entry(client, ARTICLE_RECEIVED.key, "enrich")
        await client.config_set("maxmemory", "1")
        assert await store.commit_enriched([enrichment(entry)]) == [True]
        await store.aclose()

    async def test_a_replica_refuses(self, own_valkey: Valkey) -> None:
        client = connect(own_valkey.url)
        store = RedisArticleStore(client)
        await client.replicaof("127.0.0.1", "1")
        with pytest.raises(StoreUnavailable):
            await store.accept([make_acceptance()])
        await client.replicaof("NO", "ONE")
        assert (await store.accept([make_acceptance()]))[0].status == "accepted"
        await store.aclose()

    async def test_what_was_accepted_survives_a_kill(self, own_valkey: Valkey) -> None:
        store = RedisArticleStore(connect(own_valkey.url))
        outcomes = await store.accept([make_acceptance(external_id=str(n)) for n in range(200)])
        own_valkey.kill()
        with pytest.raises(StoreUnavailable):
            await store.accept([make_acceptance()])
        own_valkey.start()
        originals = await store.originals([outcome.article_id for outcome in outcomes])
        assert all(isinstance(original, Original) for original in originals)
        await store.aclose()

    async def test_a_stopped_server_is_given_up_in_time(self, own_valkey: Valkey) -> None:
        import os
        import signal

        store = RedisArticleStore(connect(own_valkey.url))
        await store.accept([make_acceptance()])
        os.kill(own_valkey.pid, signal.SIGSTOP)
        try:
            loop = asyncio.get_running_loop()
            began = loop.time()
            with pytest.raises(StoreUnavailable):
                await store.ping()
            assert loop.time() - began < 4
        finally:
            os.kill(own_valkey.pid, signal.SIGCONT)

        async def answers() -> bool:
            try:
                await store.ping()
            except StoreUnavailable:
                return False
            return True

        await wait_until(answers)
        await store.aclose()

    async def test_a_closed_client_answers_nobody_on_a_new_connection(
        self, own_valkey: Valkey, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The last caller of a shared question leaves, and the service closes while the question is under way."""
        observer = connect(own_valkey.url)
        for turns in range(30):  # how far the question gets before it
            client = connect(own_valkey.url)
            await client.ping()
            caller = asyncio.create_task(PublicationLog(client).bounds())
            for _ in range(turns):
                await asyncio.sleep(0)
            await cancel_and_wait([caller])
            await client.aclose()
            del caller
        with pytest.raises(RedisConnectionError, match="closed"):
            await client.ping()
        del client

        async def alone() -> bool:
            return len(await observer.client_list()) == 1

        await wait_until(alone)
        gc.collect()
        assert caplog.messages == []
        await observer.aclose()
