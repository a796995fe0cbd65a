"""The table of streams: one way, named by the house rules, declared without loss."""

from __future__ import annotations

import re

import pytest

from shared.topology import FLOW, STREAMS, Stream, consumed_by, declare, produced_by, stream_named


def backward_edges(streams: tuple[Stream, ...], flow: tuple[str, ...]) -> list[str]:
    """Streams whose producer does not stand before each of its consumers."""
    return [
        f"{stream.name}: {stream.producer} -> {consumer}"
        for stream in streams
        for consumer in (*stream.groups, *stream.readers)
        if flow.index(stream.producer) >= flow.index(consumer)
    ]


def test_the_flow_is_one_way() -> None:
    assert backward_edges(STREAMS, FLOW) == []


def test_the_rule_sees_a_backward_stream() -> None:
    first = STREAMS[0]
    looped = Stream("loop.v1", first.event, "index", groups=("enrich",), readers=(), keep=None)
    assert backward_edges((*STREAMS, looped), FLOW) == ["loop.v1: index -> enrich"]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_stream_says_its_major_version_and_lives_in_the_partition(stream: Stream) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z]+)*\.v[1-9]\d*", stream.name)
    assert stream.name.endswith(f".v{stream.event.VERSION}")
    assert stream.key == f"{{p0}}:{stream.name}"
    assert stream.dead_key == f"{stream.key}.dead"


def test_every_stream_is_read_by_somebody_and_every_service_has_a_part() -> None:
    assert all(stream.groups or stream.readers for stream in STREAMS)
    named = {name for stream in STREAMS for name in (stream.producer, *stream.groups, *stream.readers)}
    assert named == set(FLOW)


def test_the_public_log_is_kept_for_ever_and_has_no_group() -> None:
    log = stream_named("publications.v1")
    assert log.keep is None
    assert log.groups == ()


def test_streams_are_found_by_name_and_by_key() -> None:
    for stream in STREAMS:
        assert stream_named(stream.name) is stream_named(stream.key) is stream
    with pytest.raises(KeyError, match=r"known: article\.received\.v1"):
        stream_named("article.recieved.v1")


def test_the_table_answers_from_both_sides() -> None:
    assert [stream.name for stream in produced_by("enrich")] == ["article.enriched.v1"]
    assert [stream.name for stream in consumed_by("enrich")] == ["article.received.v1"]
    assert consumed_by("serve") == ()


async def test_declaring_makes_every_group_once() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.made: list[tuple[str, str]] = []

        async def create_group(self, key: str, group: str) -> None:
            self.made.append((key, group))

    recorder = Recorder()
    await declare(recorder)
    assert recorder.made == [("{p0}:article.received.v1", "enrich"), ("{p0}:article.enriched.v1", "index")]
