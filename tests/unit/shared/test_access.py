"""Access: good keys are remembered briefly, bad ones never; the envelope is bounded before anything is read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.access import CACHE_SECONDS, MAX_HEADER_BYTES, MAX_HEADERS, MAX_TARGET_BYTES, Access, request_limit_problem
from shared.errors import StoreUnavailable
from shared.store.articles.port import Credential
from tests.support.builders import NOON

GOOD = Credential("id", "name", "", frozenset({"ingest"}), NOON)


class FakeCredentials:
    """Knows the key `good`; counts the questions, and can be down."""

    def __init__(self) -> None:
        self.known = {"good": GOOD}
        self.asked: list[str] = []
        self.down = False

    async def verify(self, key: str) -> Credential | None:
        self.asked.append(key)
        await asyncio.sleep(0)
        if self.down:
            raise StoreUnavailable("down")
        return self.known.get(key)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def make_access() -> tuple[Access, FakeCredentials, Clock]:
    credentials, clock = FakeCredentials(), Clock()
    return Access(credentials, clock=clock), credentials, clock  # type: ignore[arg-type]


async def test_a_good_key_is_asked_for_once_until_it_is_old() -> None:
    access, credentials, clock = make_access()
    for _ in range(3):
        assert await access.verify("good") == GOOD
    assert credentials.asked == ["good"]
    credentials.known.clear()
    clock.now = CACHE_SECONDS
    assert await access.verify("good") is None
    assert CACHE_SECONDS < 5


async def test_a_thousand_callers_ask_once() -> None:
    access, credentials, _ = make_access()
    answers = await asyncio.gather(*(access.verify("good") for _ in range(1000)))
    assert set(answers) == {GOOD}
    assert credentials.asked == ["good"]


async def test_a_bad_key_is_not_remembered_and_a_long_one_not_even_asked_for() -> None:
    access, credentials, _ = make_access()
    assert await access.verify("bad") is None
    assert await access.verify("bad") is None
    assert await access.verify("x" * 10_000) is None
    assert credentials.asked == ["bad", "bad"]


async def test_an_outage_is_not_remembered_and_lets_nobody_in() -> None:
    access, credentials, _ = make_access()
    credentials.down = True
    with pytest.raises(StoreUnavailable):
        await access.verify("good")
    credentials.down = False
    assert await access.verify("good") == GOOD


async def test_one_caller_that_leaves_does_not_fail_the_others() -> None:
    access, _, _ = make_access()
    first = asyncio.ensure_future(access.verify("good"))
    second = asyncio.ensure_future(access.verify("good"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == GOOD


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, None),
        ({"query_string": b"x" * MAX_TARGET_BYTES}, 414),
        ({"headers": [(b"a", b"b")] * MAX_HEADERS}, None),
        ({"headers": [(b"a", b"b")] * (MAX_HEADERS + 1)}, 431),
        ({"headers": [(b"a", b"b" * MAX_HEADER_BYTES)]}, 431),
        ({"headers": [(b"content-length", b"1"), (b"transfer-encoding", b"chunked")]}, 400),
    ],
)
def test_the_envelope(change: dict[str, Any], status: int | None) -> None:
    problem = request_limit_problem({"raw_path": b"/", "query_string": b"", "headers": [], **change})
    assert (problem.status if problem else None) == status
