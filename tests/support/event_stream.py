"""A strict parser of server-sent events, by the letter of the WHATWG standard; and a client that collects them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

import httpx

from shared.tasks import cancel_and_wait


@dataclass
class ReceivedEvent:
    data: str
    event: str
    id: str
    retry: int | None


@dataclass
class EventParser:
    """Feed bytes in any pieces; dispatched events gather in `events`, comments in `comments`."""

    events: list[ReceivedEvent] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_id: str = ""
    retry: int | None = None
    _raw: bytes = b""
    _begun: bool = False
    _data: list[str] = field(default_factory=list)
    _event: str = ""

    def feed(self, piece: bytes) -> None:
        self._raw += piece
        if not self._begun and len(self._raw) >= 3:
            self._raw = self._raw.removeprefix(b"\xef\xbb\xbf")
            self._begun = True
        while (line := self._line()) is not None:
            self._take(line.decode("utf-8", "replace"))

    def close(self) -> None:
        """The end of the stream: a lone CR at the very end is a line end after all; an unfinished event is dropped."""
        if self._raw.endswith(b"\r"):
            self._raw += b"\n"
            self.feed(b"")

    def _line(self) -> bytes | None:
        for position, byte in enumerate(self._raw):
            if byte == 0x0A:
                line, self._raw = self._raw[:position], self._raw[position + 1 :]
                return line
            if byte == 0x0D:
                if position + 1 == len(self._raw):
                    return None  # an LF may follow
                skip = 2 if self._raw[position + 1] == 0x0A else 1
                line, self._raw = self._raw[:position], self._raw[position + skip :]
                return line
        return None

    def _take(self, line: str) -> None:
        if not line:
            self._dispatch()
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name and line.startswith(":"):
            self.comments.append(value)
        elif name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self.last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)

    def _dispatch(self) -> None:
        if self._data:
            text = "\n".join(self._data)
            self.events.append(ReceivedEvent(text, self._event or "message", self.last_id, self.retry))
        self._data, self._event = [], ""


class Subscriber:
    """A client of an event stream that collects in the background."""

    def __init__(
        self,
        url: str,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        path: str = "/v1/events",
    ) -> None:
        self.parser = EventParser()
        self.response: httpx.Response | None = None
        self.raw = b""
        self._url = f"{url}{path}"
        self._params = params
        self._headers = headers
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        await cancel_and_wait([self._task])

    @property
    def ended(self) -> bool:
        return self._task is not None and self._task.done()

    @property
    def ids(self) -> list[str]:
        """Ids of the publications, in order of arrival."""
        return [event.id for event in self.parser.events if event.event == "message"]

    async def _read(self) -> None:
        timeout = httpx.Timeout(10, read=60)
        async with (
            httpx.AsyncClient(timeout=timeout) as client,
            client.stream("GET", self._url, params=self._params, headers=self._headers) as response,
        ):
            self.response = response
            async for piece in response.aiter_raw():
                self.raw += piece
                self.parser.feed(piece)
