"""The engines that the behaviour suite runs on, and the documents it uses. Our own text throughout."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.articles import Card, Tag
from shared.search import open_index
from shared.search.port import Cap, IndexDoc, IndexSpec, SearchIndex, SearchQuery, WriteOutcome, WriteReceipt
from shared.settings import BaseServiceSettings
from tests.contracts.differences import DIFFERENCES
from tests.support.builders import wait_until
from tests.support.meilisearch import Meilisearch, missing

SPEC = IndexSpec(version="contract-1")
DAY = 86_400
EPOCH_DAY = 1_767_225_600  # 2026-01-01


@dataclass(frozen=True)
class Engine:
    """One engine of the suite: how to open it on a directory, or why it cannot run here."""

    name: str
    open: Callable[[Path, bool], SearchIndex] | None
    """None: the fixture `engine` puts in the server of the session."""
    missing: str | None = None
    shares_directory: bool = False
    """Other processes reach the same index through the directory alone."""

    def differs(self, name: str) -> bool:
        """Whether this engine has the permitted difference; a name that the table does not have is an error."""
        assert name in {row.name for row in DIFFERENCES}
        return (self.name, name) in {(row.engine, row.name) for row in DIFFERENCES}


def embedded(root: Path, writer: bool) -> SearchIndex:
    settings = BaseServiceSettings(BROADSHEET_INDEX_URL=f"embedded:{root}")
    return open_index(settings, writer=writer)


def on_server(server: Meilisearch, root: Path, writer: bool) -> SearchIndex:
    """An index of its own per directory, on the server of the session."""
    name = hashlib.blake2b(str(root).encode(), digest_size=8).hexdigest()
    settings = BaseServiceSettings(
        BROADSHEET_INDEX_URL=f"meilisearch:{server.url}#{name}", BROADSHEET_INDEX_KEY=server.key
    )
    return open_index(settings, writer=writer)


ENGINES = (
    Engine("embedded", embedded, shares_directory=True),
    Engine("meilisearch", None, missing=missing()),
)


def signature(text: str) -> tuple[tuple[str, float], ...]:
    counts = Counter(word for word in re.findall(r"\w{4,}", text.lower()))
    return tuple((word, float(count)) for word, count in counts.most_common(60))


def article(ident: str, title: str, body: str = "", **fields: Any) -> IndexDoc:
    """A document; `day` (days after 2026-01-01) dates it, other fields are those of IndexDoc."""
    dated_at = EPOCH_DAY + int(fields.pop("day", 0)) * DAY
    values: dict[str, Any] = {
        "rev": 1,
        "dek": "",
        "summary": "",
        "tags": (),
        "section": None,
        "source": "gazette",
        "authors": (),
        "language": "en",
        "word_count": len(body.split()),
        "keyphrases": (),
        "signature": signature(f"{title} {body}"),
    } | fields
    at = datetime.fromtimestamp(dated_at, UTC)
    card = Card(
        id=ident,
        rev=values["rev"],
        slug=ident,
        title=title,
        dek=values["dek"],
        summary=values["summary"],
        tags=tuple(Tag(slug=tag, label=tag.title()) for tag in values["tags"]),
        section=values["section"],
        source=values["source"],
        authors=values["authors"],
        language=values["language"],
        dated_at=at,
        received_at=at,
        word_count=values["word_count"],
    )
    return IndexDoc(id=ident, title=title, body=body, dated_at=dated_at, card=card, **values)


def newsroom() -> list[IndexDoc]:
    """Seven articles on three topics."""
    return [
        article(
            "ferry",
            "Harbour council reopens the ferry line",
            "The harbour council voted to reopen the ferry line across the bay. Two electric boats will cross "
            "every twenty minutes, and commuters expect shorter journeys to the shipyard.",
            day=1, section="local", tags=("transport", "harbour"), authors=("Mara Holt",), dek="Boats again by autumn",
        ),
        article(
            "tunnel",
            "Bay tunnel delayed by another year",
            "Engineers say the tunnel under the bay needs another year. Commuters will keep using the ferry boats "
            "that cross from the harbour to the shipyard until then.",
            day=2, section="local", tags=("transport",), authors=("Jon Ekman", "Mara Holt"),
        ),
        article(
            "cheese",
            "Mountain cheese wins the autumn fair",
            "A dairy from the upper valley won the autumn fair with a mountain cheese that ripened for two years "
            "in a cellar under the council house.",
            day=3, section="food", tags=("food", "fair"), source="valley-post",
        ),
        article(
            "bread",
            "Bakers protest against the flour tax",
            "Bakers closed their shops to protest against the new tax on flour. A loaf may cost a crown more, "
            "the guild warned, and the dairy trade fears that cheese is next.",
            day=4, section="food", tags=("food", "politics"), source="valley-post",
        ),
        article(
            "election",
            "Parliament sets the date of the election",
            "Parliament agreed on the date of the election after a long debate. The government and the opposition "
            "both claim the polls.",
            day=5, section="politics", tags=("politics",),
        ),
        article(
            "wahl",
            "Überraschung bei der Wahl in Köln",
            "Die Bürgermeisterin verlor die Wahl überraschend. Straßenbahn und Fähre blieben leer.",
            day=6, section="politics", tags=("politics",), language="de", source=None,
        ),
        article(
            "tower",
            "東京の塔が再開",
            "東京の塔は修理のあと再開した。",
            day=7, language="ja", section=None, source="asahi-sample",
        ),
    ]  # fmt: skip


async def put(index: SearchIndex, *docs: Any) -> None:
    outcome = await settled(index, await index.upsert(docs, op_id="op"))
    assert outcome.status == "visible", outcome


async def remove(index: SearchIndex, *ids: tuple[str, int]) -> None:
    outcome = await settled(index, await index.delete(ids, op_id="d"))
    assert outcome.status == "visible", outcome


async def settled(index: SearchIndex, receipt: WriteReceipt) -> WriteOutcome:
    """What became of a write; one that shows its writes at once gets no second look."""
    outcomes: list[WriteOutcome] = []

    async def decided() -> bool:
        outcomes[:] = await index.outcomes([receipt])
        assert outcomes[0].status != "pending" or Cap.SYNC_VISIBILITY not in index.capabilities
        return outcomes[0].status != "pending"

    await wait_until(decided, timeout=30, what="the write to be decided")
    return outcomes[0]


async def found(index: SearchIndex, text: str = "", **query: Any) -> list[str]:
    return [hit.card.id for hit in (await index.search(SearchQuery(text, **query))).hits]
