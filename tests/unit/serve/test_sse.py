"""Frames, byte for byte, and through a strict parser that itself passes the standard's vectors."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.serve.domain import sse
from shared.cloudevents import cloud_event, to_json
from shared.events import Publication
from tests.support.builders import NOON, make_card
from tests.support.event_stream import EventParser
from tests.support.material import shared_dir


def parsed(raw: bytes) -> EventParser:
    parser = EventParser()
    for position in range(len(raw)):
        parser.feed(raw[position : position + 1])
    parser.close()
    return parser


@pytest.mark.parametrize(
    ("fields", "raw"),
    [
        ({"data": "x"}, b"data: x\n\n"),
        ({"data": ""}, b"data: \n\n"),
        ({"data": "a\nb\r\nc\rd"}, b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        ({"data": "\n\ndata: evil"}, b"data: \ndata: \ndata: data: evil\n\n"),
        ({"data": "\u2028\0"}, b"data: \xe2\x80\xa8\0\n\n"),
        ({"cursor": "1-0"}, b"id: 1-0\n\n"),
        (
            {"data": "{}", "event": "hello", "cursor": "1-0", "retry_ms": 3000},
            b"retry: 3000\nevent: hello\nid: 1-0\ndata: {}\n\n",
        ),
    ],
)
def test_bytes_of_a_frame(fields: dict, raw: bytes) -> None:
    assert sse.frame(**fields) == raw


@pytest.mark.parametrize("bad", [{"event": "a\nb"}, {"cursor": "1\r2"}, {"cursor": "\0", "data": "x"}, {}])
def test_a_frame_that_would_break_apart_is_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match=r"line break|at least one"):
        sse.frame(**bad)


def test_a_comment_is_ignored_by_parsers() -> None:
    assert sse.comment("hb") == b": hb\n\n"
    assert parsed(sse.comment("hb")).events == []
    assert parsed(sse.comment("hb")).comments == ["hb"]


@given(st.text())
def test_any_text_comes_back_whole(text: str) -> None:
    (event,) = parsed(sse.frame(data=text, cursor="7-1")).events
    assert event.data == text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    assert event.id == "7-1"


@pytest.mark.data
def test_our_parser_is_as_strict_as_the_standard() -> None:
    vectors = json.loads((shared_dir() / "data/peers/sse_vectors.json").read_text())
    assert len(vectors) >= 16
    for vector in vectors:
        events = parsed(base64.b64decode(vector["stream_b64"])).events
        assert [event.data for event in events] == [event["data"] for event in vector["events"]], vector["name"]
        for event, wanted in zip(events, vector["events"], strict=True):
            for name in ("event", "id", "retry"):
                if name in wanted:
                    assert getattr(event, name) == wanted[name], vector["name"]


@pytest.mark.data
def test_what_the_vectors_say_survives_our_encoder() -> None:
    vectors = json.loads((shared_dir() / "data/peers/sse_vectors.json").read_text())
    texts = [event["data"] for vector in vectors for event in vector["events"]]
    raw = b"".join(sse.frame(data=text, cursor=f"{number}-0") for number, text in enumerate(texts, 1))
    assert [event.data for event in parsed(raw).events] == texts


def test_a_publication_as_a_cloud_event() -> None:
    meta = Publication.meta_for(producer="index", now=NOON)
    publication = Publication(meta=meta, card=make_card(title='Bad "news"\n\ndata: {}\r\u2028 ünd'))
    event = cloud_event(publication, cursor="5-0", source="https://news.example")
    assert event["specversion"] == "1.0"
    assert event["type"] == "org.broadsheet.article.published.v1"
    assert (event["id"], event["subject"], event["sequence"]) == (meta.event_id, publication.card.id, "5-0")
    assert event["time"] == "2026-03-14T12:00:00Z"
    assert event["correlationid"] == meta.correlation_id
    text = to_json(event)
    assert "\n" not in text
    assert "\r" not in text
    assert json.loads(text)["data"]["title"] == publication.card.title
    (received,) = parsed(sse.frame(data=text, cursor="5-0")).events
    assert json.loads(received.data) == event
