"""The keys that bootstrap makes on a real Meilisearch, and what each service can and cannot do with its own."""

from __future__ import annotations

from typing import Any

import pytest
from meilisearch import Client

from shared.search import grants, server
from shared.search.errors import SearchUnavailable
from shared.search.meilisearch import MeiliClient, MeiliIndex
from shared.search.port import SearchQuery, SimilarQuery
from tests.contracts.search_contract import SPEC, article, put, remove
from tests.support.meilisearch import Meilisearch


@pytest.fixture(scope="module")
def made(meilisearch: Meilisearch) -> Meilisearch:
    server.sync_server(f"meilisearch:{meilisearch.url}", meilisearch.key)
    return meilisearch


def client_of(made: Meilisearch, grant: str) -> MeiliClient:
    return MeiliClient(made.url, grants.secret_of(made.key, grant))


async def test_index_can_write_and_rebuild_and_serve_can_read_it(made: Meilisearch) -> None:
    """Everything the port can do, with no wider key."""
    writer = MeiliIndex(client_of(made, "index"), uid="articles_keys", writer=True)
    reader = MeiliIndex(client_of(made, "serve"), uid="articles_keys", writer=False)
    await writer.ensure(SPEC)
    await put(writer, article("a", "harbour"), article("b", "harbour"))
    await remove(writer, ("b", 2))
    async with writer.reindex(SPEC) as staging:
        await staging.write([article("a", "harbour"), article("c", "harbour ferry")])
        assert await staging.count() == 2
        await staging.promote()
    page = await reader.search(SearchQuery("harbour"))
    assert {hit.card.id for hit in page.hits} == {"a", "c"}
    await reader.similar("a", SimilarQuery())
    await reader.facets(SearchQuery("harbour"), ["tags"])
    await reader.suggest("harb")
    assert (await reader.stats()).documents == 2
    assert {pair async for pair in reader.documents()} == {("a", 1), ("c", 1)}
    await writer.aclose()
    await reader.aclose()


@pytest.mark.parametrize(
    ("grant", "method", "path"),
    [
        (grant, method, path)
        for grant in ("serve", "ops")
        for method, path in (
            ("POST", "/indexes/articles/documents"),
            ("DELETE", "/indexes/articles"),
            ("POST", "/indexes"),
            ("POST", "/swap-indexes"),
            ("PATCH", "/indexes/articles/settings"),
            ("GET", "/keys"),
            ("POST", "/keys"),
            ("POST", "/dumps"),
        )
    ]
    + [
        ("index", "GET", "/keys"),
        ("index", "POST", "/keys"),
        ("index", "POST", "/dumps"),
        ("index", "DELETE", "/tasks?uids=*"),
        ("serve", "POST", "/indexes/elsewhere/search"),
        ("serve", "GET", "/metrics"),
    ],
)
async def test_a_key_opens_nothing_beyond_its_work(made: Meilisearch, grant: str, method: str, path: str) -> None:
    client = client_of(made, grant)
    try:
        with pytest.raises(SearchUnavailable, match=r"API key (is invalid|cannot acc)"):
            await client.send(method, path, body=b"[]" if method in ("POST", "PATCH") else None)
    finally:
        await client.aclose()


def test_settling_again_changes_nothing(made: Meilisearch) -> None:
    before = _keys(made)
    done = server.sync_server(f"meilisearch:{made.url}", made.key)
    assert (done.version, set(done.keys.values())) == (made.version(), {"kept"})
    assert _keys(made) == before


def test_a_key_with_other_rights_is_mended_and_keeps_its_secret(made: Meilisearch) -> None:
    admin, grant = Client(made.url, made.key), grants.GRANTS["serve"]
    admin.delete_key(grant.uid)
    admin.create_key({"uid": grant.uid, "name": "wider", "actions": ["*"], "indexes": ["*"], "expiresAt": None})
    assert server.sync_server(f"meilisearch:{made.url}", made.key).keys["serve"] == "mended"
    key = admin.get_key(grant.uid)
    assert set(key.actions) == set(grant.actions)
    assert key.key == grants.secret_of(made.key, "serve")


def test_a_wrong_master_key_is_told(made: Meilisearch) -> None:
    with pytest.raises(SearchUnavailable, match=r"API key (is invalid|cannot acc)"):
        server.sync_server(f"meilisearch:{made.url}", "not-the-master-key")


def _keys(made: Meilisearch) -> list[dict[str, Any]]:
    return [dict(key) for key in Client(made.url, made.key).get_keys({"limit": 100}).results]


async def test_the_operator_s_key_sees_the_server_and_no_keys(made: Meilisearch) -> None:
    url = f"meilisearch:{made.url}#articles_keys"
    seen = server.server_status(url, grants.secret_of(made.key, "ops"))
    assert seen is not None
    assert (seen.version, seen.pinned, seen.keys) == (made.version(), made.version(), None)
    with_master = server.server_status(url, made.key)
    assert with_master is not None
    assert with_master.keys == dict.fromkeys(grants.GRANTS, "kept")
