"""Counting open streams, and the parser that the tests of streams rely on."""

from __future__ import annotations

from services.serve.domain.connection_limiter import ConnectionLimiter
from tests.support.event_stream import EventParser


def test_an_address_without_a_key_and_a_key_have_their_own_limits() -> None:
    limiter = ConnectionLimiter(per_address=1, per_key=2, total=100)
    assert [limiter.acquire("a", "k") for _ in range(3)] == [True, True, False]
    assert [limiter.acquire("a") for _ in range(2)] == [True, False], "streams with a key do not fill the address"
    assert limiter.acquire("a", "other"), "a full address does not stop a key"
    limiter.release("a", "k")
    assert limiter.acquire("b", "k")
    assert not limiter.acquire("c", "k"), "a key has one limit on all addresses"
    assert limiter.open == 4
    limiter.release("a")
    assert limiter.acquire("a")


def test_the_last_seats_are_for_keys() -> None:
    limiter = ConnectionLimiter(per_address=100, per_key=100, total=20)
    assert sum(limiter.acquire("a") for _ in range(30)) == 18
    assert [limiter.acquire("b", "k") for _ in range(3)] == [True, True, False]
    for _ in range(18):
        limiter.release("a")
    assert limiter.acquire("a")


def test_the_parser_takes_bytes_in_any_pieces() -> None:
    parser = EventParser()
    for byte in b"id: 1\r\ndata: a\rdata: b\n\n":
        parser.feed(bytes([byte]))
    assert [(event.id, event.data) for event in parser.events] == [("1", "a\nb")]
