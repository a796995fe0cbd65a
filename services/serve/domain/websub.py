"""Parses requests to the WebSub hub (W3C WebSub section 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from services.serve.domain.saved_searches import BadField

MAX_URL: Final = 2_000
MAX_SECRET: Final = 199
LEASE_DEFAULT: Final = 10 * 86_400
LEASE_SHORTEST: Final = 300
LEASE_LONGEST: Final = 30 * 86_400
_MODES: Final = ("subscribe", "unsubscribe")
_TOPIC: Final = re.compile(
    r"^/feeds/(front|search|(streams|sections|sources|stories)/[^\s?#]+)\.(rss|atom|json)(\?[^\s#]*)?$"
)


@dataclass(frozen=True, slots=True)
class HubRequest:
    """A parsed request; `callback` is not checked yet. `secret` is empty for none."""

    mode: str
    callback: str
    topic: str
    lease_seconds: int
    secret: str


def hub_request(form: dict[str, list[str]], *, public_url: str) -> HubRequest:
    """The request of these form fields; unknown ones are ignored, as the standard requires. Raises BadField."""
    mode, callback, topic = (_one(form, f"hub.{name}") for name in ("mode", "callback", "topic"))
    if mode not in _MODES:
        raise BadField("hub.mode", f"is one of {', '.join(_MODES)}")
    if not callback or len(callback) > MAX_URL:
        raise BadField("hub.callback", f"is a URL of at most {MAX_URL} characters")
    if len(topic) > MAX_URL or not topic.startswith(f"{public_url}/") or not _TOPIC.match(topic[len(public_url) :]):
        raise BadField("hub.topic", f"is the `self` URL of a public feed here, such as {public_url}/feeds/front.atom")
    secret = _one(form, "hub.secret")
    if len(secret.encode("utf-8", "replace")) > MAX_SECRET:
        raise BadField("hub.secret", "must have fewer than 200 bytes")
    return HubRequest(mode, callback, topic, _lease(_one(form, "hub.lease_seconds")), secret)


def _lease(text: str) -> int:
    if not text:
        return LEASE_DEFAULT
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise BadField("hub.lease_seconds", "is a number of seconds")
    return min(max(int(text), LEASE_SHORTEST), LEASE_LONGEST)


def _one(form: dict[str, list[str]], name: str) -> str:
    found = form.get(name, [""])
    if len(found) != 1:
        raise BadField(name, "must not be repeated")
    return found[0]
