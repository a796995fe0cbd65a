"""SSRF-safe HTTP client. Every request to a URL chosen by a third party goes through `GuardedClient`.

A host is resolved once, every resolved address is checked, and only checked addresses are connected to.
`tests/integration/test_fetch_guard.py` lists the attacks.
"""

from shared.fetch.client import FetchResponse, GuardedClient, Redirect
from shared.fetch.errors import FetchError, FetchFailed, FetchRefused
from shared.fetch.policy import FetchPolicy
from shared.fetch.settings import FetchSettings
from shared.fetch.target_checker import TargetChecker

__all__ = [
    "FetchError",
    "FetchFailed",
    "FetchPolicy",
    "FetchRefused",
    "FetchResponse",
    "FetchSettings",
    "GuardedClient",
    "Redirect",
    "TargetChecker",
]
