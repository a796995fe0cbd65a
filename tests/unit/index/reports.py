"""Reports of a few invented events, and the way they take to the index service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.enrich.domain.terms.fingerprint import fingerprint
from services.index.handlers import Indexer
from shared.articles import Article
from shared.events import StoryChange
from shared.store import PublicationLog
from shared.store.articles.redis import RedisArticleStore
from tests.unit.index.enriched import deliver, enrich
from tests.unit.index.test_grouping import FILLER

THIRD = (
    (
        "Mayor Ines Okoro of Lindmouth signed the order for two electric boats, days after the harbour council voted "
        "to reopen the ferry line."
    ),
    "Piet Halloran of the dockers' union said the crews would be hired in Lindmouth.",
)
VOTE = (
    (
        ("The harbour council of Lindmouth voted on Tuesday to reopen the ferry line that closed nineteen years ago."),
        ("Mayor Ines Okoro said after the vote in the customs house that two electric boats will cross the bay."),
    ),
    (
        "Lindmouth gets its ferry line back after nineteen years: the harbour council voted for it on Tuesday.",
        "Two electric boats will be bought, Mayor Ines Okoro said in the customs house after the vote.",
    ),
)
BLOCKADE = (
    (
        (
            "Dockers blocked the quay of Lindmouth on Tuesday and demanded that the harbour council hires the crews "
            "of the ferry in the town."
        ),
        (
            "Piet Halloran of the dockers' union spoke to four hundred workers at the coal gate, where trucks waited "
            "for hours."
        ),
    ),
    (
        "Trucks waited for hours at the coal gate as four hundred dockers blocked the quay of Lindmouth on Tuesday.",
        ("Their union, led by Piet Halloran, demands that the harbour council hires crews of the ferry in the town."),
    ),
)
VOTE_AND_BLOCKADE = (
    (
        "Lindmouth's harbour council voted on Tuesday to reopen the ferry line with two electric boats, while dockers "
        "blocked the quay."
    ),
    (
        "Mayor Ines Okoro spoke in the customs house after the vote; Piet Halloran of the dockers' union, with four "
        "hundred workers at the coal gate, demanded that the crews of the ferry be hired in the town."
    ),
)


async def arrive(
    client: Any, store: RedisArticleStore, ident: str, texts: Sequence[str], title: str = "Lindmouth ferry"
) -> Article:
    return await enrich(
        client,
        store,
        ident,
        text=title + "".join(texts),
        title=title,
        paragraphs=tuple(texts),
        fingerprint=fingerprint(title, texts, "en"),
    )


async def archive(client: Any, store: RedisArticleStore, indexer: Indexer) -> None:
    for number, texts in enumerate(FILLER):
        await arrive(client, store, f"filler-{number}", texts, f"Weather {number}")
    await indexer(await deliver(client))


async def stories(client: Any) -> list[StoryChange]:
    entries = await PublicationLog(client).read("0-0", count=1000)
    return [entry.event for entry in entries if isinstance(entry.event, StoryChange)]
