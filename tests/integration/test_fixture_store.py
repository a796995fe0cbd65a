"""The fixtures themselves: a store on a real server takes an original and gives it back."""

from __future__ import annotations

from shared.envelope import decode
from shared.events import ArticleReceived
from shared.store.articles.port import Original
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_RECEIVED
from tests.support.builders import HARBOUR, make_acceptance


async def test_an_accepted_original_is_durable_and_announced(store: RedisArticleStore, redis_client) -> None:
    first = make_acceptance()
    (outcome,) = await store.accept([first])
    assert (outcome.status, outcome.rev) == ("accepted", 1)
    (again,) = await store.accept([first])
    assert (again.status, again.rev) == ("replayed", 1)
    (original,) = await store.originals([outcome.article_id])
    assert isinstance(original, Original)
    assert original.data.decode() == HARBOUR
    entries = await redis_client.xrange(ARTICLE_RECEIVED.key)
    assert len(entries) == 1
    event = ArticleReceived.from_json(decode(entries[0][1])[1])
    assert event.article.rev == 1
    (record,) = await store.records([outcome.article_id])
    assert record is not None
    assert record.state == "received"
