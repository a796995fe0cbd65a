"""Names that never resolve: they hold nothing, end in time, and a name server of ours that is down blames nobody."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from typing import Any

import pytest

from shared.fetch import FetchError, FetchFailed, FetchPolicy, FetchRefused, GuardedClient, TargetChecker
from shared.fetch.dialling import guarded_resolver
from tests.integration.test_websub import ask
from tests.support.announcing import announce
from tests.support.fetching import http, local_policy, origin
from tests.support.nameserver import name_server
from tests.support.notifying import notifying


async def test_a_thousand_names_that_never_answer_delay_no_other_name() -> None:
    async with (
        name_server(good_test="127.0.0.1") as dns,
        origin(lambda _: http()) as server,
        GuardedClient(local_policy(nameservers=(dns.address,)), purpose="test", connections=2000) as client,
    ):
        url = f"http://good.test:{server.port}/"
        threads = threading.active_count()
        slow = [asyncio.create_task(client.get(f"http://n{i}.slow.test/")) for i in range(1000)]
        await asyncio.sleep(0)
        took = []
        for _ in range(50):
            started = time.monotonic()
            await client.get(url)
            took.append(time.monotonic() - started)
        assert max(took) < 2, statistics.quantiles(took, n=10)
        assert threading.active_count() <= threads + 1
        failures = await asyncio.gather(*slow, return_exceptions=True)
        assert {getattr(error, "reason", error) for error in failures} == {"fetch-dns"}


async def test_the_time_limit_ends_the_query_and_not_only_the_wait() -> None:
    async with name_server() as dns:
        resolver = guarded_resolver(local_policy(nameservers=(dns.address,), connect_seconds=1.0))
        with pytest.raises(OSError, match=r".+"):
            await resolver.resolve("one.slow.test")
        asked = dns.questions["one.slow.test"]
        for _ in range(10):
            with pytest.raises(OSError, match=r".+"):
                await resolver.resolve("two.slow.test")
            assert dns.questions["one.slow.test"] == asked
        await resolver.close()


@pytest.mark.parametrize("how", ["mute", "closed"])
async def test_a_name_server_that_is_down_is_no_fault_of_the_host(how: str) -> None:
    async with name_server(good_test="127.0.0.1") as dns:
        policy = local_policy(nameservers=(dns.address if how == "mute" else "127.0.0.1:1",))
        dns.mute = True
        async with GuardedClient(policy, purpose="test") as client:
            with pytest.raises(FetchFailed) as failed:
                await client.get("http://good.test/")
    assert failed.value.reason == "fetch-local"


async def test_a_name_that_does_not_exist_is_a_fault_of_the_host() -> None:
    async with (
        name_server() as dns,
        GuardedClient(local_policy(nameservers=(dns.address,)), purpose="test") as client,
    ):
        with pytest.raises(FetchError) as failed:
            await client.get("http://missing.test/")
    assert failed.value.reason == "fetch-dns"


@pytest.mark.redis
async def test_deliveries_wait_without_using_attempts_while_no_name_can_be_resolved(redis_client: Any) -> None:
    async with (
        name_server(hook_test="127.0.0.1") as dns,
        origin(lambda _: http()) as server,
        notifying(redis_client, nameservers=(dns.address,), connect_seconds=1.0) as notify,
    ):
        dns.mute = True
        one, _ = await notify.subscribe(f"http://hook.test:{server.port}/")
        await announce(redis_client)
        await notify.read()
        for _ in range(12):  # more often than there are attempts
            await notify.send()
            notify.clock.move(seconds=31)
        (waiting,) = await notify.listed(one)
        assert (waiting.state, waiting.attempts, waiting.tries) == ("waiting", 0, ())
        assert not (await notify.state(one)).failures
        dns.mute = False
        await asyncio.sleep(0)
        notify.clock.move(seconds=31)
        await notify.send()
        (delivered,) = await notify.listed(one)
        assert (delivered.state, delivered.attempts) == ("delivered", 1)


@pytest.mark.redis
async def test_a_callback_waits_for_its_challenge_while_no_name_can_be_resolved(redis_client: Any) -> None:
    async with (
        name_server() as dns,
        origin(lambda _: http(body=b"<feed/>")) as served,
        notifying(redis_client, serve_url=served.url(""), nameservers=(dns.address,), connect_seconds=1.0) as notify,
    ):
        dns.mute = True
        ident = await ask(notify, "http://hook.test/")
        assert await notify.websub.subscriber(ident) is not None
        (waiting,) = await notify.deliveries.recent(ident, limit=5)
        assert (waiting.state, waiting.attempts) == ("waiting", 0)


async def test_a_name_of_an_inner_address_is_refused_when_it_is_registered_and_a_silent_one_is_not() -> None:
    async with name_server(inside_test="10.0.0.1", outside_test="93.184.215.14") as dns:
        checker = TargetChecker(FetchPolicy(nameservers=(dns.address,)))
        with pytest.raises(FetchRefused) as refused:
            await checker.check("https://inside.test/hook")
        assert refused.value.reason == "fetch-address"
        for host in ("outside.test", "missing.test", "one.slow.test"):
            assert (await checker.check(f"https://{host}/hook")).href == f"https://{host}/hook"
        await checker.aclose()
