"""The way of one article through the handlers of enrich and index, a step at a time, and verbs in between."""

from __future__ import annotations

from typing import Any

from services.enrich.adapters.sandbox import Sandbox
from services.enrich.domain.pipeline import Outcome
from services.enrich.domain.reading import RawPage
from services.enrich.handlers import EnrichBatch
from services.index.handlers import Indexer
from shared.articles import InputKind, Submission
from shared.broker import Delivery
from shared.claims import Ruling
from shared.envelope import decode
from shared.events import ArticleEnriched, ArticleReceived, ArticleRef
from shared.store.articles.lifecycle import ChangeOutcome, StateChange, Verb
from shared.store.articles.port import AcceptOutcome
from shared.store.articles.redis import RedisArticleStore
from shared.topology import ARTICLE_ENRICHED, ARTICLE_RECEIVED
from tests.support.builders import NOON, make_acceptance, make_article
from tests.unit.index.enriched import make_groups

_OPEN: Any = {ARTICLE_RECEIVED: "enrich", ARTICLE_ENRICHED: "index"}


class Reader(Sandbox):
    """Replaces the parser child: the first line is the title, the other lines (or the only one) are the body."""

    def __init__(self) -> None:
        super().__init__(1)

    async def run(self, page: RawPage, *, start_before: float | None = None) -> Outcome:
        text = page.data.decode()
        article = make_article(
            external_id=page.submission.external_id or "a1",
            rev=page.rev,
            title=text.partition("\n")[0],
            dek="",
            summary="",
            paragraphs=tuple(text.partition("\n")[2].split("\n") if "\n" in text else (text,)),
            correction=page.submission.correction or "",
        )
        return Outcome(article=article, steps=(), removed=())


class Way:
    """What a producer, an editor and the workers do, in whatever order a test asks for."""

    def __init__(self, client: Any, store: RedisArticleStore, indexer: Indexer) -> None:
        self.client = client
        self.store = store
        self.enricher = EnrichBatch(store, Reader())
        self.indexer = indexer

    async def open(self) -> None:
        """Make the groups."""
        await make_groups(self.client)

    async def post(self, text: str, external_id: str = "a1", correction: str | None = None) -> AcceptOutcome:
        """A producer posts a revision."""
        said = Submission(source="example-gazette", external_id=external_id, correction=correction)
        item = make_acceptance(text=text, external_id=external_id, submission=said)
        (outcome,) = await self.store.accept([item])
        return outcome

    async def act(
        self,
        verb: Verb,
        article_id: str,
        *,
        key: str = "",
        reason: str = "It was wrong.",
        ruling: Ruling | None = None,
    ) -> ChangeOutcome:
        """An editor's verb, as ingest commits it."""
        (article,) = await self.store.articles([article_id])
        (record,) = await self.store.records([article_id])
        ref = ArticleRef(article_id=article_id, rev=1, kind=InputKind.TEXT)
        event = ArticleReceived(meta=ArticleReceived.meta_for(producer="ingest", now=NOON), article=ref)
        return await self.store.lifecycle.change(
            StateChange(
                article_id=article_id,
                source=(await self.store.sources.of([article_id])).get(article_id, ""),
                verb=verb,
                by="editor",
                reason=reason,
                article=article,
                doc_rev=record.doc_rev if record else 0,
                event=event,
                owner="tests",
                idempotency_key=key or event.meta.event_id,
                fingerprint=f"{verb.value}-{reason}".replace(" ", "_"),
                keep_seconds=60,
                ruling=ruling,
            )
        )

    async def enrich(self, count: int = 500, *, twice: bool = False) -> int:
        """Enrich up to so many entries; `twice` delivers them again afterwards."""
        found = await self._deliver(ARTICLE_RECEIVED, ArticleReceived, count)
        for _ in range(1 + twice):
            assert found == [] or await self.enricher(found) == {}
        return len(found)

    async def index(self, count: int = 500, *, twice: bool = False) -> int:
        """Index up to so many entries; `twice` delivers them again afterwards."""
        found = await self._deliver(ARTICLE_ENRICHED, ArticleEnriched, count)
        for _ in range(1 + twice):
            assert found == [] or await self.indexer(found) == {}
        return len(found)

    async def drain(self) -> None:
        """Until nothing is left to do."""
        while await self.enrich() + await self.index():
            pass

    async def _deliver(self, stream: Any, model: Any, count: int) -> list[Delivery[Any]]:
        answer = await self.client.xreadgroup(_OPEN[stream], "tests", {stream.key: ">"}, count=count)
        if not answer:
            return []
        rows = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
        return [
            Delivery(entry_id=entry_id.decode(), event=model.from_json(decode(fields)[1]), attempt=1)
            for entry_id, fields in rows
        ]
