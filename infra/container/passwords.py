"""Makes the secrets of this installation: a Redis user and a search key per service, for its own container only.

Runs before Redis and Meilisearch. Redis gets the SHA-256 of each password (`/secrets/acl/users.acl`), Meilisearch its
master key, a service its own Redis URL and search key. With BROADSHEET_SECRET, which `broadsheet init` writes to .env,
every secret follows from that one; without it they are random, made once, and live in the volumes.
"""

import hashlib
import hmac
import secrets
import sys
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.search.grants import secret_of

ROOT: Final = Path("/secrets")

DEFAULT: Final = "user default off resetpass ~* &* +@all"
"""Login as `default` is disabled, but Redis replays its append-only file as this user. Without these rights it skips
every MULTI block there at a restart, which means every script, which means every article; only its log says so."""

COMMANDS: Final = "+@all -@admin -@dangerous +info"
"""No service can flush, reconfigure or shut Redis down; INFO is how a client checks the server's version."""

READ: Final = "%R~{p0}:*"
WORKER: Final = (
    f"{READ} ~{{p0}}:article:* ~{{p0}}:article.* ~{{p0}}:source-counts:* ~{{p0}}:heartbeat:* ~{{p0}}:started:* "
    "~{p0}:lock:*"
)

USERS: Final = {
    "ingest": (
        f"{READ} ~{{p0}}:article:* ~{{p0}}:article.received.v1 ~{{p0}}:idempotency:* ~{{p0}}:lock:* "
        f"~{{p0}}:source* ~{{p0}}:host:* {COMMANDS}"
    ),
    "enrich": f"{WORKER} {COMMANDS}",
    "index": (
        f"{WORKER} ~{{p0}}:publications.v1 ~{{p0}}:reindex* ~{{p0}}:index-* ~{{p0}}:epoch "
        f"~{{p0}}:groups* ~{{p0}}:copies:* ~{{p0}}:story:* ~{{p0}}:model:* {COMMANDS}"
    ),
    "serve": f"{READ} ~{{p0}}:lock:* ~{{p0}}:subscriptions* ~{{p0}}:webhook-* {COMMANDS}",
    "notify": f"{READ} ~{{p0}}:lock:* ~{{p0}}:webhook-* {COMMANDS}",
    "cli": f"{READ} ~{{p0}}:article.* ~{{p0}}:api-key* ~{{p0}}:lock:* ~{{p0}}:reindex:* {COMMANDS} +config|get",
    "operator": "~* &* +@all",
}
"""User -> what it may touch. `cli` can retry dead letters, make API keys and ask for a reindex, but cannot change
an article. `operator` is for `bootstrap`, backups and repairs; no running service holds it."""

SEARCH: Final = {"index": "index", "serve": "serve", "cli": "ops", "prometheus": "ops"}
"""Container -> the grant of shared/search/grants.py whose key it holds."""
LEAST_CHARACTERS: Final = 32


class Owned(BaseSettings):
    """What the operator may own instead of the volumes."""

    model_config = SettingsConfigDict(env_prefix="BROADSHEET_", extra="ignore")
    secret: SecretStr = Field(default=SecretStr(""), description="Every secret follows from it.")


def main() -> int:
    """Write what is missing or follows from another secret now; running it again changes nothing."""
    root = Owned().secret.get_secret_value()
    if root and len(root) < LEAST_CHARACTERS:
        print(f"BROADSHEET_SECRET must have at least {LEAST_CHARACTERS} characters: `broadsheet init` makes one")
        return 1
    rules = [DEFAULT, "user health on nopass -@all +ping"]
    for user, grants in USERS.items():
        kept = ROOT / user / "redis-url"
        old = kept.read_text("utf-8").split(":")[2].partition("@")[0] if kept.exists() else ""
        password = _secret(root, f"redis {user}", old)
        _write(kept, f"redis://{user}:{password}@redis:6379/0\n", 0o600)
        rules.append(f"user {user} on #{hashlib.sha256(password.encode()).hexdigest()} resetchannels {grants}")
    _write(ROOT / "acl" / "users.acl", "\n".join(rules) + "\n", 0o644)  # hashes only; Redis runs as another user
    _search(root)
    _webhooks(root)
    print(f"secrets: {len(USERS)} Redis users and {len(SEARCH)} search keys, {'from .env' if root else 'of our own'}")
    return 0


def _search(root: str) -> None:
    kept = ROOT / "operator" / "master-key"
    master = _secret(root, "meilisearch", kept.read_text("utf-8").strip() if kept.exists() else "")
    _write(kept, f"{master}\n", 0o600)
    _write(ROOT / "meilisearch" / "meilisearch.toml", f'master_key = "{master}"\n', 0o600)
    for holder, grant in SEARCH.items():
        mode = 0o644 if holder == "prometheus" else 0o600  # which runs as a user of its image's choice
        _write(ROOT / holder / "index-key", f"{secret_of(master, grant)}\n", mode)


def _webhooks(root: str) -> None:
    """One key for serve, which makes the secrets of webhooks, and notify, which signs with them.

    Data encrypted with it is in Redis and cannot be decrypted with another, so here the old one goes before the root.
    """
    kept = ROOT / "operator" / "webhook-key"
    old = kept.read_text("utf-8").strip() if kept.exists() else ""
    made = old or _secret(root, "webhooks", "")
    for holder in ("operator", "serve", "notify"):
        _write(ROOT / holder / "webhook-key", f"{made}\n", 0o600)


def _secret(root: str, name: str, old: str) -> str:
    """64 hex digits: from the root when there is one, else the old one, else random."""
    if root:
        return hmac.new(root.encode(), name.encode(), hashlib.sha256).hexdigest()
    return old or secrets.token_hex(32)


def _write(path: Path, text: str, mode: int) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode=mode)
    fresh.chmod(mode)
    fresh.write_text(text, "utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
