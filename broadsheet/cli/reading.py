"""search and tail: what readers and subscribers see."""

from __future__ import annotations

import json as jsonlib
import re
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from broadsheet.cli.options import Json, printable, show_json
from broadsheet.cli.target import Target
from broadsheet.failure import CliFailure

if TYPE_CHECKING:
    import httpx
    from httpx_sse import ServerSentEvent

_LONGEST_PAUSE_SECONDS: Final = 10.0
_QUIET_SECONDS: Final = 60.0
"""The server sends a heartbeat every 15 s; a stream that is quiet for longer is dead."""
_CURSOR: Final = re.compile(r"^\d+-\d+$")
_NOT_EVENTS: Final = frozenset({"hello"})


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(search)
    app.command()(tail)


def search(
    query: Annotated[str, typer.Argument(help='Words, "phrases", -not; empty for everything, newest first.')] = "",
    tag: Annotated[str, typer.Option(help="Tag slugs: comma = and, | = or, - = not.")] = "",
    section: Annotated[str, typer.Option(help="Sections, with the same signs.")] = "",
    source: Annotated[str, typer.Option(help="Sources, with the same signs.")] = "",
    order_by: Annotated[str, typer.Option(help="relevance, newest or oldest.")] = "",
    page: Annotated[int, typer.Option(min=1)] = 1,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Results on the page.")] = 10,
    json: Json = False,
) -> None:
    """Search as a reader does: typing errors are forgiven."""
    from broadsheet.cli.api import Api

    wanted: dict[str, str | int] = {"q": query, "tag": tag, "section": section, "source": source, "order-by": order_by}
    params = {name: value for name, value in wanted.items() if value} | {"page": page, "page-size": limit}
    with Api(target := Target()) as api:
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
        str, typer.Option(help="Begin after this cursor, at this time, or at `earliest`; else what is new.")
    ] = "",
    count: Annotated[int, typer.Option(min=0, help="End after so many events; 0 is never.")] = 0,
    json: Json = False,
) -> None:
    """Follow the public event log; reconnects by itself and misses nothing."""
    seen = 0
    try:
        for event in _events(Target(), since):
            seen += 1
            _show(event, json=json)
            if count and seen >= count:
                return
    except KeyboardInterrupt:
        return


def _show(event: ServerSentEvent, *, json: bool) -> None:
    if json:
        show_json({"cursor": event.id, "event": event.event, "data": _data(event)})
        return
    data = _data(event)
    card = data.get("data") or {}
    if "title" not in card:
        print(f"{event.id or '-'}  {event.event}  {printable(event.data)}", flush=True)
        return
    print(f"{event.id}  {data.get('type')}  rev {card['rev']}  {printable(card['title'])}", flush=True)


def _data(event: ServerSentEvent) -> dict[str, Any]:
    try:
        return dict(jsonlib.loads(event.data))
    except (ValueError, TypeError):
        return {"raw": event.data}


def _events(target: Target, since: str) -> Iterator[ServerSentEvent]:
    """Events from `since` on, over as many connections as it takes."""
    import httpx

    cursor, pause = (since, 0.0) if _CURSOR.match(since) else ("", 0.0)
    headers = {"Authorization": f"Bearer {target.key}"} if target.key else {}
    with httpx.Client(headers=headers, timeout=httpx.Timeout(10.0, read=_QUIET_SECONDS)) as http:
        while True:
            time.sleep(pause)
            try:
                for event in _connection(http, target.serve_url, cursor, since):
                    pause = 0.0
                    cursor = event.id or cursor
                    if event.event not in _NOT_EVENTS:
                        yield event
            except httpx.HTTPError as error:
                print(f"reconnecting: {str(error) or type(error).__name__}", file=sys.stderr)
            pause = min(_LONGEST_PAUSE_SECONDS, max(0.5, pause * 2))


def _connection(http: httpx.Client, base: str, cursor: str, since: str) -> Iterator[ServerSentEvent]:
    from httpx_sse import SSEError, connect_sse

    from broadsheet.cli.api import refuse_errors

    headers = {"Last-Event-ID": cursor} if cursor else {}
    params = {"since": since} if since and not cursor else {}
    with connect_sse(http, "GET", f"{base}/v1/events", headers=headers, params=params) as source:
        if source.response.status_code >= 500:
            source.response.raise_for_status()
        if source.response.status_code >= 400:
            source.response.read()
            refuse_errors(source.response)
        try:
            yield from source.iter_sse()
        except SSEError as error:
            raise CliFailure(f"{base}/v1/events is not an event stream: {error}") from error
