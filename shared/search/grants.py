"""API keys of the Meilisearch server: one key per service, with the least rights. Standard library only.

A key's secret is HMAC-SHA256(master key, uid). With fixed uids every secret follows from the master key, so it can be
handed out before the server runs, and making the keys again changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

INDEXES: Final = "articles*"
"""The live index and the ones built beside it."""
EVERYTHING: Final = "*"
_READ: Final = ("search", "documents.get", "indexes.get", "tasks.get")


@dataclass(frozen=True, slots=True)
class Grant:
    """One key as it must exist on the server. A key that is bound to index names cannot have `version` or metrics."""

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
            EVERYTHING,  # a key for some indexes may start a swap, but cannot read the task of it (1.50.0)
        ),
        Grant(
            "ops",
            "3f1c5a52-52a4-4d0e-8a6b-0d5b1f6f7a03",
            (*_READ, "version", "metrics.get", "stats.get", "settings.get"),
            EVERYTHING,
        ),
    )
}  # fmt: skip
"""`serve` reads; `index` writes; `ops` is for the command line and Prometheus: it looks and changes nothing.

None may read or make keys: only `bootstrap` holds the master key.
"""


def secret_of(master_key: str, name: str) -> str:
    """The API key of a grant on the server with this master key. Raises KeyError for an unknown name."""
    return hmac.new(master_key.encode(), GRANTS[name].uid.encode(), hashlib.sha256).hexdigest()
