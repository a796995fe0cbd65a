"""A source of articles: what an operator says about it, what its polls found, and when the next one is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from services.ingest.domain.refusals import Fault, Refused, unknown
from services.ingest.domain.urls import accept_url

SOURCE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
KINDS: Final = ("feed", "sitemap", "news-sitemap")
MIN_INTERVAL: Final = 60
MAX_INTERVAL: Final = 7 * 86_400
DEFAULT_INTERVAL: Final = 900
DAY: Final = 86_400.0
MAX_BACKOFF: Final = DAY
MAX_RETRY_AFTER: Final = 7 * DAY
JITTER: Final = 0.1
FIELDS: Final = ("url", "kind", "interval_seconds", "pages", "paused")
PAGE_ATTEMPTS: Final = 3
"""So many polls ask for a page whose server gives no whole answer."""
_LATER: Final = "?"
_VALIDATOR: Final = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,511}")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What is polled, and how. `pages`: fetch the page behind each item; a sitemap has nothing else to offer."""

    url: str
    kind: str = "feed"
    interval_seconds: int = DEFAULT_INTERVAL
    pages: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class PollState:
    """What the polls of a source found. Instants are ISO 8601; counts are those of the last poll unless they say total.

    `known`: short digest of an item's link -> [external id, short digest of the item], of the last good poll; of an
    item whose page could not be had for now, `?` and the number of attempts in place of the digest.
    """

    url: str = ""
    polled_at: str = ""
    succeeded_at: str = ""
    status: int = 0
    error: str = ""
    error_detail: str = ""
    failures: int = 0
    polls_total: int = 0
    accepted_total: int = 0
    items: int = 0
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejected_reason: str = ""
    pages_left: int = 0
    ttl_seconds: int = 0
    etag: str = ""
    last_modified: str = ""
    moved_to: str = ""
    title: str = ""
    hubs: tuple[str, ...] = ()
    self_url: str = ""
    stopped: str = ""
    known: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether nothing of the last document is left to be done, so that it need not be read again unchanged."""
        return not self.pages_left and not any(digest.startswith(_LATER) for _, digest in self.known.values())


def read_source(given: Mapping[str, Any]) -> SourceSpec:
    """A source out of a JSON object. Raises Refused with every fault."""
    faults = unknown([name for name in given if name not in FIELDS], FIELDS)
    values: dict[str, Any] = {}
    for name, reader in _READERS.items():
        if given.get(name) is None and name != "url":
            continue
        try:
            values[name] = reader(given.get(name))
        except ValueError as error:
            faults.append(Fault(name, str(error)))
    if faults:
        raise Refused(faults)
    return SourceSpec(**values)


def _url(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string: the URL of a feed or sitemap")  # noqa: TRY004 - one kind of error
    return accept_url(value)


def _kind(value: Any) -> str:
    if value not in KINDS:
        raise ValueError(f"must be one of {', '.join(KINDS)}")
    return str(value)


def _interval(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not MIN_INTERVAL <= value <= MAX_INTERVAL:
        raise ValueError(f"must be a whole number from {MIN_INTERVAL} to {MAX_INTERVAL}")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one kind of error for all faults
    return value


_READERS: Final = {"url": _url, "kind": _kind, "interval_seconds": _interval, "pages": _flag, "paused": _flag}


def state_of(stored: Mapping[str, Any], spec: SourceSpec) -> PollState:
    """The stored state; one of another URL says nothing about this one but its totals."""
    names = {name: stored[name] for name in PollState.__slots__ if name in stored}
    names["hubs"] = tuple(names.get("hubs", ()))
    names["known"] = {key: (value[0], value[1]) for key, value in names.get("known", {}).items()}
    state = PollState(**names)
    if state.url == spec.url:
        return state
    return PollState(url=spec.url, polls_total=state.polls_total, accepted_total=state.accepted_total)


def put_off(before: str, digest: str) -> str:
    """What to know of an item whose page failed for now, after `before`; the last attempt ends with its digest."""
    attempts = 1 + (int(before.removeprefix(_LATER)) if before.startswith(_LATER) else 0)
    return f"{_LATER}{attempts}" if attempts < PAGE_ATTEMPTS else digest


def conditions(state: PollState) -> dict[str, str]:
    """The headers of a conditional GET."""
    headers = {"If-None-Match": state.etag} if state.etag else {}
    return headers | ({"If-Modified-Since": state.last_modified} if state.last_modified else {})


def validator(value: str) -> str:
    """An ETag or Last-Modified that is safe to send back, else nothing."""
    return value if _VALIDATOR.fullmatch(value) else ""


def retry_after(value: str, now: datetime) -> float:
    """Seconds that a `Retry-After` asks for: 0 for nonsense and the past, at most a week."""
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return min(float(text), MAX_RETRY_AFTER)
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    seconds = ((instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(0.0, seconds), MAX_RETRY_AFTER)


def next_poll(spec: SourceSpec, state: PollState, *, asked_seconds: float = 0.0, chance: float = 0.5) -> float | None:
    """Seconds until the next poll, None for never. `asked_seconds`: what the publisher asks for (Retry-After, ttl).

    Failures double the interval up to a day. `chance` (0 to 1) spreads sources that were added together.
    """
    if state.stopped or spec.paused:
        return None
    if state.pages_left and not state.failures:
        return max(float(MIN_INTERVAL), asked_seconds)
    base = max(float(spec.interval_seconds), min(asked_seconds, DAY) if not state.failures else 0.0)
    if state.failures:
        base = max(min(base * 2 ** min(state.failures, 20), max(MAX_BACKOFF, base)), asked_seconds)
    return base * (1 + JITTER * (2 * chance - 1)) if not asked_seconds else base * (1 + JITTER * chance)


def failed(state: PollState, error: str, detail: str, at: datetime, status: int = 0) -> PollState:
    """The state after a poll that brought nothing."""
    return replace(
        state,
        polled_at=at.isoformat(),
        status=status,
        error=error,
        error_detail=detail[:300],
        failures=state.failures + 1,
        polls_total=state.polls_total + 1,
        items=0,
        accepted=0,
        unchanged=0,
        rejected=0,
        rejected_reason="",
    )


def succeeded(state: PollState, at: datetime, status: int) -> PollState:
    """The state after a poll that was answered; the counts begin anew."""
    return replace(
        failed(state, "", "", at, status),
        succeeded_at=at.isoformat(),
        failures=0,
    )
