"""Creates, compares and corrects the services' keys on a server. Needs the master key."""

from __future__ import annotations

from typing import Any

from meilisearch import Client
from meilisearch.errors import MeilisearchApiError

from shared.search.grants import GRANTS, Grant


def sync_keys(client: Client) -> dict[str, str]:
    """Create or correct the key of every grant: name -> `made`, `kept` or `mended`. Raises MeilisearchError."""
    return {grant.name: _sync_key(client, grant) for grant in GRANTS.values()}


def compare_keys(client: Client) -> dict[str, str] | None:
    """Grant -> `kept`, `missing` or `other rights`; None if our key may not list keys. Raises MeilisearchError."""
    states = {}
    for grant in GRANTS.values():
        try:
            found = _found(client, grant)
        except MeilisearchApiError as error:
            if error.code == "invalid_api_key":
                return None
            raise
        states[grant.name] = (
            "missing" if found is None else "kept" if _has_same_rights(found, grant) else "other rights"
        )
    return states


def _sync_key(client: Client, grant: Grant) -> str:
    found = _found(client, grant)
    if found is not None and _has_same_rights(found, grant):
        return "kept"
    if found is not None:
        client.delete_key(grant.uid)  # rights of a key cannot be changed; the new key has the same secret
    client.create_key(
        {
            "uid": grant.uid,
            "name": f"broadsheet {grant.name}",
            "description": "made by bootstrap; its secret follows from the master key",
            "actions": list(grant.actions),
            "indexes": [grant.indexes],
            "expiresAt": None,
        }
    )
    return "made" if found is None else "mended"


def _found(client: Client, grant: Grant) -> Any | None:
    try:
        return client.get_key(grant.uid)
    except MeilisearchApiError as error:
        if error.code == "api_key_not_found":
            return None
        raise


def _has_same_rights(found: Any, grant: Grant) -> bool:
    lasting = found.expires_at is None
    return lasting and set(found.actions) == set(grant.actions) and list(found.indexes) == [grant.indexes]
