"""Which address, scheme and host a request behind proxies has."""

from __future__ import annotations

import pytest

from shared.http_server.trusted_proxies import TrustedProxies, limited_network, parse_networks

PROXIES = TrustedProxies(parse_networks("10.0.0.0/8, 192.0.2.7, 2001:db8::/32"))
PEER = "10.0.0.1"


def resolve(peer: str = PEER, **headers: str) -> tuple[str | None, str | None, str | None] | None:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    hop = PROXIES.resolve(peer, names)
    return hop and (str(hop.address) if hop.address else None, hop.scheme, hop.host)


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("198.51.100.9", "198.51.100.9"),
        ("198.51.100.9:4711", "198.51.100.9"),
        ("203.0.113.1, 198.51.100.9", "198.51.100.9"),  # the left one is what the client wrote itself
        ("203.0.113.1, 198.51.100.9, 10.1.2.3, 192.0.2.7", "198.51.100.9"),
        ("2001:db9::1", "2001:db9::1"),
        ("[2001:db9::1]:443, 2001:db8::5", "2001:db9::1"),
        ("::ffff:198.51.100.9", "198.51.100.9"),
        ("garbage, 198.51.100.9", "198.51.100.9"),
        ("10.9.9.9, 10.8.8.8", "10.9.9.9"),  # a client within the trusted network
        ("203.0.113.1, garbage, 10.8.8.8", "10.8.8.8"),  # nobody trusted reports what stands left of the garbage
        ("198.51.100.9, garbage", None),
        ("198.51.100.9,", None),
        ("unknown", None),
        ("fe80::1%eth0", None),
        ("999.1.1.1", None),
        ("", None),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_proxy(value: str, client: str | None) -> None:
    found = resolve(x_forwarded_for=value)
    assert found is not None
    assert found[0] == client


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=198.51.100.9;proto=https;host=news.example", ("198.51.100.9", "https", "news.example")),
        ('For="[2001:db9::1]:4711"', ("2001:db9::1", None, None)),
        (
            "for=203.0.113.1;proto=http, for=198.51.100.9;proto=https, for=10.2.2.2;proto=http",
            ("198.51.100.9", "https", None),
        ),
        ('for="1.2.3.4, for=5.6.7.8", for=198.51.100.9', ("198.51.100.9", None, None)),  # a comma within quotes
        ("for=203.0.113.1;;, for=198.51.100.9", ("198.51.100.9", None, None)),
        ("for=203.0.113.1, for=_hidden", (None, None, None)),
        ("for=198.51.100.9;for=203.0.113.1", (None, None, None)),
        ('for="198.51.100.9', (None, None, None)),
        ("for 198.51.100.9", (None, None, None)),
        ("proto=https", (None, "https", None)),
    ],
)
def test_forwarded_is_read_as_rfc_7239_writes_it(value: str, expected: tuple[str | None, ...]) -> None:
    assert resolve(forwarded=value) == expected


def test_scheme_and_host_are_those_of_the_hop_that_saw_the_client() -> None:
    assert resolve(
        x_forwarded_for="203.0.113.1, 198.51.100.9, 10.2.2.2",
        x_forwarded_proto="gopher, https, http",
        x_forwarded_host="evil.example, news.example, inside",
    ) == ("198.51.100.9", "https", "news.example")
    assert resolve(x_forwarded_for="1.2.3.4, 198.51.100.9", x_forwarded_proto="https") == (
        "198.51.100.9",
        "https",
        None,
    )
    assert resolve(x_forwarded_proto="https", x_forwarded_host="[2001:db9::1]:8443") == (
        None,
        "https",
        "[2001:db9::1]:8443",
    )


@pytest.mark.parametrize("host", ["news.example/path", "a b", "news.example:x", "x@news.example", "", '"', "é.example"])
def test_an_invalid_host_or_scheme_is_ignored(host: str) -> None:
    assert resolve(x_forwarded_host=host, x_forwarded_proto="javascript") == (None, None, None)


@pytest.mark.parametrize("peer", ["198.51.100.1", "192.0.2.8", "local", ""])
def test_a_peer_that_is_no_proxy_is_never_believed(peer: str) -> None:
    assert resolve(peer, x_forwarded_for="1.2.3.4", forwarded="for=1.2.3.4;proto=https") is None


def test_two_headers_that_name_different_clients_are_both_ignored() -> None:
    """A proxy that maintains one of them passes the other one on as a client wrote it."""
    assert resolve(forwarded="for=203.0.113.1", x_forwarded_for="198.51.100.9") is None
    agreed = resolve(forwarded="for=198.51.100.9;host=a.example", x_forwarded_for="198.51.100.9")
    assert agreed == ("198.51.100.9", None, "a.example")


@pytest.mark.parametrize("text", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "1.2.3"])
def test_a_network_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address or a network"):
        parse_networks(f"127.0.0.1,{text}")


def test_one_client_owns_the_64_of_its_ipv6_address() -> None:
    assert limited_network("2001:db8:1:2:3::1") == limited_network("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert limited_network("198.51.100.9") == "198.51.100.9"
    assert limited_network("testclient") == "testclient"


def test_no_networks_trust_nobody() -> None:
    assert not TrustedProxies(parse_networks(" , "))
