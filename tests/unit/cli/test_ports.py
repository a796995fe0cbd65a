"""Which ports `up` takes."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from broadsheet.failure import CliFailure
from broadsheet.supervisor import ports
from broadsheet.supervisor.ports import choose_ports, listens


@pytest.fixture
def taken() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def claims() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_the_usual_port_is_taken_when_it_is_free(monkeypatch: pytest.MonkeyPatch, claims: ExitStack) -> None:
    with ExitStack() as before:
        (free,) = choose_ports({"serve": 0}, before).values()
    monkeypatch.setattr(ports, "DEFAULTS", {"serve": free})
    assert choose_ports({"serve": None}, claims) == {"serve": free}


def test_another_port_is_found_when_the_usual_one_is_taken(
    monkeypatch: pytest.MonkeyPatch, taken: int, claims: ExitStack
) -> None:
    monkeypatch.setattr(ports, "DEFAULTS", {"serve": taken})
    assert choose_ports({"serve": None}, claims)["serve"] not in {taken, 0}


def test_two_that_start_together_never_get_the_same_port(monkeypatch: pytest.MonkeyPatch, claims: ExitStack) -> None:
    with ExitStack() as first:
        (port,) = choose_ports({"serve": 0}, first).values()
        monkeypatch.setattr(ports, "DEFAULTS", {"serve": port})
        assert choose_ports({"serve": None}, claims)["serve"] != port, "nobody listens yet, but it is spoken for"
    assert choose_ports({"serve": None}, claims)["serve"] == port


def test_no_port_is_given_twice(claims: ExitStack) -> None:
    chosen = choose_ports(dict.fromkeys(("redis", "serve", "ingest", "enrich", "index", "notify"), 0), claims)
    assert len(set(chosen.values())) == 6


def test_a_wanted_port_that_is_taken_is_an_error_that_names_it(taken: int, claims: ExitStack) -> None:
    with pytest.raises(CliFailure, match=rf"port {taken} for ingest is taken") as caught:
        choose_ports({"ingest": taken}, claims)
    assert caught.value.code == 2


def test_a_listener_is_told_from_a_stranger(taken: int) -> None:
    assert listens(os.getpid(), taken)
    assert not listens(os.getppid(), taken)
    assert not listens(os.getpid(), 1)
