"""The catalogue of hostile URLs (S01-S40) against the guarded client: real sockets, a resolver of our own."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from ipaddress import ip_network
from typing import Any

import pytest
import trustme

from shared.fetch import FetchError, FetchFailed, FetchPolicy, FetchRefused, FetchSettings, GuardedClient
from shared.fetch.dialling import judging_sockets
from shared.observability import metrics
from tests.fetching import LOOPBACK, Asked, Names, http, local_policy, origin

ANY_PORT = FetchPolicy(ports=None, total_seconds=5)
MIB = 1024 * 1024


def page(_: Asked) -> bytes:
    return http(body=b"hello")


LITERALS = {
    "S01": "127.0.0.1",
    "S02": "127.1",
    "S03": "2130706433",
    "S04": "0x7f000001",
    "S05": "0177.0.0.1",
    "S06": "0.0.0.0",
    "S08": "[::1]",
    "S09": "[::]",
    "S10": "[::ffff:127.0.0.1]",
    "S11": "[::127.0.0.1]",
    "S12a": "10.0.0.1",
    "S12b": "172.16.0.1",
    "S12c": "192.168.0.1",
    "S13": "169.254.169.254",
    "S14": "[fd00:ec2::254]",
    "S15": "100.100.100.200",
    "S16": "100.64.0.1",
    "S17": "[64:ff9b::a9fe:a9fe]",
    "S18": "[2002:7f00:1::]",
    "S20": "[fec0::1]",
    "S21": "224.0.0.1",
    "S22": "255.255.255.255",
    "S23": "192.0.0.192",
    "S31a": "１２７.0.0.1",
    "S31b": "127。0。0。1",
}


@pytest.mark.parametrize("host", LITERALS.values(), ids=LITERALS.keys())
@pytest.mark.parametrize("method", ["get", "post", "redirect"])
async def test_no_spelling_of_a_forbidden_address_is_dialled(host: str, method: str) -> None:
    allowed = (ip_network("127.0.0.2/32"),) if method == "redirect" else ()
    async with (
        origin(page) as inside,
        origin(lambda _: http("302 Found", location=inside.url(host=host)), address="127.0.0.2") as outside,
        GuardedClient(FetchPolicy(allowed=allowed, ports=None, total_seconds=5), purpose="test") as client,
    ):
        with pytest.raises(FetchRefused) as refused:
            await _ask(client, method, outside.url() if method == "redirect" else inside.url(host=host))
        assert inside.connections == 0
        assert outside.connections == (method == "redirect")
    assert refused.value.reason == "fetch-address"
    assert "127.0.0.1" not in str(refused.value)


async def _ask(client: GuardedClient, method: str, url: str) -> Any:
    return await (client.post(url, b"{}") if method == "post" else client.get(url))


NAMES = {
    "S07 localhost": ("localhost", ["127.0.0.1"]),
    "S07 with a dot": ("localhost.", ["127.0.0.1"]),
    "S24 one good, one bad": ("mixed.test", ["8.8.8.8", "127.0.0.1"]),
    "S24 the other order": ("mixed.test", ["127.0.0.1", "8.8.8.8"]),
    "S24 of both families": ("mixed.test", ["8.8.8.8", "::1"]),
    "metadata by name": ("meta.test", ["169.254.169.254"]),
}


@pytest.mark.parametrize(("host", "addresses"), NAMES.values(), ids=NAMES.keys())
async def test_a_name_with_any_forbidden_address_is_refused(host: str, addresses: list[str]) -> None:
    names = Names(**{host.rstrip(".").replace(".", "_"): addresses})
    async with origin(page) as inside, GuardedClient(ANY_PORT, purpose="test", resolver=names) as client:
        with pytest.raises(FetchRefused) as refused:
            await client.get(inside.url(host=host))
        assert refused.value.reason == "fetch-address"
        assert inside.connections == 0


async def test_s25_rebinding_has_no_second_question_to_answer() -> None:
    """One resolution for one dialling: the second answer, the forbidden one, is judged when it comes."""
    names = Names(bind_test=[["127.0.0.1"], ["169.254.169.254"]])
    async with (
        origin(page) as server,
        GuardedClient(local_policy(total_seconds=5), purpose="test", resolver=names) as client,
    ):
        answer = await client.get(server.url(host="bind.test"))
        assert (answer.body, names.asked) == (b"hello", ["bind.test"])
        assert server.asked[0].headers["host"] == f"bind.test:{server.port}"
        with pytest.raises(FetchRefused):
            await client.get(server.url(host="bind.test"))
    assert names.asked == ["bind.test", "bind.test"]


def test_what_is_dialled_is_judged_even_when_nobody_did_before() -> None:
    make = judging_sockets(ANY_PORT)
    with pytest.raises(PermissionError):
        make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))
    with make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))) as made:
        assert made.family == socket.AF_INET


async def test_s26_a_redirect_to_metadata_is_refused() -> None:
    async with (
        origin(lambda _: http("302 Found", location="http://169.254.169.254/latest/")) as server,
        GuardedClient(local_policy(), purpose="test") as client,
    ):
        with pytest.raises(FetchRefused) as refused:
            await client.get(server.url())
    assert refused.value.reason == "fetch-address"


async def test_s27_a_post_is_never_sent_on() -> None:
    async with (
        origin(page) as inside,
        origin(lambda _: http("307 Temporary Redirect", location=inside.url())) as server,
        GuardedClient(local_policy(), purpose="test") as client,
    ):
        answer = await client.post(server.url(), b"secret")
        assert answer.status == 307
        assert (server.asked[0].body, inside.connections) == (b"secret", 0)


BAD = {
    "S19 zone": ("http://[fe80::1%25eth0]/", "fetch-url"),
    "S28 user": ("http://good@127.0.0.1/", "fetch-url"),
    "S28 password": ("http://a:b@example.org/", "fetch-url"),
    "S32 file": ("file:///etc/passwd", "fetch-scheme"),
    "S32 gopher": ("gopher://127.0.0.1:6379/_INFO", "fetch-scheme"),
    "S32 ftp": ("ftp://example.org/", "fetch-scheme"),
    "S32 dict": ("dict://127.0.0.1:6379/info", "fetch-scheme"),
    "S32 unix": ("unix:/run/redis.sock", "fetch-scheme"),
    "S32 none": ("example.org/feed", "fetch-url"),
    "S33 redis": ("http://example.org:6379/", "fetch-port"),
    "S33 meilisearch": ("http://example.org:7700/", "fetch-port"),
    "S33 ssh": ("https://example.org:22/", "fetch-port"),
    "S34 our own name": ("https://news.example.org/v1/articles", "fetch-host"),
    "S34 with a dot and capitals": ("https://NEWS.Example.ORG./", "fetch-host"),
    "S35 line breaks": ("http://example.org/a\r\nHost: evil", "fetch-url"),
    "S35 NUL": ("http://example.org/\0", "fetch-url"),
    "S36 label": (f"http://xn--{'a' * 300}.example.org/", "fetch-url"),
    "S36 host": (f"http://{'a.' * 200}org/", "fetch-url"),
    "long": (f"http://example.org/{'a' * 9000}", "fetch-url"),
    "surrogate": ("http://example.org/\ud800", "fetch-url"),
    "empty": ("", "fetch-url"),
}


@pytest.mark.parametrize(("url", "reason"), BAD.values(), ids=BAD.keys())
async def test_urls_that_are_refused_before_anything_is_asked(url: str, reason: str) -> None:
    names = Names()
    policy = FetchPolicy(denied_hosts=frozenset({"news.example.org"}))
    async with GuardedClient(policy, purpose="test", resolver=names) as client:
        with pytest.raises(FetchRefused) as refused:
            await client.get(url)
    assert (refused.value.reason, names.asked) == (reason, [])


@pytest.mark.parametrize("url", ["http://good.test:{port}#@evil.test/", "http://good.test:{port}\\@evil.test/"])
async def test_s29_s30_the_host_is_the_one_that_browsers_see(url: str) -> None:
    names = Names(good_test=["127.0.0.1"], evil_test=["127.0.0.2"])
    async with origin(page) as server, GuardedClient(local_policy(), purpose="test", resolver=names) as client:
        answer = await client.get(url.format(port=server.port))
    assert (answer.status, names.asked) == (200, ["good.test"])


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


BOMB = gzip.compress(bytes(64 * MIB))
ANSWERS: dict[str, tuple[Any, str]] = {
    "S38 endless headers": (lambda a: _endless(a, b"X-A: b\r\n", b"HTTP/1.1 200 OK\r\n"), "fetch-headers"),
    "S38 one endless header": (lambda a: _endless(a, b"a" * 1000, b"HTTP/1.1 200 OK\r\nX: "), "fetch-headers"),
    "S39 ten terabytes": (lambda a: http(content_length=str(10**13)), "fetch-size"),
    "S39 a length that is none": (lambda a: http(content_length="-1"), "fetch-headers"),
    "endless body": (lambda a: _endless(a, b"a" * 65536, b"HTTP/1.1 200 OK\r\n\r\n"), "fetch-size"),
    "endless chunks": (
        lambda a: _endless(a, b"3\r\nabc\r\n" * 999, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
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
    policy = local_policy(total_seconds=10, max_bytes=32 * MIB)
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
