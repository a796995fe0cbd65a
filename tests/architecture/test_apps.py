"""Each app subscribes to and publishes exactly what the table of streams says, and nothing connects to be asked."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import pytest

from shared.topology import FLOW, STREAMS, Stream, consumed_by, produced_by
from tests.architecture.source import ROOT, parse, relative

WORKERS = tuple(service for service in FLOW if consumed_by(service))
EVENTS = {stream.event.__name__ for stream in STREAMS}


def worker_of(service: str, monkeypatch: pytest.MonkeyPatch, directory: Path) -> Any:
    """The worker that `main()` would run, caught at the door."""
    app = importlib.import_module(f"services.{service}.app")
    caught: list[Any] = []

    def catch(worker: Any, **_: Any) -> int:
        caught.append(worker)
        return 0

    monkeypatch.setenv("BROADSHEET_REDIS_URL", "redis://127.0.0.1:1/0")  # nobody listens there
    monkeypatch.setenv("BROADSHEET_INDEX_URL", f"embedded:{directory}")
    monkeypatch.setattr(app, "run_worker", catch)
    monkeypatch.setattr(app, "configure_logging", lambda *_, **__: None)
    assert app.main() == 0
    (worker,) = caught
    return worker


def stream_keys(parts: Any) -> set[str]:
    """The Redis keys of FastStream's subscribers or publishers."""
    return {part.stream_sub.name if hasattr(part, "stream_sub") else part.stream.name for part in parts}


def made_events(folder: Path) -> set[str]:
    """The event classes that the code below `folder` makes: `ArticleEnriched(...)`."""
    return {
        node.func.id
        for path in folder.rglob("*.py")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EVENTS
    }


@pytest.mark.parametrize("service", WORKERS)
async def test_a_worker_reads_and_writes_what_the_table_says(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    worker = await run_in_thread(worker_of, service, monkeypatch, tmp_path)
    assert stream_keys(worker.broker.subscribers) == {stream.key for stream in consumed_by(service)}
    assert stream_keys(worker.broker.publishers) == {stream.key for stream in produced_by(service)}
    (subscriber,) = worker.broker.subscribers
    assert subscriber.stream_sub.group == service
    assert subscriber.stream_sub.batch
    assert subscriber.stream_sub.last_id == ">"
    assert 0 < subscriber.stream_sub.max_records <= 100


async def run_in_thread(function: Any, *arguments: Any) -> Any:
    """`main()` owns its event loop, so it is called outside ours."""
    import asyncio

    return await asyncio.to_thread(function, *arguments)


@pytest.mark.parametrize("service", FLOW)
def test_a_service_makes_the_events_it_is_the_producer_of_and_no_others(service: str) -> None:
    made = made_events(ROOT / "services" / service)
    assert made == {stream.event.__name__ for stream in produced_by(service)}


def test_an_api_process_consumes_nothing() -> None:
    """A consumer inside an API would stop without anybody noticing; APIs read the log with a cursor."""
    for service in set(FLOW) - set(WORKERS):
        names = {
            alias.name
            for path in (ROOT / "services" / service).rglob("*.py")
            for node in ast.walk(parse(path))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not names & {"make_worker", "run_worker", "RedisBroker", "FastStream"}


def test_stream_names_are_written_in_the_table_only() -> None:
    names = {stream.name for stream in STREAMS}
    strays = [
        f"{relative(path)}:{node.lineno} {node.value}"
        for package in ("services", "shared", "broadsheet")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "topology.py"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert strays == []


def test_the_finder_sees_an_event_made_in_the_wrong_place(tmp_path: Path) -> None:
    (tmp_path / "rogue.py").write_text("event = Publication(meta=meta, card=card)\n")
    assert made_events(tmp_path) == {"Publication"}


def test_every_stream_of_the_table_has_its_own_event_class_once() -> None:
    assert len({stream.event for stream in STREAMS}) == len(STREAMS)
    assert all(isinstance(stream, Stream) for stream in STREAMS)
