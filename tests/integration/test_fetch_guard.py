"""The catalogue of hostile URLs (S01-S40) against the guarded client: real sockets, a resolver of our own."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import Any

import pytest

from shared.fetch import FetchPolicy, FetchRefused, GuardedClient
from shared.fetch.dialling import guarded_sockets
from tests.support.fetching import Asked, Names, http, local_policy, origin

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
    make = guarded_sockets(ANY_PORT)
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
