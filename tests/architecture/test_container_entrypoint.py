"""What `infra/container/entrypoint.sh` hands to the program of a container."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.architecture.source import ROOT

SECRETS = {"redis-url": "BROADSHEET_REDIS_URL", "index-key": "BROADSHEET_INDEX_KEY", "api-key": "BROADSHEET_API_KEY"}


def handed(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """The environment of a program that the entry point starts, with `folder` in place of /run/broadsheet."""
    script = (ROOT / "infra/container/entrypoint.sh").read_text("utf-8").replace("/run/broadsheet", str(folder))
    done = subprocess.run(
        ["sh", "-c", script, "entrypoint", "printenv"],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    lines = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    return {name: value for name, value in lines.items() if name.startswith("BROADSHEET_")}


def test_the_program_gets_the_secrets_of_its_container(tmp_path: Path) -> None:
    for name in SECRETS:
        (tmp_path / name).write_text(f"of the volume: {name}\n", "utf-8")
    assert handed(tmp_path, {}) == {variable: f"of the volume: {name}" for name, variable in SECRETS.items()}


def test_a_key_given_with_the_command_wins(tmp_path: Path) -> None:
    """Else nobody could withdraw an article: the first key of compose has no scope `edit`."""
    (tmp_path / "api-key").write_text("of the volume\n", "utf-8")
    assert handed(tmp_path, {"BROADSHEET_API_KEY": "of an editor"}) == {"BROADSHEET_API_KEY": "of an editor"}


def test_without_secrets_the_program_starts_all_the_same(tmp_path: Path) -> None:
    assert handed(tmp_path, {}) == {}
