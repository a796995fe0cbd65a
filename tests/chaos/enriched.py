"""Many articles as enrich leaves them behind, committed straight to the store: for tests of the index service alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from shared.articles import Article, InputKind
from shared.events import ArticleReceived, ArticleRef
from shared.ids import article_id
from shared.store.articles.port import Acceptance, Entry
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_RECEIVED
from tests.chaos.producer import _WORDS as WORDS
from tests.support.builders import NOON, make_acceptance, make_article, make_enrichment
from tests.unit.index.enriched import make_groups

_AT_ONCE = 200


def report(number: int, **fields: Any) -> Article:
    """An article with words of its own; `fields` may spoil it."""
    dice = random.Random(number)
    paragraphs = tuple(
        " ".join(dice.choice(WORDS) for _ in range(40)).capitalize() + "." for _ in range(dice.randint(3, 6))
    )
    values: dict[str, Any] = {
        "id": article_id("external", "chaos-gazette", str(number)),
        "title": f"Report {number} {dice.choice(WORDS)} {dice.choice(WORDS)}",
        "paragraphs": paragraphs,
        "summary": paragraphs[0],
        "word_count": 40 * len(paragraphs),
        "signature": tuple((word, dice.random()) for word in dice.sample(WORDS, 12)),
    }
    return make_article(**(values | fields))


async def commit(client: Any, articles: Sequence[Article]) -> None:
    """Accept and enrich them, many in each round trip."""
    store = RedisArticleStore(client)
    await make_groups(client)
    for at in range(0, len(articles), _AT_ONCE):
        part = articles[at : at + _AT_ONCE]
        await store.accept([_acceptance(article) for article in part])
        answer = await client.xreadgroup("enrich", "tests", {ARTICLE_RECEIVED.key: ">"}, count=len(part))
        rows = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
        entries = [Entry(row[0].decode(), "enrich") for row in rows]
        assert all(await store.commit_enriched([make_enrichment(*each) for each in zip(entries, part, strict=True)]))


def _acceptance(article: Article) -> Acceptance:
    ref = ArticleRef(article_id=article.id, rev=1, kind=InputKind.TEXT)
    event = ArticleReceived(meta=ArticleReceived.meta_for(producer="ingest", now=NOON), article=ref)
    return make_acceptance(external_id=article.id, text=article.title, article_id=article.id, event=event)
