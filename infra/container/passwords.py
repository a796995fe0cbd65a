"""Makes the passwords of this installation, once: a Redis user per service, each readable by its own container only.

Runs before Redis. Redis gets the SHA-256 of each password (`/secrets/acl/users.acl`), a service its own URL
(`/secrets/<service>/redis-url`). Standard library only. Delete the volumes to have new ones made.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path("/secrets")

DEFAULT: Final = "user default off resetpass ~* &* +@all"
"""Nobody can log in as `default`, but Redis replays its append-only file as this user. Without these rights it skips
every MULTI block there at a restart, which means every script, which means every article; only its log says so."""

COMMANDS: Final = "+@all -@admin -@dangerous +info"
"""No service can flush, reconfigure or shut Redis down; INFO is how a client checks the server's version."""

READ: Final = "%R~{p0}:*"
WORKER: Final = f"{READ} ~{{p0}}:article:* ~{{p0}}:article.* ~{{p0}}:heartbeat:* ~{{p0}}:started:* ~{{p0}}:lock:*"

USERS: Final = {
    "ingest": f"{READ} ~{{p0}}:article:* ~{{p0}}:article.received.v1 ~{{p0}}:idempotency:* ~{{p0}}:lock:* {COMMANDS}",
    "enrich": f"{WORKER} {COMMANDS}",
    "index": f"{WORKER} ~{{p0}}:publications.v1 ~{{p0}}:reindex* ~{{p0}}:epoch {COMMANDS}",
    "serve": f"{READ} ~{{p0}}:lock:* {COMMANDS}",
    "cli": f"{READ} ~{{p0}}:article.* ~{{p0}}:api-key* ~{{p0}}:lock:* ~{{p0}}:reindex:* {COMMANDS} +config|get",
    "operator": "~* &* +@all",
}
"""User -> what it may touch. `cli` can retry dead letters, make API keys and ask for a reindex, but cannot change
an article. `operator` is for `bootstrap` and for repairs; no running service holds it."""


def main() -> int:
    """Write what is missing; existing passwords are kept, so that running it again changes nothing."""
    rules = [DEFAULT, "user health on nopass -@all +ping"]
    for user, grants in USERS.items():
        url = ROOT / user / "redis-url"
        if not url.exists():
            _write(url, f"redis://{user}:{secrets.token_hex(32)}@redis:6379/0\n", 0o600)
        password = url.read_text("utf-8").split(":")[2].partition("@")[0]
        rules.append(f"user {user} on #{hashlib.sha256(password.encode()).hexdigest()} resetchannels {grants}")
    _write(ROOT / "acl" / "users.acl", "\n".join(rules) + "\n", 0o644)  # hashes only; Redis runs as another user
    print(f"passwords: {len(USERS)} Redis users are in place")
    return 0


def _write(path: Path, text: str, mode: int) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode=mode)
    fresh.chmod(mode)
    fresh.write_text(text, "utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
