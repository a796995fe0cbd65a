"""What the guarded client does with answers: hostile ones (S37-S40) end with a reason, good ones come back whole."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from typing import Any

import pytest
import trustme

from shared.fetch import FetchError, FetchFailed, FetchRefused, FetchSettings, GuardedClient
from shared.observability import metrics
from tests.support.fetching import LOOPBACK, Asked, Names, http, local_policy, origin

MIB = 1024 * 1024


def page(_: Asked) -> bytes:
    return http(body=b"hello")


async def test_s37_certificates_are_checked_against_the_name() -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    contexts = {}
    for name, ca, host in [
        ("good", authority, "good.test"),
        ("other", authority, "x.test"),
        ("self", stranger, "good.test"),
    ]:
        contexts[name] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca.issue_cert(host).configure_cert(contexts[name])
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    outcomes = {}
    for name, context in contexts.items():
        async with (
            origin(page, context) as server,
            GuardedClient(local_policy(), purpose="test", resolver=Names(good_test=["127.0.0.1"]), tls=trust) as client,
        ):
            try:
                answer = await client.get(server.url(host="good.test", scheme="https"))
                outcomes[name] = str(answer.status)
            except FetchFailed as error:
                outcomes[name] = error.reason
            assert name == "good" or not server.asked
    assert outcomes == {"good": "200", "other": "fetch-tls", "self": "fetch-tls"}


async def _endless(asked: Asked, piece: bytes, head: bytes) -> None:
    asked.writer.write(head)
    while True:
        asked.writer.write(piece)
        await asked.writer.drain()


BOMB = gzip.compress(bytes(16 * MIB))
ANSWERS: dict[str, tuple[Any, str]] = {
    "S38 endless headers": (lambda a: _endless(a, b"X-A: b\r\n", b"HTTP/1.1 200 OK\r\n"), "fetch-headers"),
    "S38 one endless header": (lambda a: _endless(a, b"a" * 1000, b"HTTP/1.1 200 OK\r\nX: "), "fetch-headers"),
    "S39 ten terabytes": (lambda a: http(content_length=str(10**13)), "fetch-size"),
    "S39 a length that is none": (lambda a: http(content_length="-1"), "fetch-headers"),
    "endless body": (lambda a: _endless(a, b"a" * 65536, b"HTTP/1.1 200 OK\r\n\r\n"), "fetch-size"),
    "endless chunks": (
        lambda a: _endless(
            a, b"400\r\n" + b"a" * 1024 + b"\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        ),
        "fetch-size",
    ),
    "S40 redirects without end": (lambda a: http("302 Found", location=f"{a.path}x"), "fetch-redirects"),
    "S40 to itself": (lambda a: http("301 Moved", location=a.path), "fetch-redirects"),
    "gzip bomb": (lambda a: http(body=BOMB, content_encoding="gzip"), "fetch-inflate"),
    "bomb in a bomb": (lambda a: http(body=gzip.compress(BOMB), content_encoding="gzip, gzip"), "fetch-inflate"),
    "not gzip at all": (lambda a: http(body=b"hello", content_encoding="gzip"), "fetch-inflate"),
    "cut gzip": (lambda a: http(body=gzip.compress(b"hello" * 99)[:-9], content_encoding="gzip"), "fetch-inflate"),
    "unknown coding": (lambda a: http(body=b"hello", content_encoding="br"), "fetch-inflate"),
    "early end": (lambda a: http(body=b"hello", content_length="99"), "fetch-broken"),
    "not HTTP": (lambda a: b"220 smtp ready\r\n" * 9, "fetch-headers"),
    "closed at once": (lambda a: a.writer.close(), "fetch-broken"),
}


@pytest.mark.parametrize(("answer", "reason"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_hostile_answers_end_with_a_reason_and_the_next_request_is_unharmed(answer: Any, reason: str) -> None:
    policy = local_policy(max_bytes=4 * MIB)
    async with (
        origin(answer) as hostile,
        origin(page) as good,
        GuardedClient(policy, purpose="hostile") as client,
    ):
        before = metrics.FETCHES.labels("hostile", reason)._value.get()
        with pytest.raises(FetchError) as ended:
            await client.get(hostile.url())
        assert ended.value.reason == reason
        assert metrics.FETCHES.labels("hostile", reason)._value.get() == before + 1
        assert (await client.get(good.url())).body == b"hello"


async def test_a_slow_body_ends_with_the_time_and_nobody_there_is_said() -> None:
    async def slow(asked: Asked) -> None:
        asked.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\na")
        await asked.writer.drain()
        await asyncio.Event().wait()

    policy = local_policy(total_seconds=0.3)
    async with origin(slow) as server, GuardedClient(policy, purpose="test", resolver=Names()) as client:
        with pytest.raises(FetchFailed) as late:
            await client.get(server.url())
        with pytest.raises(FetchFailed) as nobody:
            await client.get("http://127.0.0.1:1/")
        with pytest.raises(FetchFailed) as unknown:
            await client.get("http://nowhere.test/")
    assert (late.value.reason, nobody.value.reason, unknown.value.reason) == (
        "fetch-time",
        "fetch-connect",
        "fetch-dns",
    )


async def test_bodies_are_inflated_within_the_limit() -> None:
    text = b"hello world " * 1000
    two = gzip.compress(text) + gzip.compress(text)
    async with (
        origin(lambda a: http(body=two, content_encoding="gzip")) as server,
        GuardedClient(local_policy(), purpose="test") as client,
    ):
        assert (await client.get(server.url())).body == text * 2
        assert (await client.get(server.url(), max_bytes=len(text) * 2)).body == text * 2
        with pytest.raises(FetchRefused) as refused:
            await client.get(server.url(), max_bytes=len(text) * 2 - 1)
    assert refused.value.reason == "fetch-size"


async def test_redirects_are_followed_told_and_secrets_stay_at_home() -> None:
    async with (
        origin(page) as last,
        origin(lambda a: http("301 Moved", location=last.url("/new") if a.path == "/b" else "/b")) as first,
        GuardedClient(local_policy(), purpose="test") as client,
    ):
        headers = {"Authorization": "Bearer secret", "If-None-Match": '"1"'}
        answer = await client.get(first.url("/a"), headers=headers)
        assert [(hop.status, hop.url) for hop in answer.redirects] == [(301, first.url("/b")), (301, last.url("/new"))]
        assert answer.url == last.url("/new")
        assert "authorization" in first.asked[1].headers
        assert "authorization" not in last.asked[0].headers
        assert last.asked[0].headers["if-none-match"] == '"1"'


async def test_no_cookies_no_proxies_and_zero_redirects_hands_the_redirect_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with origin(page) as proxy, origin(lambda _: http("302 F", location="/x", set_cookie="a=b")) as server:
        monkeypatch.setenv("http_proxy", proxy.url())
        async with GuardedClient(local_policy(max_redirects=0), purpose="test") as client:
            answers = [await client.get(server.url()), await client.get(server.url())]
        assert [answer.status for answer in answers] == [302, 302]
        assert "cookie" not in server.asked[1].headers
        assert proxy.connections == 0


def test_settings_make_the_policy_and_refuse_nonsense() -> None:
    settings = FetchSettings(allow="127.0.0.0/8, ::1/128", ports="80,9000", deny_hosts="News.example.org.")
    policy = settings.policy(max_redirects=0)
    assert (policy.allowed, policy.ports, policy.max_redirects) == (LOOPBACK, frozenset({80, 9000}), 0)
    assert policy.denied_hosts == {"news.example.org"}
    assert FetchSettings(ports="any").policy().ports is None
    for bad in ({"allow": "example.org"}, {"ports": "0"}, {"ports": "http"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            FetchSettings(**bad)
