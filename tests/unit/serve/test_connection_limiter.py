"""Counting open streams, and the parser that the tests of streams rely on."""

from __future__ import annotations

from services.serve.domain.connection_limiter import Seats
from tests.support.event_stream import EventParser


def test_an_address_and_a_key_have_their_limits() -> None:
    seats = Seats(per_address=3, per_key=2, total=100)
    assert [seats.take("a", "k") for _ in range(3)] == [True, True, False]
    assert [seats.take("a") for _ in range(2)] == [True, False]
    seats.leave("a", "k")
    assert seats.take("b", "k")
    assert not seats.take("c", "k")
    assert seats.take("a", "other")
    assert seats.open == 4


def test_the_last_seats_are_for_keys() -> None:
    seats = Seats(per_address=100, per_key=100, total=20)
    assert sum(seats.take("a") for _ in range(30)) == 18
    assert [seats.take("b", "k") for _ in range(3)] == [True, True, False]
    for _ in range(18):
        seats.leave("a")
    assert seats.take("a")


def test_the_parser_takes_bytes_in_any_pieces() -> None:
    parser = EventParser()
    for byte in b"id: 1\r\ndata: a\rdata: b\n\n":
        parser.feed(bytes([byte]))
    assert [(event.id, event.data) for event in parser.events] == [("1", "a\nb")]
