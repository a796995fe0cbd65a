"""URL canonicalisation. The rules and their lists are in `rules.py`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from shared.urls import rules
from shared.urls.parsing import MAX_CHARACTERS, Parts, parse_url

_BLANKS: Final = "".join(map(chr, range(0x21)))
_IGNORED: Final = {ord("\t"): None, ord("\n"): None, ord("\r"): None}
"""Characters that browsers remove anywhere in a URL."""
_SCHEME: Final = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:(?!\d)")
_SLASHES: Final = re.compile(r"/{2,}")
_ESCAPE: Final = re.compile(r"%[0-9a-fA-F]{2}")
_WEB: Final = frozenset({"http", "https"})
_MAX_KEY: Final = 400  # bytes
_MAX_UNWRAPS: Final = 3
_MAX_UNESCAPES: Final = 8
_PLAIN_PATH: Final = "!$&'()*+,;=:@~ -._"
_PLAIN_PAIR: Final = "!$'()*,;:@/?~-._"


@dataclass(frozen=True, slots=True)
class Canonical:
    """A canonical URL, and the names of the rules that removed something."""

    url: str
    rules: tuple[str, ...] = ()


def canonical(text: str) -> Canonical:
    """The form to show and to link: as written, but without tracking, session ids, AMP, device hosts and fragment.

    Raises ValueError unless the text is a URL, or a host and path that lack their scheme.
    """
    parts, names = _unwrapped(_read(text))
    host = parts.host.rstrip(".")
    if not host and parts.scheme in _WEB:
        raise ValueError("has a host of dots only")
    if (plain := rules.without_device(host)) != host:
        names.append("device-host")
    path, query = _path(parts.path, names), _query(parts.query, names)
    fragment = (
        parts.fragment if parts.fragment.startswith("!") else ""
    )  # #! identified the page before pushState existed
    if parts.fragment and not fragment:
        names.append("fragment")
    shown = _compose(parts, parts.scheme, plain, _upper(path), _upper(query), fragment)
    return Canonical(shown, tuple(dict.fromkeys(names)))


def page_key(text: str) -> str:
    """The form to compare: canonical, with https for http, no `www.`, sorted parameters, least escapes, no last slash.

    Two URLs with one key are one page. Nothing is fetched under a key. Raises ValueError like `canonical`.
    """
    parts = _read(canonical(text).url)
    web = parts.scheme in _WEB
    host = rules.WWW.sub("", parts.host) if web else parts.host
    path = "/".join(_escaped(segment, _PLAIN_PATH) for segment in _SLASHES.sub("/", parts.path).split("/"))
    pairs = sorted(filter(None, map(_pair, parts.query.split("&"))))
    return _compose(
        parts, "https" if web else parts.scheme, host, path.rstrip("/") or "/", "&".join(pairs), parts.fragment
    )


def url_key(address: str) -> str | None:
    """`page_key` in at most 400 bytes, for an index: a longer one is a hash of it. None for text that is no URL."""
    try:
        key = page_key(address)
    except ValueError:
        return None
    if len(key.encode()) <= _MAX_KEY:
        return key
    return f"hash:{hashlib.blake2b(key.encode(), digest_size=20).hexdigest()}"


def _read(text: str) -> Parts:
    """The URL in the text; surrounding spaces are ignored, a missing scheme is https."""
    stripped = text.strip(_BLANKS).translate(_IGNORED)
    if not _SCHEME.match(stripped):
        stripped = f"https://{stripped}"
    return parse_url(stripped)


def _unwrapped(parts: Parts) -> tuple[Parts, list[str]]:
    """The publisher's URL inside that of an AMP cache or viewer."""
    names: list[str] = []
    for _ in range(_MAX_UNWRAPS):
        inner = _amp_inner(parts)
        if inner is None:
            break
        names.append("amp-cache")
        parts = parse_url(inner)
    return parts, names


def _amp_inner(parts: Parts) -> str | None:
    match = None
    if parts.host.endswith(rules.AMP_HOSTS):
        match = rules.AMP_CACHE_PATH.match(parts.path)
    elif rules.AMP_VIEWERS.match(parts.host):
        match = rules.AMP_VIEWER_PATH.match(parts.path)
    if match is None:
        return None
    query = f"?{parts.query}" if parts.query else ""
    return f"{'https' if match['tls'] else 'http'}://{match['rest']}{query}"[:MAX_CHARACTERS]


def _path(path: str, names: list[str]) -> str:
    cut = rules.SESSION_PATH.sub("", path)
    if cut != path:
        names.append("session-id")
    plain = rules.AMP_PREFIX.sub("", rules.AMP_SUFFIX.sub("", cut, count=1), count=1)
    if plain == cut or not plain.strip("/"):
        return cut
    names.append("amp-path")
    return plain


def _query(query: str, names: list[str]) -> str:
    kept = []
    for item in filter(None, query.split("&")):
        name, _, value = item.partition("=")
        rule = _cut_parameter(name.lower(), value.lower())
        if rule:
            names.append(rule)
        else:
            kept.append(item)
    return "&".join(kept)


def _cut_parameter(name: str, value: str) -> str:
    """The rule that removes this parameter, or empty."""
    if rules.is_tracking(name):
        return "tracking-parameter"
    if rules.is_session(name, value):
        return "session-id"
    if name in rules.AMP_PARAMETERS or (name, value) in rules.AMP_PAIRS:
        return "amp-parameter"
    return ""


def _pair(item: str) -> str:
    name, equals, value = item.partition("=")
    return _escaped(name, _PLAIN_PAIR) + (f"={_escaped(value, _PLAIN_PAIR)}" if equals and value else "")


def _escaped(text: str, plain: str) -> str:
    """With the fewest escapes: unescaped until nothing changes, then escaped once."""
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(_MAX_UNESCAPES):
        further = unquote_to_bytes(data)
        if further == data:
            break
        data = further
    return quote_from_bytes(data, safe=plain).replace(" ", "%20")


def _upper(text: str) -> str:
    return _ESCAPE.sub(lambda match: match[0].upper(), text)


def _compose(parts: Parts, scheme: str, host: str, path: str, query: str, fragment: str) -> str:
    slashes = "//" if parts.href.startswith(f"{parts.scheme}://") else ""
    port = f":{parts.port}" if parts.port else ""
    return (
        f"{scheme}:{slashes}{host}{port}{path}" + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    )
