"""Why a request was not made or brought nothing. The text of an error never holds an address that was resolved."""

from __future__ import annotations

from typing import Literal

from shared.errors import BroadsheetError, Permanent, Retryable

RefusalReason = Literal[
    "fetch-url",  # not a URL, or one with a user name, control characters or too many characters
    "fetch-scheme",  # neither http nor https
    "fetch-host",  # our own public name
    "fetch-port",  # a port outside the list
    "fetch-address",  # the name has an address that is not public
    "fetch-redirects",  # too many redirects, or one that leads nowhere
    "fetch-size",  # the answer is larger than allowed, before or after inflating
    "fetch-inflate",  # the answer inflates too far, or is not what its Content-Encoding says
    "fetch-status",  # the page is not there
    "fetch-headers",  # the head of the answer is too large or not HTTP
]
FailureReason = Literal[
    "fetch-dns",  # the name has no address now
    "fetch-connect",  # nobody answers there
    "fetch-tls",  # the certificate is not good for the name, or TLS failed
    "fetch-time",  # not done within the time
    "fetch-broken",  # the connection broke, or the answer ended early
]


class FetchError(BroadsheetError):
    """Base of both kinds; `reason` is a short stable code, safe to show and to count."""

    reason: str


class FetchRefused(Permanent, FetchError):
    """We do not make this request, or do not take this answer; asking again brings the same."""

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(detail, rule=reason)
        self.reason = reason


class FetchFailed(Retryable, FetchError):
    """The other side gave no whole answer; it may later."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
