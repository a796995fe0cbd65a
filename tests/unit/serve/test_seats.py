"""Counting open streams, and the parser that the tests of streams rely on."""

from __future__ import annotations

from services.serve.adapters.streaming import Seats
from tests.event_stream import EventParser


def test_seats() -> None:
    seats = Seats(per_address=2, total=3)
    assert [seats.take(name) for name in ("a", "a", "a", "b", "b")] == [True, True, False, True, False]
    seats.leave("a")
    assert seats.take("b")
    assert seats.open == 3


def test_the_parser_takes_bytes_in_any_pieces() -> None:
    parser = EventParser()
    for byte in b"id: 1\r\ndata: a\rdata: b\n\n":
        parser.feed(bytes([byte]))
    assert [(event.id, event.data) for event in parser.events] == [("1", "a\nb")]
