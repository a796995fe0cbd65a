"""Use cases of ingest: accept one article, a bulk upload, a fetched page, or the items of a polled source."""

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
from services.ingest.adapters.poll_scheduler import PollScheduler
from services.ingest.adapters.source_poller import SourcePoller
from services.ingest.domain.bodies import MediaType, read_media_type
from services.ingest.domain.drafts import Draft, draft_json, draft_page
from services.ingest.domain.identity import fingerprint
from services.ingest.domain.lines import BulkLine, LineSplitter
from services.ingest.domain.rejections import Fault, InputRejected, reject
from services.ingest.domain.source_rights import check_source
from services.ingest.settings import IngestSettings
from shared.clock import now
from shared.errors import StoreUnavailable
from shared.events import ArticleReceived, ArticleRef
from shared.fetch import FetchRefused, FetchSettings, GuardedClient, TargetChecker
from shared.observability import log_events
from shared.observability.trace_context import current_traceparent
from shared.store import Sources
from shared.store.articles.port import Acceptance, AcceptOutcome, Credential, PollRef

OWN_KEY_SECONDS: Final = 60
"""Lifetime of a generated idempotency key: longer than any retry of the commit it protects."""
PAGE_TYPES: Final = ("text/html", "application/xhtml+xml")
LINES_PER_BATCH: Final = 50
BYTES_PER_BATCH: Final = 4 * 1024 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Credential, idempotency key of the producer (None if not sent) and fingerprint of one request, or of a poll."""

    credential: Credential
    idempotency_key: str | None
    fingerprint: str
    poll: PollRef | None = None


async def accept_article(draft: Draft, context: RequestContext, committer: Committer) -> AcceptOutcome:
    """Commit one article. Raises InputRejected for a source the key may not write, and StoreUnavailable."""
    outcome = await committer.commit(build_acceptance(draft, context, now()))
    return resolve_own_retry(outcome, context)


def build_acceptance(draft: Draft, context: RequestContext, at: datetime) -> Acceptance:
    """The commit request of a draft. Raises InputRejected for a source the key may not write."""
    check_source(context.credential.sources, draft.submission.source, context.credential.scopes)
    ref = ArticleRef(article_id=draft.article_id, rev=1, kind=draft.kind)
    own = context.idempotency_key is None
    return Acceptance(
        article_id=draft.article_id,
        kind=draft.kind,
        media_type=draft.media_type,
        data=draft.data,
        submission=draft.submission,
        content_digest=draft.digest,
        event=ArticleReceived(
            meta=ArticleReceived.meta_for(producer="ingest", now=at, traceparent=current_traceparent()), article=ref
        ),
        owner=context.credential.key_id,
        idempotency_key=f"own:{secrets.token_hex(16)}" if own else f"sent:{context.idempotency_key}",
        fingerprint=context.fingerprint,
        poll=context.poll,
        **({"keep_seconds": OWN_KEY_SECONDS} if own else {}),
    )


def resolve_own_retry(outcome: AcceptOutcome, context: RequestContext) -> AcceptOutcome:
    """Report `accepted` for a replay under a generated key: it is our own retry after a lost reply."""
    if outcome.status == "replayed" and context.idempotency_key is None:
        return AcceptOutcome("accepted", outcome.article_id, outcome.rev)
    return outcome


async def accept_in_order(
    drafts: Sequence[Draft], context: RequestContext, committer: Committer
) -> list[AcceptOutcome | BaseException]:
    """Commit several articles of one request in order. See `Committer.commit_in_order` for errors."""
    results: list[AcceptOutcome | BaseException] = []
    for start in range(0, len(drafts), LINES_PER_BATCH):
        batch = [build_acceptance(draft, context, now()) for draft in drafts[start : start + LINES_PER_BATCH]]
        answers = await committer.commit_in_order(batch)
        results += [
            answer if isinstance(answer, BaseException) else resolve_own_retry(answer, context) for answer in answers
        ]
    return results


@dataclass(slots=True)
class LineResult:
    """Outcome of one line of a bulk upload."""

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
class _BulkBatch:
    rows: list[LineResult | tuple[int, RequestContext, Acceptance]] = field(default_factory=list)
    size: int = 0

    @property
    def full(self) -> bool:
        return len(self.rows) >= LINES_PER_BATCH or self.size >= BYTES_PER_BATCH


class BulkUpload:
    """One NDJSON upload: validates each line and commits in ordered batches. At most one batch is in memory.

    After the first `StoreUnavailable` no later line is tried, so that revisions have no gaps.
    """

    def __init__(self, credential: Credential, key: str | None, committer: Committer, *, line_limit: int) -> None:
        self._credential = credential
        self._key = hashlib.sha256(key.encode()).hexdigest() if key is not None else None
        self._committer = committer
        self._cutter = LineSplitter(line_limit)
        self._limit = line_limit
        self._batch = _BulkBatch()
        self.counts: Counter[str] = Counter()
        self._down = False

    async def process(self, chunks: AsyncIterator[bytes | None]) -> AsyncIterator[bytes]:
        """NDJSON: one result per non-blank line, in order, then the summary. None in `chunks` is a pause."""
        stopped = ""
        try:
            async for chunk in chunks:
                for line in self._cutter.feed(chunk or b""):
                    self._validate(line)
                    if self._batch.full:
                        yield await self._flush()
                if chunk is None and self._batch.rows:
                    yield await self._flush()
            if last := self._cutter.finish():
                self._validate(last)
        except UploadStopped as error:
            stopped = str(error)
        if self._batch.rows:
            yield await self._flush()
        yield self._summary(stopped)

    def _validate(self, line: BulkLine) -> None:
        try:
            if line.data is None:
                raise reject("line", f"is longer than {self._limit} bytes")
            context = RequestContext(self._credential, self._line_key(line), fingerprint("LINE", "", (), "", line.data))
            acceptance = build_acceptance(draft_json(line.data, now=now()), context, now())
        except InputRejected as error:
            self._batch.rows.append(LineResult(line.number, "rejected", faults=error.faults))
        else:
            self._batch.rows.append((line.number, context, acceptance))
            self._batch.size += len(acceptance.data)

    def _line_key(self, line: BulkLine) -> str | None:
        return None if self._key is None else f"{self._key}:{line.number}"

    async def _flush(self) -> bytes:
        rows, self._batch = self._batch.rows, _BulkBatch()
        good = [row for row in rows if not isinstance(row, LineResult)]
        results = iter(await self._commit([acceptance for _, _, acceptance in good]))
        line_results = [
            row if isinstance(row, LineResult) else _line_result(row[0], row[1], row[2], next(results)) for row in rows
        ]
        self.counts.update(result.status for result in line_results)
        return b"".join(result.to_json() for result in line_results)

    async def _commit(self, items: list[Acceptance]) -> list[AcceptOutcome | BaseException]:
        if not items:
            return []
        if self._down:
            return [StoreUnavailable("the store became unavailable earlier in this upload")] * len(items)
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
            summary["detail"] = "the store is unavailable; resend the unavailable lines later"
        return orjson.dumps({"summary": summary}) + b"\n"


_REFUSALS: Final = {
    "key-reused": Fault("Idempotency-Key", "was used for another upload in which this line was different"),
    "retracted": Fault("line", "belongs to a retracted article; a retraction is final"),
    "foreign": Fault("source", "the article was moved to another source"),
}


def _line_result(
    line: int, context: RequestContext, item: Acceptance, result: AcceptOutcome | BaseException
) -> LineResult:
    if isinstance(result, StoreUnavailable):
        return LineResult(line, "unavailable", item.article_id)
    if isinstance(result, BaseException):
        log.error(log_events.BULK_LINE_FAILED, article_id=item.article_id, reason=str(result))
        return LineResult(
            line, "failed", item.article_id, faults=(Fault("line", "failed with an internal error, which was logged"),)
        )
    outcome = resolve_own_retry(result, context)
    if refusal := _REFUSALS.get(outcome.status):
        return LineResult(line, "rejected", faults=(refusal,))
    if outcome.status == "stale":
        fault = Fault("version", f"is not greater than the stored version (stored revision {outcome.rev})")
        return LineResult(line, "stale", outcome.article_id, outcome.rev, faults=(fault,))
    return LineResult(line, outcome.status, outcome.article_id, outcome.rev)


class OutboundFetcher:
    """Outbound requests of ingest: source polls and single pages. Clients and parsers start on demand."""

    def __init__(self, settings: IngestSettings, sources: Sources, committer: Committer, fetch: FetchSettings) -> None:
        self.sources = sources
        self._settings = settings
        self._committer = committer
        public_host = urlsplit(settings.public_url).hostname or ""
        # A loopback public URL needs no denial: only `BROADSHEET_FETCH_ALLOW` opens loopback at all.
        denied = frozenset() if public_host in {"127.0.0.1", "localhost", "::1"} else frozenset({public_host})
        self.targets = TargetChecker(fetch.policy(denied_hosts=denied, max_bytes=settings.html_bytes))
        self._parser = FeedParser(1)
        self._clients: dict[str, GuardedClient] = {}

    def scheduler(self) -> PollScheduler:
        """The loop that polls sources. Call inside a running event loop."""
        return PollScheduler(
            self.sources, SourcePoller(self._client("source"), self._parser, self._accept), size=self._settings.polls
        )

    async def fetch_page(self, url: str, source: str | None, context: RequestContext) -> AcceptOutcome:
        """Fetch one page and accept it as if it had been posted with this URL.

        Raises FetchError, InputRejected, StoreUnavailable.
        """
        check_source(context.credential.sources, source, context.credential.scopes)
        page = await self._client("page").get(url)
        if page.status != 200:
            raise FetchRefused("fetch-status", f"the page returned status {page.status}")
        media = MediaType(
            "text/html", read_media_type(page.headers.get("content-type", ""), PAGE_TYPES, fetched=True).charset
        )
        params = [("url", page.url), *([("source", source)] if source else [])]
        return await accept_article(
            draft_page(media, page.body, params, now=now(), fetched=True), context, self._committer
        )

    async def aclose(self) -> None:
        """Close connections and stop parser processes."""
        for client in self._clients.values():
            await client.aclose()
        await self.targets.aclose()
        await self._parser.aclose()

    def _client(self, purpose: str) -> GuardedClient:
        if purpose not in self._clients:
            self._clients[purpose] = GuardedClient(self.targets.policy, purpose=purpose)
        return self._clients[purpose]

    async def _accept(self, poll: PollRef, drafts: Sequence[Draft]) -> list[AcceptOutcome | BaseException]:
        own = frozenset({poll.source_id})
        poller = Credential(f"source:{poll.source_id}", "poller", "", frozenset({"ingest"}), now(), sources=own)
        return await accept_in_order(
            drafts,
            RequestContext(poller, None, fingerprint("POLL", poll.source_id, (), "", b""), poll),
            self._committer,
        )
