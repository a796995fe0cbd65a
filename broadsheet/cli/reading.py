"""search and tail: query the search API and follow the event log."""

from __future__ import annotations

import json as jsonlib
import re
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from broadsheet.cli.options import Json, printable, show_json
from broadsheet.cli.target import StackTarget
from broadsheet.failure import CliFailure
from shared.backoff import Backoff

if TYPE_CHECKING:
    import httpx
    from httpx_sse import ServerSentEvent

_LONGEST_PAUSE_SECONDS: Final = 10.0
_QUIET_SECONDS: Final = 60.0
"""The server sends a heartbeat every 15 s. A stream without data for longer than this is considered dead."""
_CURSOR: Final = re.compile(r"^\d+-\d+$")
_TOO_MANY: Final = 429
_NOT_EVENTS: Final = frozenset({"hello"})


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(search)
    app.command()(tail)


def search(
    query: Annotated[
        str, typer.Argument(help='Query: words, "phrases", -not. Empty: all articles, newest first.')
    ] = "",
    tag: Annotated[str, typer.Option(help="Tag slugs: comma = and, | = or, - = not.")] = "",
    section: Annotated[str, typer.Option(help="Sections, with the same operators.")] = "",
    source: Annotated[str, typer.Option(help="Sources, with the same operators.")] = "",
    order_by: Annotated[str, typer.Option(help="relevance, newest or oldest.")] = "",
    page: Annotated[int, typer.Option(min=1)] = 1,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Number of results.")] = 10,
    json: Json = False,
) -> None:
    """Search articles. Typos are tolerated."""
    from broadsheet.cli.api import Api

    wanted: dict[str, str | int] = {"q": query, "tag": tag, "section": section, "source": source, "order-by": order_by}
    params = {name: value for name, value in wanted.items() if value} | {"page": page, "page-size": limit}
    with Api(target := StackTarget()) as api:
        answer = api.read("/v1/search", params)
    if json:
        show_json(answer)
        return
    response = answer["response"]
    for hit in response["results"]:
        tags = " ".join(f"#{item['slug']}" for item in hit["tags"])
        print(printable(hit["title"]))
        print(f"  {hit['dated_at'][:10]}  {printable(hit['source'] or '-')}  {printable(tags)}")
        print(f"  {target.public_url}{hit['links']['html']}")
    shown = f"{len(response['results'])} of {'' if response['totalIsExact'] else 'at least '}{response['total']}"
    print(f"{shown} in {response['took_ms']:.0f} ms", file=sys.stderr)


def tail(
    since: Annotated[
        str, typer.Option(help="Start after this cursor, at this time, or at `earliest`. Default: new events only.")
    ] = "",
    q: Annotated[str, typer.Option("--q", "-q", help="Only events that match this query, strictly.")] = "",
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Only this type, such as article.retracted; may be repeated.")
    ] = None,
    tag: Annotated[str, typer.Option(help="Tag slugs: comma = and, | = or, - = not.")] = "",
    subscription: Annotated[str, typer.Option(help="Only matches of this saved search; needs its key.")] = "",
    count: Annotated[int, typer.Option(min=0, help="Stop after this many events; 0: never.")] = 0,
    json: Json = False,
) -> None:
    """Follow the public event log. Reconnects without gaps; Ctrl-C prints the cursor to resume from."""
    filters = {"q": q, "type": ",".join(kind or ()), "tag": tag, "subscription": subscription}
    stream = _EventFollower(StackTarget(), since, {name: value for name, value in filters.items() if value})
    seen = 0
    try:
        for event in stream.events():
            seen += 1
            _show(event, json=json)
            if count and seen >= count:
                return
    except KeyboardInterrupt:
        if stream.cursor:
            print(f"continue with: broadsheet tail --since {stream.cursor}", file=sys.stderr)


def _show(event: ServerSentEvent, *, json: bool) -> None:
    if json:
        show_json({"cursor": event.id, "event": event.event, "data": _data(event)})
        return
    data = _data(event)
    if "type" not in data:
        print(f"{event.id or '-'}  {event.event}  {printable(event.data)}", flush=True)
        return
    card = data.get("data") or {}
    notice = ": ".join(card[name] for name in ("slug", "reason") if card.get(name))  # tombstones have no title
    words = card.get("title") or notice or data.get("subject") or ""
    rev = f"rev {card['rev']}  " if "rev" in card else ""
    print(f"{event.id}  {data['type']}  {rev}{printable(words)}", flush=True)


def _data(event: ServerSentEvent) -> dict[str, Any]:
    try:
        return dict(jsonlib.loads(event.data))
    except (ValueError, TypeError):
        return {"raw": event.data}


class _EventFollower:
    """One event stream over any number of reconnects. `cursor` is the last id, including id-only frames."""

    def __init__(self, target: StackTarget, since: str, filters: dict[str, str]) -> None:
        self.cursor = since if _CURSOR.match(since) else ""
        self._target = target
        self._since = since
        self._filters = filters

    def events(self) -> Iterator[ServerSentEvent]:
        """Events from `since` on."""
        import httpx

        backoff = Backoff(first=0.5, longest=_LONGEST_PAUSE_SECONDS)
        headers = {"Authorization": f"Bearer {self._target.key}"} if self._target.key else {}
        with httpx.Client(headers=headers, timeout=httpx.Timeout(10.0, read=_QUIET_SECONDS)) as http:
            while True:
                try:
                    for event in self._connection(http):
                        backoff.succeeded()
                        self.cursor = event.id or self.cursor
                        if event.event not in _NOT_EVENTS and event.data:
                            yield event
                except httpx.HTTPError as error:
                    print(f"reconnecting: {str(error) or type(error).__name__}", file=sys.stderr)
                time.sleep(backoff.failed())

    def _connection(self, http: httpx.Client) -> Iterator[ServerSentEvent]:
        from httpx_sse import SSEError, connect_sse

        from broadsheet.cli.api import refuse_errors

        url = f"{self._target.serve_url}/v1/events"
        headers = {"Last-Event-ID": self.cursor} if self.cursor else {}
        params = self._filters | ({"since": self._since} if self._since and not self.cursor else {})
        with connect_sse(http, "GET", url, headers=headers, params=params) as source:
            status = source.response.status_code
            if status >= 500 or status == _TOO_MANY:
                source.response.raise_for_status()
            if status >= 400:
                source.response.read()
                refuse_errors(source.response)
            try:
                yield from source.iter_sse()
            except SSEError as error:
                raise CliFailure(f"{url} is not an event stream: {error}") from error
