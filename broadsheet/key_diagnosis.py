"""`broadsheet doctor` check of API keys that were made before keys had sources."""

from __future__ import annotations

from typing import Final

from broadsheet.finding import Finding
from shared.clock import now
from shared.store import Credentials, Redis
from shared.store.articles.port import Credential
from shared.store.credentials import WRITING_SCOPES

_SHOWN: Final = 5


async def keys(client: Redis) -> list[Finding]:
    """One finding for all keys; names the first few that can still write every source because none was set."""
    good = [one for one in await Credentials(client).all() if _is_good(one)]
    undecided = [f"{one.key_id} ({one.name})" for one in good if one.predates_sources and one.scopes & WRITING_SCOPES]
    more = f" and {len(undecided) - _SHOWN} more" if len(undecided) > _SHOWN else ""
    text = f"created before keys had sources, so they can write every source: {', '.join(undecided[:_SHOWN])}{more}"
    return [
        Finding(
            "keys",
            not undecided,
            text if undecided else f"{len(good)} keys",
            "`broadsheet keys allow ID --source NAME` for each, or --all-sources to keep this",
        )
    ]


def _is_good(credential: Credential) -> bool:
    return credential.revoked_at is None and (credential.expires_at is None or credential.expires_at > now())
