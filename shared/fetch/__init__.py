"""The one way out: every request to an address that somebody else chose goes through `GuardedClient`.

Feeds, pages, hubs and webhook receivers are named by strangers. A name is resolved once, every address of the answer is
judged, and only judged addresses are dialled. `tests/integration/test_fetch_guard.py` holds the catalogue of attacks.
"""

from shared.fetch.client import Fetched, GuardedClient, Redirect
from shared.fetch.errors import FetchError, FetchFailed, FetchRefused
from shared.fetch.policy import FetchPolicy
from shared.fetch.settings import FetchSettings

__all__ = [
    "FetchError",
    "FetchFailed",
    "FetchPolicy",
    "FetchRefused",
    "FetchSettings",
    "Fetched",
    "GuardedClient",
    "Redirect",
]
