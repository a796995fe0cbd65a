"""One poll of one source: conditional fetch, parse, accept new and changed items, count the outcomes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.ingest.adapters.feed_parser import FeedParser
from services.ingest.domain.drafts import Draft
from services.ingest.domain.feeds.drafts import draft_item, draft_page_of
from services.ingest.domain.feeds.items import FeedCandidate, candidates
from services.ingest.domain.feeds.model import MAX_FEED_BYTES, MAX_ITEMS, FeedDocument, FeedItem
from services.ingest.domain.rejections import InputRejected
from services.ingest.domain.sources import (
    PollState,
    SourceSpec,
    conditional_headers,
    is_held_back,
    postpone_page,
    retry_after,
    safe_validator,
    state_after_failure,
    state_after_success,
)
from shared.clock import now
from shared.errors import Permanent, Retryable, StoreUnavailable
from shared.fetch import FetchError, FetchFailed, FetchRefused, FetchResponse, GuardedClient
from shared.fetch.inflate import inflate
from shared.observability.metrics import INGEST_REQUESTS
from shared.store.articles.port import AcceptOutcome, PollRef

PAGES_PER_POLL: Final = 20
SITEMAPS_PER_POLL: Final = 5
PAGE_PAUSE_SECONDS: Final = 1.0
_GZIP: Final = b"\x1f\x8b"
_FORMATS: Final = {
    "feed": {"rss", "atom", "json"},
    "sitemap": {"sitemap", "news-sitemap", "sitemap-index"},
    "news-sitemap": {"news-sitemap", "sitemap-index"},
}
_PERMANENT_REDIRECTS: Final = frozenset({301, 308})
_RETRYABLE_STATUS: Final = frozenset({408, 429})

Accept = Callable[[PollRef, Sequence[Draft]], Awaitable[Sequence[AcceptOutcome | BaseException]]]
"""Commits the drafts of a source, like POST does. (poll, drafts) -> one outcome per draft."""


@dataclass(frozen=True, slots=True)
class PollResult:
    """State after a poll, and the delay in seconds that the publisher requested (`Retry-After`, `ttl`)."""

    state: PollState
    requested_delay_seconds: float = 0.0


@dataclass(slots=True)
class SourcePoller:
    """Polls one source. Expected errors end up in the state; only StoreUnavailable is raised."""

    client: GuardedClient
    parser: FeedParser
    accept: Accept
    page_pause_seconds: float = PAGE_PAUSE_SECONDS

    async def poll(self, source_id: str, spec: SourceSpec, state: PollState, *, seconds: float) -> PollResult:
        """Poll once. After `seconds` no further page is fetched; the rest is left to the next poll."""
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            response = await self.client.get(spec.url, headers=conditional_headers(state))
        except FetchError as error:
            return PollResult(state_after_failure(state, error.reason, str(error), now()))
        asked = retry_after(response.headers.get("retry-after", ""), now())
        state = replace(state, moved_to=_moved_to(response))
        if response.status != 200:
            found = _state_for_status(state, response)
            return PollResult(found, max(asked, 0.0 if found.failures else float(state.ttl_seconds)))
        try:
            document = await self._document(spec, response)
        except (FetchError, Permanent, Retryable) as error:
            if isinstance(error, StoreUnavailable):
                raise
            rule = getattr(error, "reason", None) or getattr(error, "rule", "") or "parser"
            return PollResult(state_after_failure(state, rule, str(error), now(), response.status), asked)
        found = await self._accept_items(source_id, spec, state, document, deadline)
        found = replace(
            found,
            etag=safe_validator(response.headers.get("etag", "")) if found.complete else "",
            last_modified=safe_validator(response.headers.get("last-modified", "")) if found.complete else "",
            ttl_seconds=document.ttl_seconds,
            status=response.status,
        )
        return PollResult(found, max(asked, float(document.ttl_seconds)))

    async def _document(self, spec: SourceSpec, response: FetchResponse) -> FeedDocument:
        document = await self._read(response)
        if document.format not in _FORMATS[spec.kind]:
            raise Permanent(f"the document is a {document.format}, but the source is a {spec.kind}", rule="feed-kind")
        if document.format != "sitemap-index":
            return document
        items: list[FeedItem] = []
        for child in document.items[:SITEMAPS_PER_POLL]:  # newest first
            await asyncio.sleep(self.page_pause_seconds)
            part = await self._read(await self.client.get(child.link))
            items += part.items if part.format != "sitemap-index" else ()
        return replace(document, items=tuple(items[:MAX_ITEMS]))

    async def _read(self, response: FetchResponse) -> FeedDocument:
        body = response.body
        if body.startswith(_GZIP):
            body = inflate(body, limit=MAX_FEED_BYTES, ratio=self.client.policy.max_ratio)
        return await self.parser.read(body, url=response.url, content_type=response.headers.get("content-type", ""))

    async def _accept_items(
        self, source_id: str, spec: SourceSpec, state: PollState, document: FeedDocument, deadline: float
    ) -> PollState:
        found = candidates(document, state.known)
        held = [each for each in found.items if is_held_back(each.item.date, now())]
        ready = [each for each in found.items if each not in held] if held else list(found.items)
        known = {each.mark: (each.external_id, each.digest) for each in ready}
        changed = [each for each in ready if state.known.get(each.mark) != known[each.mark]]
        pages = spec.pages or spec.kind != "feed"
        batch = changed[-PAGES_PER_POLL:] if pages else changed
        remaining = {each.mark for each in changed} - {each.mark for each in batch}
        drafts: list[Draft] = []
        reasons = [found.missing_reason] * found.missing
        for place, candidate in enumerate(batch):
            if pages and asyncio.get_running_loop().time() > deadline:
                remaining |= {each.mark for each in batch[place:]}
                break
            try:
                draft, complete = await self._draft(source_id, spec, candidate, document.language, place, pages=pages)
                drafts.append(draft)
            except (InputRejected, FetchError) as error:
                reasons.append(str(error))
                complete = not isinstance(error, FetchFailed)
            if not complete:
                _, before = state.known.get(candidate.mark, ("", ""))
                known[candidate.mark] = (candidate.external_id, postpone_page(before, candidate.digest))
        counts = _count(await self.accept(PollRef(source_id, state.polls_total + 1), drafts))
        unchanged = len(ready) - len(changed) + counts["unchanged"]
        rejected = len(reasons) + counts["failed"] + counts["retracted"] + counts["foreign"]
        return replace(
            state_after_success(state, now(), 200),
            items=len(document.items),
            accepted=counts["accepted"],
            unchanged=unchanged,
            rejected=rejected,
            rejected_reason=reasons[0][:300] if reasons else "",
            repeated=found.repeated,
            held_back=len(held),
            next_release_at=min((each.item.date.isoformat() for each in held if each.item.date), default=""),
            truncated=document.truncated,
            items_total=state.items_total + len(document.items),
            accepted_total=state.accepted_total + counts["accepted"],
            unchanged_total=state.unchanged_total + unchanged,
            rejected_total=state.rejected_total + rejected,
            pages_left=len(remaining),
            title=document.title[:300],
            hubs=document.hubs[:5],
            self_url=document.self_url,
            known={mark: value for mark, value in known.items() if mark not in remaining},
        )

    async def _draft(
        self, source_id: str, spec: SourceSpec, candidate: FeedCandidate, language: str, place: int, *, pages: bool
    ) -> tuple[Draft, bool]:
        """The draft, and whether it is complete (False: the page behind the item failed and is retried later)."""
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
        except (InputRejected, FetchError) as error:
            if spec.kind != "feed":
                raise
            own = draft_item(source_id, candidate, language, now=now())  # fall back to the text of the feed
            return own, not isinstance(error, FetchFailed)
        return draft, True

    async def _page(self, url: str) -> FetchResponse:
        page = await self.client.get(url)
        if page.status >= 500 or page.status in _RETRYABLE_STATUS:
            raise FetchFailed("fetch-broken", f"the page returned status {page.status}")
        if page.status != 200:
            raise FetchRefused("fetch-status", f"the page returned status {page.status}")
        return page


def _state_for_status(state: PollState, response: FetchResponse) -> PollState:
    if response.status == 304 and conditional_headers(state):
        same = state_after_success(state, now(), 304)
        return replace(same, items=state.items, unchanged=state.items)
    detail = f"the server returned status {response.status}"
    after = state_after_failure(state, f"http-{response.status}", detail, now(), response.status)
    return replace(after, stopped="gone") if response.status == 410 else after


def _moved_to(response: FetchResponse) -> str:
    """Target of the leading permanent redirects (301, 308), or an empty string."""
    target = ""
    for hop in response.redirects:
        if hop.status not in _PERMANENT_REDIRECTS:
            break
        target = hop.url
    return target


def _count(results: Sequence[AcceptOutcome | BaseException]) -> Counter[str]:
    """Outcomes by name. Raises StoreUnavailable if one item met it; the whole poll is then repeated."""
    for result in results:
        if isinstance(result, StoreUnavailable):
            raise result
    names = ["failed" if isinstance(result, BaseException) else result.status for result in results]
    for name in names:
        INGEST_REQUESTS.labels("source", name).inc()
    return Counter(names)
