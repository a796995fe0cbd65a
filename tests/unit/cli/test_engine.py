"""Which server `up` runs, and that it never opens another engine's data."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from broadsheet.failure import CliFailure
from broadsheet.supervisor import engine
from broadsheet.supervisor.engine import Engine, claim_directory, find_engine, password, write_config
from broadsheet.supervisor.layout import Layout

VALKEY9 = Engine(Path("valkey-server"), "valkey", (9, 1, 2))
REDIS7 = Engine(Path("redis-server"), "redis", (7, 0, 15))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data")
    made.make()
    return made


def program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_the_packed_server_is_found_and_new_enough() -> None:
    found = find_engine()
    assert (found.name, found.version[0], found.stamp) == ("valkey", 9, "valkey9")


def test_an_old_or_broken_server_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = program(tmp_path, "old", "Redis server v=6.2.14 sha=0:0 malloc=jemalloc")
    broken = program(tmp_path, "broken", "Segmentation fault")
    good = program(tmp_path, "good", "Redis server v=7.2.4 sha=0:0 malloc=jemalloc")
    monkeypatch.setattr(engine, "_candidates", lambda: [old, broken, tmp_path / "missing", good])
    assert str(find_engine()) == "Redis 7.2.4"


def test_without_any_server_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = program(tmp_path, "old", "Redis server v=6.2.14 sha=0:0")
    monkeypatch.setattr(engine, "_candidates", lambda: [old])
    with pytest.raises(CliFailure, match=r"BROADSHEET_REDIS_URL.*Redis 6\.2\.14, below 7\.0"):
        find_engine()


def test_the_directory_is_named_and_stamped_after_engine_and_major(layout: Layout) -> None:
    made = claim_directory(layout, VALKEY9)
    assert made.name == "redis-valkey9"
    assert (made / "ENGINE").read_text() == "valkey9\n"
    assert claim_directory(layout, VALKEY9) == made


def test_another_engine_does_not_start_beside_existing_data(layout: Layout) -> None:
    claim_directory(layout, VALKEY9)
    with pytest.raises(CliFailure, match="redis-valkey9 holds data of another engine"):
        claim_directory(layout, REDIS7)
    assert not (layout.root / "redis-redis7").exists()


def test_a_directory_with_a_wrong_stamp_is_refused(layout: Layout) -> None:
    made = claim_directory(layout, VALKEY9)
    (made / "ENGINE").write_text("redis8\n")
    with pytest.raises(CliFailure, match="stamped redis8"):
        claim_directory(layout, VALKEY9)


def test_the_configuration_is_private_durable_and_survives_odd_paths(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" folder'
    folder.mkdir()
    path = write_config(folder, port=6390, secret="s3cret")
    lines = path.read_text().splitlines()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {'appendonly "yes"', 'appendfsync "always"', 'maxmemory-policy "noeviction"', 'save ""'} <= set(lines)
    assert f'dir "{tmp_path}/a \\"quoted\\" folder"' in lines
    assert 'bind "127.0.0.1"' in lines


def test_the_password_is_made_once(layout: Layout) -> None:
    first = password(layout)
    assert len(first) == 48
    assert password(layout) == first
    assert stat.S_IMODE(layout.server_password.stat().st_mode) == 0o600
