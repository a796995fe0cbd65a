"""What `broadsheet doctor` finds on a real Meilisearch: its version, its keys, its queue, and every revision."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from meilisearch import Client

from broadsheet import search_diagnosis
from broadsheet.cli.target import StackTarget
from broadsheet.finding import Finding
from broadsheet.settings import CliSettings
from shared.search import grants, server
from shared.search.meilisearch import MeiliClient, MeiliIndex
from tests.contracts.search_contract import SPEC, article, put
from tests.support.meilisearch import Meilisearch


@pytest.fixture
def settled(meilisearch: Meilisearch) -> Iterator[Meilisearch]:
    server.sync_server(f"meilisearch:{meilisearch.url}", meilisearch.key)
    yield meilisearch
    server.sync_server(f"meilisearch:{meilisearch.url}", meilisearch.key)


def target(meilisearch: Meilisearch, key: str) -> StackTarget:
    settings = {"index_url": f"meilisearch:{meilisearch.url}#articles_doctor", "index_key": key}
    return StackTarget(CliSettings.model_validate(settings))


async def findings(meilisearch: Meilisearch, key: str) -> dict[str, Finding]:
    return {found.check: found for found in await search_diagnosis.server_findings(target(meilisearch, key))}


async def test_a_server_as_it_should_be(settled: Meilisearch) -> None:
    found = await findings(settled, grants.secret_of(settled.key, "ops"))
    assert {name for name, item in found.items() if item.ok} == {"search server", "search keys", "search queue"}
    assert found["search server"].found == f"Meilisearch {settled.version()}, pinned {settled.version()}"


async def test_a_key_with_other_rights_is_red_for_who_may_look_at_keys(settled: Meilisearch) -> None:
    admin, grant = Client(settled.url, settled.key), grants.GRANTS["serve"]
    admin.delete_key(grant.uid)
    admin.create_key({"uid": grant.uid, "actions": ["*"], "indexes": ["*"], "expiresAt": None})
    found = (await findings(settled, settled.key))["search keys"]
    assert (found.ok, found.found) == (False, "serve other rights")


async def test_another_patch_of_the_server_is_red(settled: Meilisearch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.search.meilisearch.settings.PINNED", "1.50.9")
    found = (await findings(settled, settled.key))["search server"]
    assert (found.ok, found.found) == (False, f"Meilisearch {settled.version()}, pinned 1.50.9")


async def test_each_revision_is_compared(settled: Meilisearch) -> None:
    writer = MeiliIndex(MeiliClient(settled.url, settled.key), uid="articles_doctor", writer=True)
    await writer.ensure(SPEC)
    await put(writer, article("a", "one"), article("b", "two", rev=2), article("c", "three"))
    await writer.aclose()
    held = await search_diagnosis.held(target(settled, grants.secret_of(settled.key, "ops")))
    assert held == {"a": 1, "b": 2, "c": 1}
    assert search_diagnosis.differences({"a": 1, "b": 2, "c": 1}, held) == ""
    told = search_diagnosis.differences({"a": 1, "b": 3, "d": 1}, held)
    assert told == "1 missing: d; 1 of another revision: b; 1 too many: c"


async def test_the_embedded_engine_has_no_server() -> None:
    embedded = StackTarget(CliSettings.model_validate({"index_url": "embedded:somewhere"}))
    assert await search_diagnosis.server_findings(embedded) == []
    assert await search_diagnosis.held(embedded) is None
