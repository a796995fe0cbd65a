"""Our envelope against FastStream's own parser: what we write, any FastStream consumer reads."""

from __future__ import annotations

import contextlib
import json

import pytest
from faststream.redis.parser import BinaryMessageFormatV1
from hypothesis import given
from hypothesis import strategies as st

from shared.broker.worker import Envelope
from shared.envelope import MalformedEntry, decode, encode, encode_event, split_at_rev
from tests.integration.consuming import received

NASTY = {"city": "Zürich", "title": "東京の新聞", "emoji": "📰", "empty": "", "last": "naïve"}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_faststream_reads_non_ascii_headers_of_ours() -> None:
    body, headers = BinaryMessageFormatV1.parse(encode(NASTY, b'{"a": 1}'))
    assert (headers, body) == (NASTY, b'{"a": 1}')


def test_an_event_reads_the_same_through_both() -> None:
    event = received("Zürich")
    data = encode_event(event)
    body, headers = BinaryMessageFormatV1.parse(data)
    assert type(event).from_json(body) == event
    assert headers["correlation_id"] == "Zürich"
    assert decode({b"__data__": data}) == (headers, body)


async def test_what_faststream_publishes_with_our_format_is_read_by_both() -> None:
    parts = {"message": {"text": "ça va"}, "reply_to": None, "headers": NASTY, "correlation_id": "ö"}
    data = await Envelope.encode(**parts)
    body, headers = BinaryMessageFormatV1.parse(data)
    assert json.loads(body) == {"text": "ça va"}
    assert headers.items() >= NASTY.items()
    assert decode({b"__data__": data}) == (headers, body)


async def test_faststreams_own_encoder_still_has_the_bug_that_ours_avoids() -> None:
    # When this fails, FastStream has fixed its header lengths and our encoder may go.
    data = await BinaryMessageFormatV1.encode(message=b"{}", reply_to=None, headers=NASTY, correlation_id="c")
    assert BinaryMessageFormatV1.parse(data)[1].get("title") != NASTY["title"]


@given(headers=st.dictionaries(texts, texts, max_size=5), body=st.binary(max_size=200))
def test_every_header_and_body_survives(headers: dict[str, str], body: bytes) -> None:
    data = encode(headers, body)
    assert decode({b"__data__": data}) == (headers, body)
    assert BinaryMessageFormatV1.parse(data) == (body, headers)


@given(data=st.binary(max_size=200), cut=st.integers(0, 60))
def test_garbage_is_refused_and_nothing_else_happens(data: bytes, cut: int) -> None:
    for value in (data, encode(NASTY, b"{}")[:cut], b"\x89BIN\r\n\x1a\n" + data):
        with contextlib.suppress(MalformedEntry):  # the one error that may come out
            headers, body = decode({b"__data__": value})
            assert isinstance(headers, dict)
            assert isinstance(body, bytes)


def test_a_bare_json_body_is_read_and_an_empty_entry_is_not() -> None:
    assert decode({b"__data__": b'{"data": "kept whole"}'}) == ({}, b'{"data": "kept whole"}')
    for fields in ({}, {b"__data__": b""}, {b"data": b"{}"}):
        with pytest.raises(MalformedEntry):
            decode(fields)


def test_the_revision_can_be_filled_in_by_a_script() -> None:
    event = received("a")
    head, tail = split_at_rev(event)
    filled = head + b"1234" + tail
    body, _ = BinaryMessageFormatV1.parse(filled)
    assert type(event).from_json(body).article.rev == 1234
