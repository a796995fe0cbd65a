"""From a good input to a durable commit, for one article and for a stream of lines."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import structlog

from services.ingest.adapters.bodies import UploadStopped
from services.ingest.adapters.committer import Committer
from services.ingest.adapters.feed_parser import FeedParser
from services.ingest.adapters.poller import Poller
from services.ingest.adapters.polling import Polling
from services.ingest.domain.bodies import MediaType, read_media_type
from services.ingest.domain.drafts import Draft, draft_json, draft_page
from services.ingest.domain.identity import fingerprint
from services.ingest.domain.lines import Line, LineCutter
from services.ingest.domain.refusals import Fault, Refused, refuse
from services.ingest.settings import IngestSettings
from shared.clock import now
from shared.errors import StoreUnavailable
from shared.events import ArticleReceived, ArticleRef
from shared.fetch import FetchRefused, FetchSettings, GuardedClient
from shared.store import Sources
from shared.store.articles.port import Acceptance, AcceptOutcome, Credential

OWN_KEY_SECONDS: Final = 60
"""How long a key made by us is kept: longer than any retry of the commit it protects."""
PAGE_TYPES: Final = ("text/html", "application/xhtml+xml")
LINES_PER_BATCH: Final = 50
BYTES_PER_BATCH: Final = 4 * 1024 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose request it is, the producer's idempotency key (or None), and what the request was."""

    credential: Credential
    idempotency_key: str | None
    fingerprint: str


async def accept_article(draft: Draft, origin: Origin, committer: Committer) -> AcceptOutcome:
    """Make one article durable. Raises Refused for a source the key may not write, and StoreUnavailable."""
    outcome = await committer.commit(acceptance_of(draft, origin, now()))
    return settled(outcome, origin)


def acceptance_of(draft: Draft, origin: Origin, at: datetime) -> Acceptance:
    """The acceptance of a draft; raises Refused for a source the key may not write."""
    allowed = origin.credential.sources
    if allowed and draft.submission.source not in allowed:
        raise refuse("source", "is not one this key may write", rule="wrong-source")
    ref = ArticleRef(article_id=draft.article_id, rev=1, kind=draft.kind)
    own = origin.idempotency_key is None
    return Acceptance(
        article_id=draft.article_id,
        kind=draft.kind,
        media_type=draft.media_type,
        data=draft.data,
        submission=draft.submission,
        content_digest=draft.digest,
        event=ArticleReceived(meta=ArticleReceived.meta_for(producer="ingest", now=at), article=ref),
        owner=origin.credential.key_id,
        idempotency_key=f"own:{secrets.token_hex(16)}" if own else f"sent:{origin.idempotency_key}",
        fingerprint=origin.fingerprint,
        **({"keep_seconds": OWN_KEY_SECONDS} if own else {}),
    )


def settled(outcome: AcceptOutcome, origin: Origin) -> AcceptOutcome:
    """A replay under a key of our own is our own retry after a lost answer: the producer's request was accepted."""
    if outcome.status == "replayed" and origin.idempotency_key is None:
        return AcceptOutcome("accepted", outcome.article_id, outcome.rev)
    return outcome


async def accept_in_order(
    drafts: Sequence[Draft], origin: Origin, committer: Committer
) -> list[AcceptOutcome | BaseException]:
    """Make several articles of one origin durable, in order; see `Committer.commit_in_order` for errors."""
    results: list[AcceptOutcome | BaseException] = []
    for start in range(0, len(drafts), LINES_PER_BATCH):
        batch = [acceptance_of(draft, origin, now()) for draft in drafts[start : start + LINES_PER_BATCH]]
        answers = await committer.commit_in_order(batch)
        results += [answer if isinstance(answer, BaseException) else settled(answer, origin) for answer in answers]
    return results


@dataclass(slots=True)
class Verdict:
    """What became of one line."""

    line: int
    status: str
    article_id: str | None = None
    rev: int | None = None
    faults: tuple[Fault, ...] = ()

    def to_json(self) -> bytes:
        """One NDJSON line."""
        members: dict[str, Any] = {"line": self.line, "status": self.status}
        if self.article_id is not None:
            members |= {"id": self.article_id, "rev": self.rev}
        if self.faults:
            members["errors"] = [{"field": fault.field, "detail": fault.detail} for fault in self.faults]
        return orjson.dumps(members) + b"\n"


@dataclass(slots=True)
class _Batch:
    rows: list[Verdict | tuple[int, Origin, Acceptance]] = field(default_factory=list)
    size: int = 0

    @property
    def full(self) -> bool:
        return len(self.rows) >= LINES_PER_BATCH or self.size >= BYTES_PER_BATCH


class BulkUpload:
    """One NDJSON upload: judges each line, commits in batches and in order, keeps at most one batch in memory.

    Once the store is unavailable, no later line is tried: an order of revisions with holes would be worse.
    """

    def __init__(self, credential: Credential, key: str | None, committer: Committer, *, line_limit: int) -> None:
        self._credential = credential
        self._key = hashlib.sha256(key.encode()).hexdigest() if key is not None else None
        self._committer = committer
        self._cutter = LineCutter(line_limit)
        self._limit = line_limit
        self._batch = _Batch()
        self.counts: Counter[str] = Counter()
        self._down = False

    async def answer(self, chunks: AsyncIterator[bytes | None]) -> AsyncIterator[bytes]:
        """NDJSON: one verdict per line that is not blank, in order, then the summary. None in `chunks` is a pause."""
        stopped = ""
        try:
            async for chunk in chunks:
                for line in self._cutter.feed(chunk or b""):
                    self._judge(line)
                    if self._batch.full:
                        yield await self._flush()
                if chunk is None and self._batch.rows:
                    yield await self._flush()
            if last := self._cutter.finish():
                self._judge(last)
        except UploadStopped as error:
            stopped = str(error)
        if self._batch.rows:
            yield await self._flush()
        yield self._summary(stopped)

    def _judge(self, line: Line) -> None:
        try:
            if line.data is None:
                raise refuse("line", f"is longer than {self._limit} bytes")
            origin = Origin(self._credential, self._line_key(line), fingerprint("LINE", "", (), "", line.data))
            acceptance = acceptance_of(draft_json(line.data, now=now()), origin, now())
        except Refused as error:
            self._batch.rows.append(Verdict(line.number, "rejected", faults=error.faults))
        else:
            self._batch.rows.append((line.number, origin, acceptance))
            self._batch.size += len(acceptance.data)

    def _line_key(self, line: Line) -> str | None:
        return None if self._key is None else f"{self._key}:{line.number}"

    async def _flush(self) -> bytes:
        rows, self._batch = self._batch.rows, _Batch()
        good = [row for row in rows if not isinstance(row, Verdict)]
        results = iter(await self._commit([acceptance for _, _, acceptance in good]))
        verdicts = [
            row if isinstance(row, Verdict) else _verdict(row[0], row[1], row[2], next(results)) for row in rows
        ]
        self.counts.update(verdict.status for verdict in verdicts)
        return b"".join(verdict.to_json() for verdict in verdicts)

    async def _commit(self, items: list[Acceptance]) -> list[AcceptOutcome | BaseException]:
        if not items:
            return []
        if self._down:
            return [StoreUnavailable("the store went away earlier in this upload")] * len(items)
        results = await self._committer.commit_in_order(items)
        self._down = any(isinstance(result, StoreUnavailable) for result in results)
        return results

    def _summary(self, stopped: str) -> bytes:
        statuses = ("accepted", "unchanged", "replayed", "stale", "rejected", "failed", "unavailable")
        summary: dict[str, Any] = {"lines": self._cutter.lines, "blank": self._cutter.blank}
        summary |= {status: self.counts[status] for status in statuses}
        summary["complete"] = not stopped and not self.counts["unavailable"]
        if stopped:
            summary["detail"] = stopped
        elif self.counts["unavailable"]:
            summary["detail"] = "the store is not available; send the unavailable lines again later"
        return orjson.dumps({"summary": summary}) + b"\n"


def _verdict(line: int, origin: Origin, item: Acceptance, result: AcceptOutcome | BaseException) -> Verdict:
    if isinstance(result, StoreUnavailable):
        return Verdict(line, "unavailable", item.article_id)
    if isinstance(result, BaseException):
        log.error("ingest.line_failed", article_id=item.article_id, error=str(result))
        return Verdict(line, "failed", item.article_id, faults=(Fault("line", "met an error of ours; it was logged"),))
    outcome = settled(result, origin)
    if outcome.status == "key-reused":
        fault = Fault("Idempotency-Key", "was used for another upload, in which this line was different")
        return Verdict(line, "rejected", faults=(fault,))
    if outcome.status == "retracted":
        return Verdict(line, "rejected", faults=(Fault("line", "is of an article that was retracted, and stays so"),))
    if outcome.status == "stale":
        fault = Fault("version", f"is not above the stored one; the stored revision is {outcome.rev}")
        return Verdict(line, "stale", outcome.article_id, outcome.rev, faults=(fault,))
    return Verdict(line, outcome.status, outcome.article_id, outcome.rev)


class Doors:
    """What ingest goes out for: polls of sources, and single pages. Connects and starts children when first needed."""

    def __init__(self, settings: IngestSettings, sources: Sources, committer: Committer, fetch: FetchSettings) -> None:
        self.sources = sources
        self._settings = settings
        self._committer = committer
        own = urlsplit(settings.public_url).hostname or ""
        # A laptop's public URL is loopback, which needs no rule of its own: only `BROADSHEET_FETCH_ALLOW` opens it.
        denied = frozenset() if own in {"127.0.0.1", "localhost", "::1"} else frozenset({own})
        self.policy = fetch.policy(denied_hosts=denied, max_bytes=settings.html_bytes)
        self._parser = FeedParser(1)
        self._clients: dict[str, GuardedClient] = {}

    def poller(self) -> Poller:
        """The loop that polls sources; call it inside the event loop."""
        return Poller(
            self.sources, Polling(self._client("source"), self._parser, self._accept), size=self._settings.polls
        )

    async def fetch_page(self, url: str, source: str | None, origin: Origin) -> AcceptOutcome:
        """Fetch one page and make it durable, as if it had been posted with this URL.

        Raises FetchError, Refused, StoreUnavailable.
        """
        page = await self._client("page").get(url)
        if page.status != 200:
            raise FetchRefused("fetch-status", f"the page answers {page.status}")
        media = MediaType("text/html", read_media_type(page.headers.get("content-type", ""), PAGE_TYPES).charset)
        params = [("url", page.url), *([("source", source)] if source else [])]
        return await accept_article(draft_page(media, page.body, params, now=now()), origin, self._committer)

    async def aclose(self) -> None:
        """Close connections and end children."""
        for client in self._clients.values():
            await client.aclose()
        await self._parser.aclose()

    def _client(self, purpose: str) -> GuardedClient:
        if purpose not in self._clients:
            self._clients[purpose] = GuardedClient(self.policy, purpose=purpose)
        return self._clients[purpose]

    async def _accept(self, source_id: str, drafts: Sequence[Draft]) -> list[AcceptOutcome | BaseException]:
        poller = Credential(f"source:{source_id}", "poller", "", frozenset({"ingest"}), now())
        return await accept_in_order(
            drafts, Origin(poller, None, fingerprint("POLL", source_id, (), "", b"")), self._committer
        )
