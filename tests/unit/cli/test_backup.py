"""The tar of a backup: what went in comes out, and nothing else ever does."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from broadsheet import backup
from broadsheet.cli import app
from broadsheet.failure import CliFailure

FILES = {"appendonly.aof.1.base.rdb": b"REDIS0012 base", "appendonly.aof.1.incr.aof": b"*1\r\n" * 5_000, "m": b""}


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    folder = tmp_path / "source" / backup.FOLDER
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    out = io.BytesIO()
    made = backup.write(tmp_path / "source", out, engine="redis8")
    assert (made.files, made.bytes) == (3, sum(map(len, FILES.values())))
    return out.getvalue()


def restored(archive: bytes, target: Path, engine: str = "redis8") -> dict[str, bytes]:
    backup.restore(io.BytesIO(archive), target, engine=engine)
    return {path.name: path.read_bytes() for path in (target / backup.FOLDER).iterdir()}


def test_the_files_come_back_byte_by_byte(archive: bytes, tmp_path: Path) -> None:
    assert restored(archive, tmp_path / "empty") == FILES


def test_files_that_are_there_stay(archive: bytes, tmp_path: Path) -> None:
    with pytest.raises(CliFailure, match="already exists"):
        restored(archive, tmp_path / "source")


def test_another_engine_s_files_are_refused(archive: bytes, tmp_path: Path) -> None:
    with pytest.raises(CliFailure, match="of redis8; the server here is valkey9"):
        restored(archive, tmp_path / "empty", engine="valkey9")
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "no manifest", "not a tar", "empty"])
def test_a_damaged_backup_leaves_nothing_behind(archive: bytes, tmp_path: Path, damage: str) -> None:
    at = archive.index(b"REDIS0012")
    bad = {
        "cut": archive[: len(archive) // 2],
        "flipped": archive[:at] + b"X" + archive[at + 1 :],
        "no manifest": archive[: archive.index(backup.MANIFEST.encode())] + bytes(1024),
        "not a tar": b"REDIS0012" * 200,
        "empty": b"",
    }[damage]
    with pytest.raises(CliFailure, match=r"damaged|cannot be read"):
        restored(bad, tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../escape", "/etc/escape", "redis/appendonlydir/../../escape", "redis/appendonlydir/"]
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(CliFailure, match="damaged"):
        restored(out.getvalue(), tmp_path / "deep" / "empty")
    assert not list(tmp_path.rglob("escape"))


def test_a_folder_without_append_only_files_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(CliFailure, match="no append-only files"):
        backup.write(tmp_path, io.BytesIO(), engine="redis8")


def test_init_writes_one_secret_for_the_owner_only_and_never_replaces_it(tmp_path: Path) -> None:
    runner = CliRunner()
    assert "no docker-compose.yml" in str(runner.invoke(app, ["init", str(tmp_path)]).exception)
    (tmp_path / "docker-compose.yml").touch()
    assert runner.invoke(app, ["init", str(tmp_path), "--dry-run"]).exit_code == 0
    assert not (tmp_path / ".env").exists()
    assert runner.invoke(app, ["init", str(tmp_path)]).exit_code == 0
    first = (tmp_path / ".env").read_text()
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    (line,) = [line for line in first.splitlines() if not line.startswith("#")]
    assert len(line.removeprefix("BROADSHEET_SECRET=")) == 64
    assert "already exists" in str(runner.invoke(app, ["init", str(tmp_path)]).exception)
    assert (tmp_path / ".env").read_text() == first
