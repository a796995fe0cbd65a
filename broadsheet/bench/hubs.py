"""Hubs measured by `bench events`: serve and Mercure. Each can be started and can publish."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import time
import uuid
from pathlib import Path
from typing import Any, Final, Protocol

import httpx

from broadsheet.bench.processes import BenchStack, CannotStart, Running, free_port, is_ok, launch, wait_until_up
from shared.articles import Card, Tag
from shared.clock import now
from shared.envelope import encode_event
from shared.events import Publication
from shared.store import connect
from shared.topology import PUBLICATIONS

_TOPIC: Final = "https://example.com/bench"
_KEY: Final = "bench-hub-key-that-is-long-enough-for-hs256"
_DETAIL: Final = "https://mercure.rocks/authorization-detail"
_ISSUER: Final = "https://example.com"
_CADDYFILE: Final = """
{
  auto_https off
  admin off
}
http://127.0.0.1:{$PORT} {
  mercure {
    PUBLISHERS
    anonymous
  }
}
"""
_PUBLISHERS: Final = (
    f"issuer {_ISSUER} {{\n publisher {{\n jwt {{env.MERCURE_PUBLISHER_JWT_KEY}} HS256\n }}\n }}",
    "publisher_jwt {env.MERCURE_PUBLISHER_JWT_KEY} HS256",
)
"""Publisher claims of Mercure 1.0 and of earlier versions; they are not compatible."""


class BenchHub(Protocol):
    """One hub: where clients connect, and how events are published."""

    name: str
    running: Running
    port: int
    target: str

    async def publish(self, mark: int, size: int) -> None:
        """Publish one event with the mark, padded by `size` characters."""
        ...


class ServeHub:
    """Our serve on a private Valkey; publishes by appending to the log, like index."""

    name = "broadsheet serve"
    target = "/v1/events"

    def __init__(self, stack: BenchStack) -> None:
        self.running = stack.start("serve", lambda url: is_ok(f"{url}/livez", within=2))
        self.port = stack.ports["serve"]
        self._client: Any = connect(stack.redis_url)

    async def publish(self, mark: int, size: int) -> None:
        """See `BenchHub`."""
        at = now()
        card = Card(
            id="mfzwizltoq2gk43uorzhkytvmq",
            rev=1,
            slug="bench",
            title=f"@@{mark:06d}@@",
            dek="x" * size,
            summary="A measured event.",
            tags=(Tag(slug="bench", label="Bench"),),
            dated_at=at,
            received_at=at,
        )
        event = Publication(meta=Publication.meta_for(producer="index", now=at), card=card)
        await self._client.xadd(PUBLICATIONS.key, {"__data__": encode_event(event)})

    async def aclose(self) -> None:
        """Release the connection."""
        await self._client.aclose()


class MercureHub:
    """The Mercure hub on PATH, with anonymous subscribers; publishes by POST."""

    name = "mercure"

    def __init__(self, program: str, directory: Path) -> None:
        self.port = free_port()
        self._url = f"http://127.0.0.1:{self.port}/.well-known/mercure"
        try:
            self.running = self._started(program, directory, _PUBLISHERS[0])
        except CannotStart:
            self.running = self._started(program, directory, _PUBLISHERS[1])
        self.target = f"/.well-known/mercure?{self._parameter()}={_TOPIC}"
        self._http = httpx.AsyncClient(headers={"Authorization": f"Bearer {_token(self._url)}"}, timeout=30)

    async def publish(self, mark: int, size: int) -> None:
        """See `BenchHub`."""
        data = json.dumps({"title": f"@@{mark:06d}@@", "dek": "x" * size})
        answer = await self._http.post(self._url, data={"topic": _TOPIC, "data": data})
        answer.raise_for_status()

    async def aclose(self) -> None:
        """Release the connection and stop the hub."""
        await self._http.aclose()
        self.running.stop()

    def _started(self, program: str, directory: Path, publishers: str) -> Running:
        caddyfile = directory / "Caddyfile"
        caddyfile.write_text(_CADDYFILE.replace("PUBLISHERS", publishers, 1))
        environment = {"PORT": str(self.port), "MERCURE_PUBLISHER_JWT_KEY": _KEY, "XDG_DATA_HOME": str(directory)}
        command = [program, "run", "--config", str(caddyfile), "--adapter", "caddyfile"]
        running = launch("mercure", command, directory, environment)
        try:
            wait_until_up(running, self._answers, within=20)
        except CannotStart:
            running.stop()
            raise
        return running

    def _answers(self) -> bool:
        try:
            httpx.get(self._url, timeout=2)
        except httpx.HTTPError:
            return False
        return True

    def _parameter(self) -> str:
        """`match` in version 1 of the protocol, `topic` before."""
        with httpx.stream("GET", self._url, params={"match": _TOPIC}, timeout=5) as answer:
            return "match" if answer.status_code == httpx.codes.OK else "topic"


def mercure_program() -> str | None:
    """A Mercure hub on PATH."""
    return shutil.which("mercure")


def _token(audience: str) -> str:
    """A publisher's token, in the claims of both versions of the protocol."""
    at = int(time.time())
    head = {"alg": "HS256", "typ": "at+jwt"}
    claims = {
        "iss": _ISSUER,
        "aud": [audience, f"{_ISSUER}/.well-known/mercure"],
        "sub": "bench",
        "client_id": "bench",
        "iat": at,
        "exp": at + 3600,
        "jti": str(uuid.uuid4()),
        "mercure": {"publish": ["*"]},
        "authorization_details": [{"type": _DETAIL, "actions": ["publish"], "topics": [{"match": _TOPIC}]}],
    }
    signed = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
    return f"{signed}.{_base64(hmac.digest(_KEY.encode(), signed.encode(), hashlib.sha256))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
