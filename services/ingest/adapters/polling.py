"""One poll of one source: fetch, parse, accept what is new, and say what was found."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.ingest.adapters.feed_parser import FeedParser
from services.ingest.domain.drafts import Draft
from services.ingest.domain.feeds.drafts import draft_item, draft_page_of
from services.ingest.domain.feeds.items import Candidate, candidates
from services.ingest.domain.feeds.model import MAX_FEED_BYTES, MAX_ITEMS, FeedDocument, FeedItem
from services.ingest.domain.refusals import Refused
from services.ingest.domain.sources import (
    PollState,
    SourceSpec,
    conditions,
    failed,
    put_off,
    retry_after,
    succeeded,
    validator,
)
from shared.clock import now
from shared.errors import Permanent, Retryable, StoreUnavailable
from shared.fetch import Fetched, FetchError, FetchFailed, FetchRefused, GuardedClient
from shared.fetch.inflate import inflate
from shared.observability.metrics import INGEST_REQUESTS
from shared.store.articles.port import AcceptOutcome

PAGES_PER_POLL: Final = 20
SITEMAPS_PER_POLL: Final = 5
PAGE_PAUSE_SECONDS: Final = 1.0
_GZIP: Final = b"\x1f\x8b"
_FORMATS: Final = {
    "feed": {"rss", "atom", "json"},
    "sitemap": {"sitemap", "news-sitemap", "sitemap-index"},
    "news-sitemap": {"news-sitemap", "sitemap-index"},
}
_PERMANENT: Final = frozenset({301, 308})
_LATER: Final = frozenset({408, 429})

Accept = Callable[[str, Sequence[Draft]], Awaitable[Sequence[AcceptOutcome | BaseException]]]
"""From a source's id and drafts to what became of each; the same commits as for a POST."""


@dataclass(frozen=True, slots=True)
class Polled:
    """The state after a poll, and the seconds for which the publisher asks to be left alone."""

    state: PollState
    asked_seconds: float = 0.0


@dataclass(slots=True)
class Polling:
    """The tools of a poll. Raises StoreUnavailable from `poll`, and nothing else that is foreseen."""

    client: GuardedClient
    parser: FeedParser
    accept: Accept
    page_pause_seconds: float = PAGE_PAUSE_SECONDS

    async def poll(self, source_id: str, spec: SourceSpec, state: PollState, *, seconds: float) -> Polled:
        """Poll once. `seconds`: after which no further page is begun; what is left comes with the next poll."""
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            answer = await self.client.get(spec.url, headers=conditions(state))
        except FetchError as error:
            return Polled(failed(state, error.reason, str(error), now()))
        asked = retry_after(answer.headers.get("retry-after", ""), now())
        state = replace(state, moved_to=_moved_to(answer))
        if answer.status != 200:
            found = _not_there(state, answer)
            return Polled(found, max(asked, 0.0 if found.failures else float(state.ttl_seconds)))
        try:
            document = await self._document(spec, answer)
        except (FetchError, Permanent, Retryable) as error:
            if isinstance(error, StoreUnavailable):
                raise
            rule = getattr(error, "reason", None) or getattr(error, "rule", "") or "parser"
            return Polled(failed(state, rule, str(error), now(), answer.status), asked)
        found = await self._take_in(source_id, spec, state, document, deadline)
        found = replace(
            found,
            etag=validator(answer.headers.get("etag", "")) if found.complete else "",
            last_modified=validator(answer.headers.get("last-modified", "")) if found.complete else "",
            ttl_seconds=document.ttl_seconds,
            status=answer.status,
        )
        return Polled(found, max(asked, float(document.ttl_seconds)))

    async def _document(self, spec: SourceSpec, answer: Fetched) -> FeedDocument:
        document = await self._read(answer)
        if document.format not in _FORMATS[spec.kind]:
            raise Permanent(f"this is a {document.format}, not a {spec.kind}", rule="feed-kind")
        if document.format != "sitemap-index":
            return document
        items: list[FeedItem] = []
        for child in document.items[:SITEMAPS_PER_POLL]:  # the newest come first
            await asyncio.sleep(self.page_pause_seconds)
            part = await self._read(await self.client.get(child.link))
            items += part.items if part.format != "sitemap-index" else ()
        return replace(document, items=tuple(items[:MAX_ITEMS]))

    async def _read(self, answer: Fetched) -> FeedDocument:
        body = answer.body
        if body.startswith(_GZIP):
            body = inflate(body, limit=MAX_FEED_BYTES, ratio=self.client.policy.max_ratio)
        return await self.parser.read(body, url=answer.url, content_type=answer.headers.get("content-type", ""))

    async def _take_in(
        self, source_id: str, spec: SourceSpec, state: PollState, document: FeedDocument, deadline: float
    ) -> PollState:
        every = list(candidates(document, state.known))
        known = {each.mark: (each.external_id, each.digest) for each in every}
        fresh = [each for each in every if state.known.get(each.mark) != known[each.mark]]
        pages = spec.pages or spec.kind != "feed"
        turn = fresh[-PAGES_PER_POLL:] if pages else fresh
        left = {each.mark for each in fresh} - {each.mark for each in turn}
        drafts: list[Draft] = []
        refused: list[str] = []
        for place, candidate in enumerate(turn):
            if pages and asyncio.get_running_loop().time() > deadline:
                left |= {each.mark for each in turn[place:]}
                break
            try:
                draft, whole = await self._draft(source_id, spec, candidate, document.language, place, pages=pages)
                drafts.append(draft)
            except (Refused, FetchError) as error:
                refused.append(str(error))
                whole = not isinstance(error, FetchFailed)
            if not whole:
                _, before = state.known.get(candidate.mark, ("", ""))
                known[candidate.mark] = (candidate.external_id, put_off(before, candidate.digest))
        results = await self.accept(source_id, drafts)
        counts = _count(results)
        return replace(
            succeeded(state, now(), 200),
            items=len(document.items),
            accepted=counts["accepted"],
            unchanged=len(every) - len(fresh) + counts["unchanged"],
            rejected=len(refused) + counts["failed"],
            rejected_reason=refused[0][:300] if refused else "",
            accepted_total=state.accepted_total + counts["accepted"],
            pages_left=len(left),
            title=document.title[:300],
            hubs=document.hubs[:5],
            self_url=document.self_url,
            known={mark: value for mark, value in known.items() if mark not in left},
        )

    async def _draft(
        self, source_id: str, spec: SourceSpec, candidate: Candidate, language: str, place: int, *, pages: bool
    ) -> tuple[Draft, bool]:
        """The draft, and whether it is all that will ever be had of the item."""
        if not pages:
            return draft_item(source_id, candidate, language, now=now()), True
        if place:
            await asyncio.sleep(self.page_pause_seconds)
        try:
            page = await self._page(candidate.url)
            draft = draft_page_of(
                source_id,
                candidate,
                page.body,
                page.headers.get("content-type", ""),
                by_url=spec.kind != "feed",
                now=now(),
            )
        except (Refused, FetchError) as error:
            if spec.kind != "feed":
                raise
            own = draft_item(source_id, candidate, language, now=now())  # the feed's own text is better than nothing
            return own, not isinstance(error, FetchFailed)
        return draft, True

    async def _page(self, url: str) -> Fetched:
        page = await self.client.get(url)
        if page.status >= 500 or page.status in _LATER:
            raise FetchFailed("fetch-broken", f"the page answers {page.status}")
        if page.status != 200:
            raise FetchRefused("fetch-status", f"the page answers {page.status}")
        return page


def _not_there(state: PollState, answer: Fetched) -> PollState:
    if answer.status == 304 and conditions(state):
        same = succeeded(state, now(), 304)
        return replace(same, items=state.items, unchanged=state.items)
    detail = f"the server answers {answer.status}"
    after = failed(state, f"http-{answer.status}", detail, now(), answer.status)
    return replace(after, stopped="gone") if answer.status == 410 else after


def _moved_to(answer: Fetched) -> str:
    """Where the feed says it lives now: the end of the permanent redirects that begin the way."""
    target = ""
    for hop in answer.redirects:
        if hop.status not in _PERMANENT:
            break
        target = hop.url
    return target


def _count(results: Sequence[AcceptOutcome | BaseException]) -> Counter[str]:
    """Outcomes by name. Raises StoreUnavailable when that is one of them: the poll is done again as a whole."""
    for result in results:
        if isinstance(result, StoreUnavailable):
            raise result
    names = ["failed" if isinstance(result, BaseException) else result.status for result in results]
    for name in names:
        INGEST_REQUESTS.labels("source", name).inc()
    return Counter(names)
