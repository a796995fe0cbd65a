"""Stored API keys: `bsk_<id>_<secret>` is shown once, only the SHA-256 of the whole key is stored.

Scopes: `ingest` posts articles, `edit` withdraws, retracts and restores them, `subscribe` reads events, `admin` all.
Whatever the scopes, a key writes articles of its own sources only. Deny by default.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import orjson
from redis.asyncio import Redis

from shared.clock import now
from shared.source_patterns import ALL_SOURCES, source_patterns
from shared.store import keys
from shared.store.articles.port import Credential
from shared.store.connection import RedisClient, unavailable_when_down

SCOPES: Final = frozenset({"ingest", "edit", "subscribe", "admin"})
WRITING_SCOPES: Final = frozenset({"ingest", "edit", "admin"})
"""Scopes with which the sources of a key matter."""
_KEY: Final = re.compile(r"^bsk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$")


class Credentials:
    """Creates, lists, revokes and verifies API keys. Raises `StoreUnavailable` while Redis cannot answer."""

    def __init__(self, client: Redis) -> None:
        self._client: RedisClient = client

    async def create(
        self, name: str, scopes: frozenset[str], *, days: float | None = None, sources: Iterable[str] = ()
    ) -> tuple[str, Credential]:
        """A new key, and what was stored of it. The key cannot be had again.

        It expires after `days`, or never, and writes the sources that match these patterns. Raises ValueError for
        unknown scopes and for what is no pattern.
        """
        if not scopes or scopes - SCOPES:
            raise ValueError(f"scopes must be some of {', '.join(sorted(SCOPES))}")
        patterns = source_patterns(sources)
        key_id = secrets.token_hex(6)
        key = f"bsk_{key_id}_{secrets.token_urlsafe(32)}"
        expires_at = None if days is None else now() + timedelta(days=days)
        credential = Credential(key_id, name, _hash(key), scopes, now(), expires_at=expires_at, sources=patterns)
        fields = {
            "name": name,
            "secret_sha256": credential.secret_sha256,
            "scopes": " ".join(sorted(scopes)),
            "created_at": credential.created_at.isoformat(),
            "sources": orjson.dumps(sorted(patterns)).decode(),
        }
        if expires_at is not None:
            fields["expires_at"] = expires_at.isoformat()
        async with unavailable_when_down(), self._client.pipeline(transaction=True) as pipe:
            pipe.hset(keys.api_key(key_id), mapping=fields)
            pipe.sadd(keys.API_KEYS, key_id)
            await pipe.execute()
        return key, credential

    async def all(self) -> list[Credential]:
        """Every key ever made, oldest first, revoked ones too."""
        async with unavailable_when_down():
            ids = [key_id.decode() for key_id in await self._client.smembers(keys.API_KEYS)]
            async with self._client.pipeline(transaction=False) as pipe:
                for key_id in ids:
                    pipe.hgetall(keys.api_key(key_id))
                rows = await pipe.execute()
        found = [_credential(key_id, row) for key_id, row in zip(ids, rows, strict=True) if row]
        return sorted(found, key=lambda credential: credential.created_at)

    async def revoke(self, key_id: str) -> bool:
        """Refuse the key from now on; False when there is no such key."""
        async with unavailable_when_down():
            if not await self._client.exists(keys.api_key(key_id)):
                return False
            await self._client.hsetnx(keys.api_key(key_id), "revoked_at", now().isoformat())
        return True

    async def allow(self, key_id: str, sources: Iterable[str]) -> bool:
        """Replace the sources a key writes; False when there is no such key. Raises ValueError."""
        patterns = orjson.dumps(sorted(source_patterns(sources))).decode()
        async with unavailable_when_down():
            if not await self._client.exists(keys.api_key(key_id)):
                return False
            await self._client.hset(keys.api_key(key_id), "sources", patterns)
        return True

    async def verify(self, key: str) -> Credential | None:
        """The credential of a key that is known, not revoked, and not expired."""
        if not (match := _KEY.match(key)):
            return None
        credential = await self.get(match[1])
        if credential is None or not hmac.compare_digest(credential.secret_sha256, _hash(key)):
            return None
        return None if credential.ended(now()) else credential

    async def get(self, key_id: str) -> Credential | None:
        """The credential with this id, also one that is revoked or expired."""
        async with unavailable_when_down():
            row = await self._client.hgetall(keys.api_key(key_id))
        return _credential(key_id, row) if row else None


def _credential(key_id: str, packed: Mapping[bytes, bytes]) -> Credential:
    row = {name.decode(): value.decode() for name, value in packed.items()}
    revoked_at, expires_at, sources = row.get("revoked_at"), row.get("expires_at"), row.get("sources")
    return Credential(
        key_id=key_id,
        name=row["name"],
        secret_sha256=row["secret_sha256"],
        scopes=frozenset(row["scopes"].split()),
        created_at=datetime.fromisoformat(row["created_at"]),
        revoked_at=datetime.fromisoformat(revoked_at) if revoked_at else None,
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        sources=frozenset({ALL_SOURCES} if sources is None else orjson.loads(sources)),
        predates_sources=sources is None,
    )


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
