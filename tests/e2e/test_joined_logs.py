"""The logs of all services, joined by the ids of one article: accepted, enriched, indexed, published, delivered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import wait_until
from tests.support.valkey import Valkey
from tests.tour.stack import Stack

pytestmark = [pytest.mark.redis, pytest.mark.timeout(300)]

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PAGE = (
    "Ferry to Skerry Holm runs again\n\nThe repaired ramp carries lorries from today\n\n"
    "The ferry to Skerry Holm left the harbour on time this morning, eleven weeks after a storm bent its ramp. "
    "Forty cars and two lorries crossed in the first hour.\n\nThe council paid for the repair from its winter fund.\n"
)


class Receiver:
    """A webhook endpoint that answers 200 and keeps the headers of what it got."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name is http.server's
                self.rfile.read(int(self.headers["content-length"]))
                receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory: Path = tmp_path_factory.mktemp("logs")
    valkey = Valkey(directory / "valkey")
    valkey.start()
    allowed = {"BROADSHEET_FETCH_ALLOW": "127.0.0.0/8", "BROADSHEET_FETCH_PORTS": "any"}
    running = Stack(directory, valkey, env=allowed)
    try:
        running.start()
        yield running
        running.stop()
    finally:
        for process in running.processes.values():
            process.kill()
        valkey.stop()


def lines_of(stack: Stack) -> list[dict[str, Any]]:
    """The lines of all logs in the order of their time."""
    texts = [(stack.directory / f"{service}.log").read_text("utf-8") for service in stack.processes]
    return sorted(
        (json.loads(line) for text in texts for line in text.splitlines()), key=lambda line: line["timestamp"]
    )


async def post(stack: Stack, content: str, ident: str, **headers: str) -> str:
    async with stack.producer as http:
        answer = await http.post(
            "/v1/articles",
            params={"source": "skerry-courier", "id": ident},
            content=content,
            headers={"Content-Type": "text/plain", **headers},
        )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def test_one_article_is_followed_through_every_service_by_its_correlation_id(
    stack: Stack, receiver: Receiver
) -> None:
    async with stack.reader as http:
        made = await http.post(
            "/v1/subscriptions",
            json={"q": "ferry", "sink": receiver.url},
            headers={"Authorization": f"Bearer {stack.key}"},
        )
    assert made.status_code == 201, made.text
    article_id = await post(stack, PAGE, "ferry", traceparent=TRACE)

    def of_article(name: str) -> list[dict[str, Any]]:
        return [line for line in lines_of(stack) if line["event"] == name and line.get("article_id") == article_id]

    await wait_until(lambda: of_article("webhook.delivered"), timeout=60, what="the delivery")
    await wait_until(lambda: of_article("article.broadcast"), timeout=20, what="the line of serve")
    (accepted,) = of_article("article.accepted")
    chain = [line for line in lines_of(stack) if line.get("correlation_id") == accepted["correlation_id"]]
    steps = [(line["service"], line["event"]) for line in chain]
    assert [step for step in steps if step[0] != "serve"] == [
        ("ingest", "article.accepted"),
        ("enrich", "article.enriched"),
        ("index", "article.indexed"),
        ("index", "article.published"),
        ("notify", "webhook.delivered"),
    ]
    assert ("serve", "article.broadcast") in steps[4:], "serve hears of it after it is published"
    for line in chain:
        assert {"service", "event_id", "article_id", "rev", "correlation_id"} <= line.keys(), line
        assert line["article_id"] == article_id
    by_event = {line["event"]: line for line in chain}
    for name, stream in (("article.enriched", "article.received.v1"), ("article.indexed", "article.enriched.v1")):
        assert by_event[name]["stream"] == stream
        assert {"entry_id", "attempt", "source"} <= by_event[name].keys()
    assert by_event["webhook.delivered"]["status"] == 200
    assert by_event["webhook.delivered"]["attempt"] == 1

    assert receiver.headers[-1]["traceparent"] == TRACE
    assert "traceparent" not in receiver.headers[0], "the ping belongs to no request"
    async with stack.reader as http:
        events = await http.get("/v1/events", params={"since": "earliest"}, headers={"Accept": "application/x-ndjson"})
    mine = [event for event in map(json.loads, events.text.splitlines()) if event.get("subject") == article_id]
    assert [event["traceparent"] for event in mine] == [TRACE]


async def test_the_line_of_a_rejected_page_names_article_source_and_rule(stack: Stack) -> None:
    article_id = await post(stack, "Tags: #Nothing #Else\n", "empty")

    def rejected() -> list[dict[str, Any]]:
        return [line for line in lines_of(stack) if line["event"] == "entry.dead_lettered"]

    await wait_until(rejected, timeout=60, what="the dead letter")
    (line,) = rejected()
    assert (line["service"], line["article_id"], line["source"]) == ("enrich", article_id, "skerry-courier")
    assert line["rule"]
    assert line["reason"]
    (accepted,) = [
        line for line in lines_of(stack) if line.get("article_id") == article_id and "accepted" in line["event"]
    ]
    assert line["correlation_id"] == accepted["correlation_id"]


async def test_every_request_has_an_access_line_without_its_query(stack: Stack) -> None:
    async with stack.reader as http:
        await http.get("/v1/search", params={"q": "zebra crossing"})

    def seen() -> list[dict[str, Any]]:
        return [line for line in lines_of(stack) if line["event"] == "request.completed" and line["service"] == "serve"]

    await wait_until(lambda: [line for line in seen() if line["path"] == "/v1/search"], what="the access line")
    line = [line for line in seen() if line["path"] == "/v1/search"][-1]
    assert (line["method"], line["status"]) == ("GET", 200)
    assert "zebra" not in json.dumps(lines_of(stack))
    assert not [line for line in seen() if line["path"] == "/readyz"]
