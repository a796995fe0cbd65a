"""`bootstrap` of the containers against a real Redis and a real Meilisearch."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from shared.search import grants
from shared.search.server import server_status
from shared.settings import BaseServiceSettings
from shared.store import Credentials, connect
from shared.topology import STREAMS
from tests.support.meilisearch import Meilisearch
from tests.support.valkey import Valkey

PROGRAM = Path(__file__).parents[2] / "infra/container/bootstrap.py"


async def test_bootstrap_makes_groups_and_keys_once(
    own_valkey: Valkey,
    own_meilisearch: Meilisearch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "master-key").write_text(f"{own_meilisearch.key}\n", "utf-8")
    bootstrap = runpy.run_path(str(PROGRAM))["bootstrap"]
    bootstrap.__globals__.update(MASTER_KEY_FILE=tmp_path / "master-key", KEY_FILE=tmp_path / "api-key")
    monkeypatch.setenv("BROADSHEET_REDIS_URL", own_valkey.url)
    monkeypatch.setenv("BROADSHEET_INDEX_URL", f"meilisearch:{own_meilisearch.url}")
    settings = BaseServiceSettings()

    await bootstrap(settings)
    key = (tmp_path / "api-key").read_text("utf-8").strip()
    first = capsys.readouterr().out
    await bootstrap(settings)
    again = capsys.readouterr().out

    assert [said.splitlines()[-1] for said in (first, again)] == [key, key]
    assert "index made" in first
    assert "index kept" in again
    client = connect(own_valkey.url)
    credential = await Credentials(client).verify(key)
    worked = [stream for stream in STREAMS if stream.groups]
    listed = {stream.key: await client.xinfo_groups(stream.key) for stream in worked}
    await client.aclose()
    assert credential
    assert credential.writes("any-source")
    groups = {key: [group["name"].decode() for group in rows] for key, rows in listed.items()}
    assert groups == {stream.key: list(stream.groups) for stream in worked}
    assert server_status(settings.index_url, grants.secret_of(own_meilisearch.key, "ops"))
