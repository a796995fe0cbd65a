"""Feeds of twenty producers, polled by a whole Broadsheet: each item is found, and the counts are the truth."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.running_stack import RunningStack, wait_for
from tests.support.feed_shapes import SHAPES

pytestmark = [pytest.mark.slow, pytest.mark.redis]


class _Feeds(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        shape = SHAPES[self.path.strip("/").replace("-", " ")]
        self.send_response(200)
        self.send_header("Content-Type", shape.media_type)
        self.send_header("Content-Length", str(len(shape.body)))
        self.end_headers()
        self.wfile.write(shape.body)

    def log_message(self, *_: Any) -> None:
        """No lines on stderr."""


@pytest.fixture(scope="module")
def feeds() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Feeds)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    data: Path = tmp_path_factory.mktemp("shapes") / "data"
    running = RunningStack(data, env={"BROADSHEET_FETCH_ALLOW": "127.0.0.0/8", "BROADSHEET_FETCH_PORTS": "any"}).start()
    yield running
    running.stop()


@pytest.mark.timeout(300)
def test_each_item_is_found_and_the_counts_are_those_of_what_was_published(stack: RunningStack, feeds: str) -> None:
    state = stack.state
    with httpx.Client(headers={"Authorization": f"Bearer {state.key}"}, timeout=30) as client:
        for name in SHAPES:
            slug = name.replace(" ", "-")
            body = {"url": f"{feeds}/{slug}", "interval_seconds": 86_400}
            assert client.put(f"{state.ingest_url}/v1/sources/{slug}", json=body).status_code == 201
        wrong = {
            name: error for name, shape in SHAPES.items() if (error := _difference(client, state, name, shape.titles))
        }
        assert wrong == {}


def _difference(client: httpx.Client, state: Any, name: str, titles: tuple[str, ...]) -> str:
    slug = name.replace(" ", "-")

    def poll() -> dict[str, Any]:
        found: dict[str, Any] = client.get(f"{state.ingest_url}/v1/sources/{slug}").json()["last_poll"]
        return found

    def is_done() -> bool:
        last = poll()
        return bool(last["polled_at"]) and last["published"] + last["dead"] >= last["accepted"]

    wait_for(is_done, 90, f"{name} is published")
    last = poll()
    params = {"source": slug, "duplicates": "all", "page-size": "50"}
    results = client.get(f"{state.serve_url}/v1/search", params=params).json()["response"]["results"]
    counts = {key: last[key] for key in ("items", "accepted", "published", "dead", "rejected", "published_total")}
    expected = dict.fromkeys(("items", "accepted", "published", "published_total"), len(titles)) | {
        "dead": 0,
        "rejected": 0,
    }
    if counts != expected or len(results) != len(titles):
        return (
            f"{counts}, {len(results)} found: {last['error_detail'] or last['dead_reason'] or last['rejected_reason']}"
        )
    unlike = {one["title"] for one in results} ^ set(titles)
    return f"titles {unlike}" if any(not _is_alike(title, titles, results) for title in unlike) else ""


def _is_alike(title: str, titles: tuple[str, ...], results: list[dict[str, Any]]) -> bool:
    """A title taken from the text of an untitled post may end with its full stop."""
    others = [*titles, *(one["title"] for one in results)]
    return any(title != other and title.rstrip(".") == other.rstrip(".") for other in others)
