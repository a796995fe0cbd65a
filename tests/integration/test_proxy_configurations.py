"""The proxy blocks of docs/operations.md, run by the real programs in front of serve."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import yaml
from websockets.asyncio.client import connect
from websockets.typing import Origin

from shared.tasks import cancel_and_wait
from tests.architecture.source import ROOT
from tests.support.announcing import announce
from tests.support.builders import wait_until
from tests.support.serving import new_app, running
from tests.support.valkey import Valkey, free_port

pytestmark = pytest.mark.redis

HOST = "news.example"


def block(language: str) -> str:
    """The one block of a language in the section *Behind a proxy*."""
    section = (
        (ROOT / "docs/operations.md").read_text("utf-8").partition("\n## Behind a proxy\n")[2].partition("\n## ")[0]
    )
    (found,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(found)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: its block in docs/operations.md is not verified")
    return found


@contextmanager
def started(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        yield
    finally:
        process.terminate()
        process.communicate(timeout=10)


def nginx(folder: Path, port: int, upstream: str) -> Any:
    certificate, key = folder / "news.pem", folder / "news.key"
    options = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={HOST} -keyout {key} -out {certificate}"
    subprocess.run([program("openssl"), *options.split()], check=True, capture_output=True)
    text = block("nginx")
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/news.example.pem", str(certificate)),
        ("/etc/ssl/news.example.key", str(key)),
        ("http://127.0.0.1:8000", upstream),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    head = f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}"
    (folder / "nginx.conf").write_text(f"{head} http {{ access_log off; {temporary} {text} }}")
    return started(program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"))


def caddy(folder: Path, port: int, upstream: str) -> Any:
    text = block("caddyfile")
    assert text.count("127.0.0.1:8000") == text.count(f"{HOST} {{") == 1
    text = text.replace("127.0.0.1:8000", upstream.removeprefix("http://"))
    text = text.replace(f"{HOST} {{", f"{HOST}:{port} {{\n\ttls internal\n\tbind 127.0.0.1")
    options = ("admin off", "auto_https disable_redirects", "skip_install_trust", f"storage file_system {folder}/data")
    text = "\n\t".join(["{", *options]) + "\n}\n" + text
    (folder / "Caddyfile").write_text(text)
    return started(program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile")


@asynccontextmanager
async def proxied(start: Any, folder: Path, upstream: str) -> AsyncIterator[str]:
    port = free_port()
    with start(folder, port, upstream):
        url = f"https://127.0.0.1:{port}"

        async def answers() -> bool:
            try:
                return (await request(url, "/livez")).status_code == 200
            except httpx.TransportError:
                return False

        await wait_until(answers, timeout=20, what="the proxy")
        yield url


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def request(
    url: str, path: str, headers: dict[str, str] | None = None, *, local_address: str = "127.0.0.1"
) -> httpx.Response:
    transport = httpx.AsyncHTTPTransport(local_address=local_address, verify=trusting())
    async with httpx.AsyncClient(transport=transport, headers={"Host": HOST} | (headers or {})) as client:
        return await client.get(f"{url}{path}", extensions={"sni_hostname": HOST})


@pytest.mark.parametrize("start", [nginx, caddy])
async def test_serve_behind_a_documented_proxy(valkey: Valkey, redis_client: Any, tmp_path: Path, start: Any) -> None:
    """The client is the one that the proxy saw, whatever the client writes; streams and sockets pass at once."""
    app = new_app(valkey.url, sse_per_ip=2, trusted_proxies="127.0.0.1")
    spoofed = {"X-Forwarded-For": "203.0.113.1", "Forwarded": "for=203.0.113.2", "X-Forwarded-Host": "evil.example"}
    async with running(app) as upstream, proxied(start, tmp_path, upstream) as url:
        # The proxy's own address, 127.0.0.1, is trusted; the client has another one of the loopback network.
        with structlog.testing.capture_logs() as lines:
            answer = await request(url, "/v1/tags", spoofed, local_address="127.0.0.9")
        assert answer.status_code == 200
        assert [line["client"] for line in lines if line["event"] == "request.completed"] == ["127.0.0.9"]

        async with _stream(url) as pieces:
            (new,) = await announce(redis_client, 1)
            await wait_until(lambda: new in b"".join(pieces).decode(), what="the event through the proxy")
        where = {"host": "127.0.0.1", "port": httpx.URL(url).port, "ssl": trusting(), "server_hostname": HOST}
        async with connect(f"wss://{HOST}/v1/events/ws", origin=Origin(f"https://{HOST}"), **where) as socket:
            assert await socket.recv()


@asynccontextmanager
async def _stream(url: str) -> AsyncIterator[list[bytes]]:
    pieces: list[bytes] = []
    async with (
        httpx.AsyncClient(verify=trusting(), timeout=30) as client,
        client.stream("GET", f"{url}/v1/events", headers={"Host": HOST}, extensions={"sni_hostname": HOST}) as response,
    ):
        assert response.status_code == 200

        async def read() -> None:
            async for piece in response.aiter_raw():
                pieces.append(piece)  # noqa: PERF401 - the caller reads it meanwhile

        reading = asyncio.create_task(read())
        await wait_until(lambda: pieces, what="hello")
        yield pieces
        await cancel_and_wait([reading])


def test_the_traefik_block_is_yaml_that_removes_forwarded() -> None:
    parsed = yaml.safe_load(block("yaml"))["http"]
    assert parsed["middlewares"]["broadsheet-headers"]["headers"]["customRequestHeaders"] == {"Forwarded": ""}
    assert parsed["routers"]["news"]["middlewares"] == ["broadsheet-headers"]
    assert parsed["routers"]["news"]["service"] in parsed["services"]
