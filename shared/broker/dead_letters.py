"""Operations on dead-letter streams: list, show, retry, drop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.envelope import MalformedEntry, decode
from shared.errors import Permanent
from shared.observability import log_events
from shared.store.articles.scripts import RetryDeadLetter
from shared.store.connection import RedisClient, unavailable_when_down
from shared.store.publication_log import CURSOR
from shared.store.scripts import Scripts
from shared.topology import STREAMS, Stream, stream_named

_PREFIX: Final = "dead_"
_PAGE: Final = 200

Page = list["DeadLetter"]  # inside the class `list` is a method

audit = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter: its stage, rule, reason and original entry. `dead_id` is its id in the dead-letter stream.

    `fields` are the original ones, as text with unprintable bytes escaped; `body` is the body of the envelope, or None
    when there is none. The original bytes stay in Redis.
    """

    dead_id: str
    stream: str
    entry_id: str
    reason: str
    rule: str
    attempts: int
    at: datetime
    fields: Mapping[str, str]
    body: str | None = None


class DeadLetters:
    """Reads, retries and deletes dead letters. All methods raise StoreUnavailable while Redis cannot answer."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client

    async def list(
        self, stream: Stream | None = None, *, rule: str | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        """Dead letters of one stream or of all, newest first, at most `limit` of them."""
        found: list[DeadLetter] = []
        for source in STREAMS if stream is None else (stream,):
            found += await self._page_through(source, rule, limit)
        return sorted(found, key=lambda letter: letter.at, reverse=True)[:limit]

    async def show(self, stream: Stream, dead_id: str) -> DeadLetter | None:
        """One dead letter, or None. Raises Permanent when `dead_id` is not an id."""
        async with unavailable_when_down():
            rows = await self._client.xrange(stream.dead_key, _entry_id(dead_id), dead_id)
        return _letter(stream, *rows[0]) if rows else None

    async def retry(self, stream: Stream, dead_id: str) -> str:
        """Append the original entry to its stage's stream again; the new entry id.

        Raises Permanent: rule `no-such-dead-letter` when it does not exist, `nothing-to-retry` when it has no original
        fields.
        """
        call = RetryDeadLetter(dead_stream=stream.dead_key, in_stream=stream.key, dead_entry=_entry_id(dead_id))
        try:
            entry_id = await Scripts(self._client).run(call)
        except ResponseError as error:
            if "NOBODY" not in str(error):
                raise
            raise Permanent(f"{dead_id} has no original fields left", rule="nothing-to-retry") from error
        if not entry_id:
            raise Permanent(f"no dead letter {dead_id} in {stream.name}", rule="no-such-dead-letter")
        audit.info(log_events.DEAD_LETTER_RETRIED, stream=stream.name, dead_id=dead_id, entry_id=entry_id.decode())
        return str(entry_id.decode())

    async def drop(self, stream: Stream, dead_id: str, reason: str) -> bool:
        """Delete a dead letter; False when it does not exist. Raises Permanent without a reason."""
        if not reason.strip():
            raise Permanent("dropping a dead letter needs a reason", rule="no-reason")
        letter = await self.show(stream, dead_id)
        async with unavailable_when_down():
            dropped = bool(await self._client.xdel(stream.dead_key, dead_id))
        if dropped and letter is not None:
            audit.warning(
                log_events.DEAD_LETTER_DROPPED,
                stream=stream.name,
                dead_id=dead_id,
                entry_id=letter.entry_id,
                rule=letter.rule,
                dead_reason=letter.reason,
                reason=reason,
            )
        return dropped

    async def _page_through(self, stream: Stream, rule: str | None, limit: int) -> Page:
        found: list[DeadLetter] = []
        upper = "+"
        while len(found) < limit:
            async with unavailable_when_down():
                rows = await self._client.xrevrange(stream.dead_key, max=upper, count=_PAGE)
            letters = [_letter(stream, *row) for row in rows]
            found += [letter for letter in letters if rule in {None, letter.rule}]
            if len(rows) < _PAGE:
                break
            upper = f"({rows[-1][0].decode()}"
        return found[:limit]


def _entry_id(dead_id: str) -> str:
    if not CURSOR.match(dead_id):
        raise Permanent(f"{dead_id!r} is not an entry id", rule="invalid-id")
    return dead_id


def _letter(stream: Stream, dead_id: bytes, raw: dict[bytes, bytes]) -> DeadLetter:
    texts = {_text(name): _text(value) for name, value in raw.items()}
    attempts = texts.get("dead_attempts", "")
    return DeadLetter(
        dead_id=dead_id.decode(),
        stream=_stream_name(texts.get("dead_stream", ""), stream),
        entry_id=texts.get("dead_id", ""),
        reason=texts.get("dead_reason", ""),
        rule=texts.get("dead_rule", ""),
        attempts=int(attempts) if attempts.isdecimal() else 0,
        at=_instant(texts.get("dead_at", ""), dead_id),
        fields={name: value for name, value in texts.items() if not name.startswith(_PREFIX)},
        body=_body(raw),
    )


def _stream_name(key: str, stream: Stream) -> str:
    try:
        return stream_named(key).name
    except KeyError:
        return stream.name


def _instant(text: str, dead_id: bytes) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(int(dead_id.split(b"-")[0]) / 1000, UTC)


def _body(raw: dict[bytes, bytes]) -> str | None:
    try:
        return _text(decode(raw)[1])
    except MalformedEntry:
        return None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
