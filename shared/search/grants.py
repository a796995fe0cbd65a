"""API keys of the Meilisearch server: one key per service, with the least rights. Standard library only.

A key's secret is HMAC-SHA256(master key, uid). With fixed uids every secret is derived from the master key, so it can
be distributed before the server runs, and creating the keys is idempotent.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

INDEXES: Final = "articles*"
"""The live index and other generations."""
EVERYTHING: Final = "*"
_READ: Final = ("search", "documents.get", "indexes.get", "tasks.get")


@dataclass(frozen=True, slots=True)
class Grant:
    """One required key of the server. A key restricted to index names cannot have `version` or metrics."""

    name: str
    uid: str
    actions: tuple[str, ...]
    indexes: str = INDEXES


GRANTS: Final = {
    grant.name: grant
    for grant in (
        Grant("serve", "3f1c5a52-52a4-4d0e-8a6b-0d5b1f6f7a01", _READ),
        Grant(
            "index",
            "3f1c5a52-52a4-4d0e-8a6b-0d5b1f6f7a02",
            (
                *_READ, "documents.add", "documents.delete", "indexes.create", "indexes.update", "indexes.delete",
                "indexes.swap", "settings.get", "settings.update", "stats.get", "version",
            ),
            EVERYTHING,  # a key restricted to indexes may start a swap, but cannot read its task (1.50.0)
        ),
        Grant(
            "ops",
            "3f1c5a52-52a4-4d0e-8a6b-0d5b1f6f7a03",
            (*_READ, "version", "metrics.get", "stats.get", "settings.get"),
            EVERYTHING,
        ),
    )
}  # fmt: skip
"""`serve` reads; `index` writes; `ops` is read-only for the command line and Prometheus.

None may read or create keys: only `bootstrap` has the master key.
"""


def secret_of(master_key: str, name: str) -> str:
    """The API key of a grant on the server with this master key. Raises KeyError for an unknown name."""
    return hmac.new(master_key.encode(), GRANTS[name].uid.encode(), hashlib.sha256).hexdigest()
