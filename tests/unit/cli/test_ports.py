"""Which ports `up` takes."""

from __future__ import annotations

import socket

import pytest

from broadsheet.failure import CliFailure
from broadsheet.supervisor import ports
from broadsheet.supervisor.ports import choose_ports


@pytest.fixture
def taken() -> int:
    """A port somebody listens on."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    yield listener.getsockname()[1]
    listener.close()


def test_the_usual_port_is_taken_when_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    (free,) = choose_ports({"serve": 0}).values()
    monkeypatch.setattr(ports, "DEFAULTS", {"serve": free})
    assert choose_ports({"serve": None}) == {"serve": free}


def test_another_port_is_found_when_the_usual_one_is_taken(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr(ports, "DEFAULTS", {"serve": taken})
    assert choose_ports({"serve": None})["serve"] not in {taken, 0}


def test_no_port_is_given_twice() -> None:
    chosen = choose_ports(dict.fromkeys(("redis", "serve", "ingest", "enrich", "index"), 0))
    assert len(set(chosen.values())) == 5


def test_a_wanted_port_that_is_taken_is_an_error_that_names_it(taken: int) -> None:
    with pytest.raises(CliFailure, match=rf"port {taken} for ingest is taken") as caught:
        choose_ports({"ingest": taken})
    assert caught.value.code == 2
