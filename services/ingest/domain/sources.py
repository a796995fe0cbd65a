"""A polled source: its configuration, the state of its polls, and the schedule of the next one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from services.ingest.domain.dates import CLOCK_SKEW
from services.ingest.domain.rejections import Fault, InputRejected, unknown
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
MAX_HOLD: Final = timedelta(days=366)
FIELDS: Final = ("url", "kind", "interval_seconds", "pages", "paused")
PAGE_ATTEMPTS: Final = 3
"""Number of polls that try a page whose server gives no complete response."""
_RETRY_MARK: Final = "?"
_VALIDATOR: Final = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,511}")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Configuration of a source. `pages`: fetch the page behind each item; sitemaps always do."""

    url: str
    kind: str = "feed"
    interval_seconds: int = DEFAULT_INTERVAL
    pages: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class PollState:
    """State of a source. Instants are ISO 8601. Counts without `_total` are those of the last poll.

    `known`: digest of an item's link -> (external id, digest of the item) as of the last successful poll. For an item
    whose page failed temporarily the second part is `?` and the number of attempts.
    """

    url: str = ""
    polled_at: str = ""
    succeeded_at: str = ""
    status: int = 0
    error: str = ""
    error_detail: str = ""
    failures: int = 0
    polls_total: int = 0
    items_total: int = 0
    accepted_total: int = 0
    unchanged_total: int = 0
    rejected_total: int = 0
    items: int = 0
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejected_reason: str = ""
    repeated: int = 0
    """Items with the identity of another item of the same document."""
    held_back: int = 0
    """Items dated in the future, accepted when their time comes; `next_release_at` is the earliest of those times."""
    next_release_at: str = ""
    truncated: bool = False
    """Whether the document has more items than are read."""
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
        """Whether every item of the last document is processed, so that a 304 needs no further work."""
        return (
            not self.pages_left
            and not self.held_back
            and not any(digest.startswith(_RETRY_MARK) for _, digest in self.known.values())
        )


def read_source(given: Mapping[str, Any]) -> SourceSpec:
    """Read a source from a JSON object. Raises InputRejected with all faults."""
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
        raise InputRejected(faults)
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


def read_poll_state(stored: Mapping[str, Any], spec: SourceSpec) -> PollState:
    """The stored state. After a change of the URL only the totals are kept."""
    names = {name: stored[name] for name in PollState.__slots__ if name in stored}
    names["hubs"] = tuple(names.get("hubs", ()))
    names["known"] = {key: (value[0], value[1]) for key, value in names.get("known", {}).items()}
    state = PollState(**names)
    if state.url == spec.url:
        return state
    totals = {name: getattr(state, name) for name in PollState.__slots__ if name.endswith("_total")}
    return PollState(url=spec.url, **totals)


def postpone_page(before: str, digest: str) -> str:
    """The digest to store for an item whose page failed temporarily; after `PAGE_ATTEMPTS` it is the item's own."""
    attempts = 1 + (int(before.removeprefix(_RETRY_MARK)) if before.startswith(_RETRY_MARK) else 0)
    return f"{_RETRY_MARK}{attempts}" if attempts < PAGE_ATTEMPTS else digest


def conditional_headers(state: PollState) -> dict[str, str]:
    """Headers of a conditional GET."""
    headers = {"If-None-Match": state.etag} if state.etag else {}
    return headers | ({"If-Modified-Since": state.last_modified} if state.last_modified else {})


def safe_validator(value: str) -> str:
    """The ETag or Last-Modified value if it is safe to send back, else an empty string."""
    return value if _VALIDATOR.fullmatch(value) else ""


def retry_after(value: str, now: datetime) -> float:
    """Seconds of a `Retry-After` value: 0 if invalid or in the past, at most a week."""
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return min(float(text), MAX_RETRY_AFTER)
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    seconds = ((instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(0.0, seconds), MAX_RETRY_AFTER)


def is_held_back(published: datetime | None, now: datetime) -> bool:
    """Whether an item waits for its date. A date that is more than a year ahead is an error, not an embargo."""
    return published is not None and now + CLOCK_SKEW < published <= now + MAX_HOLD


def next_poll(
    spec: SourceSpec, state: PollState, *, requested_delay_seconds: float = 0.0, random_fraction: float = 0.5
) -> float | None:
    """Seconds until the next poll, None for never. `requested_delay_seconds`: by the publisher (Retry-After, ttl).

    Never later than the release of a held-back item. Failures double the interval up to a day. `random_fraction`
    (0 to 1) is the jitter.
    """
    if state.stopped or spec.paused:
        return None
    if state.pages_left and not state.failures:
        return max(float(MIN_INTERVAL), requested_delay_seconds)
    base = max(float(spec.interval_seconds), min(requested_delay_seconds, DAY) if not state.failures else 0.0)
    if state.failures:
        base = max(min(base * 2 ** min(state.failures, 20), max(MAX_BACKOFF, base)), requested_delay_seconds)
    jitter = JITTER * (random_fraction if requested_delay_seconds else 2 * random_fraction - 1)
    return min(base * (1 + jitter), _seconds_to_release(state))


def _seconds_to_release(state: PollState) -> float:
    """Seconds from the last poll until the first held-back item may be accepted."""
    if not state.next_release_at:
        return math.inf
    wait = datetime.fromisoformat(state.next_release_at) - datetime.fromisoformat(state.polled_at)
    return max(float(MIN_INTERVAL), wait.total_seconds())


def state_after_failure(state: PollState, error: str, detail: str, at: datetime, status: int = 0) -> PollState:
    """State after a failed poll."""
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
        repeated=0,
        held_back=0,
        next_release_at="",
        truncated=False,
    )


def state_after_success(state: PollState, at: datetime, status: int) -> PollState:
    """State after a successful poll, with the counts reset."""
    return replace(
        state_after_failure(state, "", "", at, status),
        succeeded_at=at.isoformat(),
        failures=0,
    )
