"""Errors of outgoing requests. Messages never contain a resolved address."""

from __future__ import annotations

from typing import Literal

from shared.errors import BroadsheetError, Permanent, Retryable

RefusalReason = Literal[
    "fetch-url",  # invalid URL: malformed, too long, with credentials or control characters
    "fetch-scheme",  # neither http nor https
    "fetch-host",  # a host name of this installation
    "fetch-port",  # a port that is not allowed
    "fetch-address",  # the host has a non-public address
    "fetch-redirects",  # too many redirects, or a redirect to the same URL
    "fetch-size",  # the response is too large, before or after decompression
    "fetch-inflate",  # compression ratio too high, or data that does not match Content-Encoding
    "fetch-status",  # the server returned an error status
    "fetch-headers",  # the response headers are too large, or the response is not HTTP
]
FailureReason = Literal[
    "fetch-dns",  # the host does not resolve
    "fetch-connect",  # the connection failed
    "fetch-tls",  # TLS failed, or the certificate is invalid
    "fetch-time",  # time limit exceeded
    "fetch-broken",  # the connection was interrupted, or the response is incomplete
    "fetch-local",  # no request was made: this installation has no name server, sockets or memory left
]


class FetchError(BroadsheetError):
    """Base of both kinds. `reason` is a stable short code, used in metrics and shown to operators."""

    reason: str


class FetchRefused(Permanent, FetchError):
    """The request is not allowed or the response not acceptable. Not worth retrying."""

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(detail, rule=reason)
        self.reason = reason


class FetchFailed(Retryable, FetchError):
    """The server gave no complete response. Worth retrying later."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason

    @property
    def is_local(self) -> bool:
        """Whether the fault is on this side, so that it says nothing about the server."""
        return self.reason == "fetch-local"
