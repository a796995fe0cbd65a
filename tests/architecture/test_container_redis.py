"""The Redis users of the containers: what they cannot do, and that nothing is lost at a restart because of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import redis

from shared.search import grants
from shared.store import connect
from shared.store.articles.redis import RedisArticleStore
from shared.store.sources import Sources
from shared.store.subscriptions.registry import Subscriptions
from tests.architecture.source import ROOT
from tests.support.builders import make_acceptance
from tests.support.valkey import Valkey


@pytest.fixture
def passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`infra/container/passwords.py`, run once in a folder of the test."""
    spec = importlib.util.spec_from_file_location("passwords", ROOT / "infra/container/passwords.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path / "secrets")
    for folder in ("acl", "meilisearch", "prometheus", *module.USERS):
        (tmp_path / "secrets" / folder).mkdir(parents=True)
    module.main()
    return module


@dataclass
class GuardedValkey(Valkey):
    """A Valkey with an ACL file from its first moment, as in the container."""

    passwords: Any = None

    @property
    def url(self) -> str:
        return url_of(self.passwords, self, "operator")

    def _options(self) -> list[str]:
        return [*super()._options(), "--aclfile", str(self.passwords.ROOT / "acl" / "users.acl")]


@pytest.fixture
def server(passwords: ModuleType, tmp_path: Path) -> Iterator[GuardedValkey]:
    guarded = GuardedValkey(tmp_path / "guarded", passwords=passwords)
    guarded.start()
    yield guarded
    guarded.kill()


def url_of(passwords: Any, server: Valkey, user: str) -> str:
    text = (passwords.ROOT / user / "redis-url").read_text("utf-8").strip()
    return str(text.replace("@redis:6379", f"@127.0.0.1:{server.port}"))


def refusal(client: Any, *command: str) -> str:
    with pytest.raises(redis.exceptions.ResponseError) as caught:
        client.execute_command(*command)
    return str(caught.value)


def test_running_it_again_changes_no_password(passwords: ModuleType) -> None:
    before = {path: path.read_text("utf-8") for path in passwords.ROOT.rglob("*") if path.is_file()}
    passwords.main()
    assert {path: path.read_text("utf-8") for path in before} == before
    urls = [text for path, text in before.items() if path.name == "redis-url"]
    assert len(set(urls)) == len(passwords.USERS)


def files(passwords: ModuleType) -> dict[str, str]:
    return {str(path.relative_to(passwords.ROOT)): path.read_text() for path in passwords.ROOT.rglob("*.*")} | {
        str(path.relative_to(passwords.ROOT)): path.read_text() for path in passwords.ROOT.rglob("*-*")
    }


def test_with_a_secret_of_the_operator_everything_follows_from_it(
    passwords: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a stack can be made again with the same secrets, and another secret changes every one of them.

    Only the key that sealed what lies in Redis stays once it is made: nothing else could open that.
    """
    by_chance = files(passwords)
    sealing = {name for name in by_chance if name.endswith("/webhook-key")}
    assert sealing == {f"{holder}/webhook-key" for holder in ("operator", "serve", "notify")}
    made = []
    for secret in ("a" * 64, "b" * 64, "a" * 64):
        monkeypatch.setenv("BROADSHEET_SECRET", secret)
        assert passwords.main() == 0
        made.append(files(passwords))
    assert made[0] == made[2]
    for name in by_chance:
        assert len({by_chance[name], made[0][name], made[1][name]}) == (1 if name in sealing else 3), name
    assert not any("a" * 64 in text for text in made[0].values())
    monkeypatch.setenv("BROADSHEET_SECRET", "too short")
    assert passwords.main() == 1
    assert files(passwords) == made[2]


def test_a_key_of_webhooks_that_nobody_made_yet_follows_from_the_secret_too(
    passwords: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for secret in ("a" * 64, "b" * 64, "a" * 64):
        for holder in ("operator", "serve", "notify"):
            (passwords.ROOT / holder / "webhook-key").unlink()
        monkeypatch.setenv("BROADSHEET_SECRET", secret)
        assert passwords.main() == 0
        made.append(
            {(passwords.ROOT / holder / "webhook-key").read_text() for holder in ("operator", "serve", "notify")}
        )
    assert made[0] == made[2] != made[1]
    assert len(made[0]) == 1


def test_each_search_key_is_what_the_server_will_make_of_the_master_key(passwords: ModuleType) -> None:
    master = (passwords.ROOT / "operator" / "master-key").read_text().strip()
    assert (passwords.ROOT / "meilisearch" / "meilisearch.toml").read_text() == f'master_key = "{master}"\n'
    for holder, grant in passwords.SEARCH.items():
        path = passwords.ROOT / holder / "index-key"
        assert path.read_text().strip() == grants.secret_of(master, grant)
        assert (path.stat().st_mode & 0o077 == 0) == (holder != "prometheus")


def test_redis_gets_hashes_and_each_service_its_own_password_only(passwords: ModuleType) -> None:
    rules = (passwords.ROOT / "acl" / "users.acl").read_text("utf-8")
    for user in passwords.USERS:
        path = passwords.ROOT / user / "redis-url"
        assert path.stat().st_mode & 0o077 == 0
        assert path.read_text("utf-8").split(":")[2].split("@")[0] not in rules


def test_nobody_gets_in_without_a_password(passwords: ModuleType, server: GuardedValkey) -> None:
    with redis.Redis(port=server.port) as stranger, pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()
    health = redis.Redis(port=server.port, username="health", password="-")
    assert health.ping()
    assert "no permissions" in refusal(health, "GET", "{p0}:epoch")


@pytest.mark.parametrize(
    ("user", "command"),
    [
        (user, command)
        for user in ("ingest", "enrich", "index", "serve", "notify")
        for command in ("FLUSHALL", "CONFIG GET *", "SHUTDOWN", "KEYS *", "ACL LIST", "SET elsewhere 1")
    ]
    + [
        ("ingest", "XADD {p0}:publications.v1 * a b"),
        ("ingest", "SET {p0}:api-key:forged x"),
        ("enrich", "XADD {p0}:publications.v1 * a b"),
        ("serve", "HSET {p0}:article:x rev 1"),
        ("serve", "SADD {p0}:api-keys forged"),
        ("notify", "HSET {p0}:article:x rev 1"),
        ("notify", "HSET {p0}:subscriptions x y"),
        ("notify", "XADD {p0}:publications.v1 * a b"),
    ],
)
def test_a_service_can_do_its_own_work_only(
    passwords: ModuleType, server: GuardedValkey, user: str, command: str
) -> None:
    with redis.Redis.from_url(url_of(passwords, server, user)) as client:
        assert client.ping()
        assert "permission" in refusal(client, *command.split()).lower()


async def accepted_then_killed(passwords: ModuleType, server: GuardedValkey) -> tuple[bytes, bytes | None]:
    """What ingest sent in and had acknowledged, and what is there after a kill and a restart."""
    acceptance = make_acceptance()
    client = connect(url_of(passwords, server, "ingest"))
    (outcome,) = await RedisArticleStore(client).accept([acceptance])
    assert outcome.status == "accepted"
    await client.aclose()
    server.kill()
    server.start()
    client = connect(url_of(passwords, server, "ingest"))
    (original,) = await RedisArticleStore(client).originals([acceptance.article_id])
    await client.aclose()
    return acceptance.data, getattr(original, "data", None)


async def test_what_ingest_accepted_is_there_after_a_kill(passwords: ModuleType, server: GuardedValkey) -> None:
    sent, kept = await accepted_then_killed(passwords, server)
    assert kept == sent


def test_the_default_user_is_locked_out_and_has_all_rights(passwords: ModuleType) -> None:
    """Redis 8.0 (not Valkey 9.1, which this suite runs) checks the rights of `default` when it replays scripts at a
    restart, and skips what that user may not do: seen as lost articles when the compose stack was tried."""
    (rule,) = [
        line for line in (passwords.ROOT / "acl" / "users.acl").read_text("utf-8").splitlines() if " default " in line
    ]
    assert rule.split()[2:] == ["off", "resetpass", "~*", "&*", "+@all"]


async def test_serve_may_keep_saved_searches(passwords: ModuleType, server: GuardedValkey) -> None:
    client = connect(url_of(passwords, server, "serve"))
    store = Subscriptions(client)
    made = await store.create("k1", "ferry", types=(), sink=None, broad=False)
    assert await store.of_owner("k1") == ([made], 1)
    assert await store.delete(made)
    await client.aclose()


async def test_ingest_may_keep_sources_and_poll_them(passwords: ModuleType, server: GuardedValkey) -> None:
    client = connect(url_of(passwords, server, "ingest"))
    sources = Sources(client)
    await sources.put("gazette", {"url": "https://example.org/feed"})
    (lease,) = await sources.acquire_due(limit=1, lease_seconds=5)
    assert await sources.acquire_host("example.org", "token", seconds=5) == 0
    await sources.release_host("example.org", "token", pause_seconds=1)
    assert await sources.release(lease, state={}, seconds=60)
    assert await sources.delete("gazette")
    await client.aclose()
