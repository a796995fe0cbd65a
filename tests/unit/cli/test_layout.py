"""The lock of the data directory, run.json, and where commands look for the stack."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from broadsheet.cli.target import StackTarget
from broadsheet.failure import CliFailure
from broadsheet.runstate import RunState, write_private
from broadsheet.settings import CliSettings
from broadsheet.supervisor.layout import Layout


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BROADSHEET_")]:
        monkeypatch.delenv(name)


def test_only_one_holds_the_directory_and_it_is_free_again_afterwards(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert layout.owner() is None
    with layout.locked():
        assert layout.owner() == os.getpid()
        with pytest.raises(CliFailure, match=f"pid {os.getpid()}") as caught, layout.locked():
            pytest.fail("locked twice")
        assert caught.value.code == 2
    assert layout.owner() is None


def test_a_directory_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CliFailure, match="cannot use the data directory"):
        Layout(tmp_path / "file" / "data").make()


def test_the_state_comes_back_as_it_was_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    state = RunState(pid=7, started_at="now", redis_url="redis://:pw@h/0", ports={"serve": 1}, key="bsk_x")
    state.write(path)
    assert RunState.read(path) == state
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1, "unknown": 2}', "\x00"])
def test_a_damaged_state_is_no_state(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    assert RunState.read(path) is None


def test_a_private_file_replaces_a_public_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_state_without_a_living_owner_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADSHEET_DATA_DIR", str(tmp_path))
    layout = Layout(tmp_path)
    RunState(pid=1, started_at="", serve_url="http://127.0.0.1:9", key="k").write(layout.run_file)
    with pytest.raises(CliFailure, match="nothing is running here"):
        _ = StackTarget().serve_url
    with layout.locked():
        target = StackTarget()
        assert (target.serve_url, target.key) == ("http://127.0.0.1:9", "k")


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADSHEET_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BROADSHEET_SERVE_URL", "https://news.example/")
    monkeypatch.setenv("BROADSHEET_API_KEY", "bsk_env")
    target = StackTarget(CliSettings())
    assert (target.serve_url, target.key) == ("https://news.example", "bsk_env")
